// Owns the WebAssembly codec (parquet-wasm): nothing else imports it, so it can be replaced here. One rule: only its
// synchronous functions are used. Its asynchronous ones raise damage as uncaught exceptions, outside every promise.
//
// A trap (`RuntimeError: unreachable`) leaks what the call had allocated and leaves the shadow stack where it was, and
// the memory of an instance never shrinks. So an instance that trapped, or grew beyond bounds, is dropped and the
// next call gets a fresh one where the platform allows (Node; a browser keeps its one instance).
import type * as Wasm from 'parquet-wasm'
import { nodeModule } from '../runtime.js'

export type { Wasm }

/** The functions of the codec that are used. */
export type Codec = Pick<
  typeof Wasm,
  'readParquet' | 'readSchema' | 'writeParquet' | 'wasmMemory' | 'Table' | 'WriterPropertiesBuilder' | 'Compression' | 'EnabledStatistics'
>

/** What a failed call of the codec looks like from outside. */
export class CodecFault extends Error {
  /** True when the codec trapped instead of answering. */
  readonly trapped: boolean
  /** True when it trapped for want of memory. */
  readonly outOfMemory: boolean

  constructor(message: string, trapped: boolean, outOfMemory: boolean, cause: unknown) {
    super(message, { cause })
    this.name = 'CodecFault'
    this.trapped = trapped
    this.outOfMemory = outOfMemory
  }
}

// 32-bit addresses end at 4 GiB; a trap with this much in use is taken for want of memory.
const NEARLY_FULL_BYTES = 3 * 2 ** 30
// A larger instance is given back after the call that made it so; a fresh one costs about 30 ms.
const GIVE_BACK_BYTES = 2 ** 30

interface NodeRequire {
  (id: string): unknown
  resolve(id: string): string
  cache: Record<string, { children?: { id: string }[] } | undefined>
}

type Source = ConstructorParameters<typeof WebAssembly.Module>[0] | WebAssembly.Module | Response | URL | string

let codec: Codec | undefined
let loading: Promise<void> | undefined
let makeFresh: (() => Codec) | undefined
let replacements = 0

/**
 * Prepares the codec. Needed only in a browser whose bundler does not place `parquet_wasm_bg.wasm` beside the script:
 * pass its bytes, a compiled module, a `Response` or its address. Calling it twice does nothing.
 *
 * @example
 * await initParquet(fetch('/assets/parquet_wasm_bg.wasm'))
 */
export async function initParquet(source?: Source | Promise<Source>): Promise<void> {
  if (codec !== undefined) return
  loading ??= load(source).catch((error: unknown) => {
    loading = undefined
    throw error
  })
  await loading
}

/** Calls into the codec; {@link initParquet} must have been awaited. Everything made inside must be freed inside. */
export function callCodec<T>(call: (codec: Codec) => T): T {
  if (codec === undefined) throw new Error('the Parquet codec is not loaded yet')
  const used = codec
  try {
    const result = call(used)
    if (used.wasmMemory().buffer.byteLength > GIVE_BACK_BYTES) replace()
    return result
  } catch (error) {
    throw asFault(error, used)
  }
}

/** How often the instance was replaced; for tests and diagnostics. */
export function codecReplacements(): number {
  return replacements
}

/** Bytes of WebAssembly memory in use by the codec. */
export function codecMemoryBytes(): number {
  return codec === undefined ? 0 : codec.wasmMemory().buffer.byteLength
}

function asFault(error: unknown, used: Codec): unknown {
  if (error instanceof WebAssembly.RuntimeError) {
    const full = used.wasmMemory().buffer.byteLength > NEARLY_FULL_BYTES
    replace()
    return new CodecFault(full ? 'the codec ran out of memory' : 'the codec gave up', true, full, error)
  }
  // wasm-bindgen's own failures are plain Errors; anything of ours passes through.
  if (error instanceof Error && error.constructor === Error) return new CodecFault(error.message, false, false, error)
  if (typeof error === 'string') return new CodecFault(error, false, false, error)
  return error
}

function replace(): void {
  replacements++
  if (makeFresh !== undefined) codec = makeFresh()
}

async function load(source: Source | Promise<Source> | undefined): Promise<void> {
  const node = nodeFactory()
  if (node !== undefined) {
    makeFresh = node
    codec = node()
    return
  }
  const loaded = (await import('parquet-wasm')) as unknown as { default?: unknown } & Codec
  if (typeof loaded.default === 'function') {
    const start = loaded.default as (options?: { module_or_path: unknown }) => Promise<unknown>
    await start(source === undefined ? undefined : { module_or_path: await source })
    codec = loaded
  } else {
    codec = (loaded.default ?? loaded) as Codec
  }
}

/** The file of the codec's package in Node: what a thread has to require. */
export function codecFile(): string | undefined {
  try {
    return nodeRequire()?.resolve('parquet-wasm')
  } catch {
    return undefined
  }
}

function nodeRequire(): NodeRequire | undefined {
  try {
    return nodeModule<{ createRequire(from: string): NodeRequire }>('module')?.createRequire(import.meta.url)
  } catch {
    // Bundled in a form without an address of its own.
    return undefined
  }
}

// In Node the package is required anew for every instance: an imported module could never be let go.
function nodeFactory(): (() => Codec) | undefined {
  const file = codecFile()
  const require = nodeRequire()
  if (require === undefined || file === undefined) return undefined
  return () => {
    const before = require.cache[file]
    // Parents keep a list of what they loaded; without this the old memory would stay reachable.
    if (before !== undefined) {
      delete require.cache[file]
      for (const module of Object.values(require.cache)) {
        const at = module?.children?.findIndex((child) => child.id === file) ?? -1
        if (at >= 0) module?.children?.splice(at, 1)
      }
    }
    return require(file) as Codec
  }
}
