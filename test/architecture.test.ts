// The shape of the code as promises: who may import whom, which doors lead outside, what the package depends on.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { describe, expect, test } from 'vitest'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')

interface Source {
  readonly path: string
  readonly folder: string
  readonly text: string
  readonly imports: readonly string[]
}

function sources(): Source[] {
  return readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => {
      const path = relative(root, join(entry.parentPath, entry.name)).split(sep).join('/')
      const text = readFileSync(join(root, path), 'utf8')
      const imports = [
        ...text.matchAll(/(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s*'([^']+)'|import\('([^']+)'\)|(?:^|\n)import\s*'([^']+)'/g),
      ].map((match) => (match[1] ?? match[2] ?? match[3]) as string)
      const parts = path.split('/')
      return { path, folder: parts.length > 2 ? (parts[1] as string) : '', text, imports }
    })
}

const all = sources()

/** Without comments and texts, so that prose about clocks is not a use of one. */
function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`\\])\/\/[^\n]*/g, '$1')
}

const FOUNDATION = ['errors', 'runtime', 'bytes', 'json', 'version']
const MAY_IMPORT: Record<string, readonly string[]> = {
  schema: [],
  storage: [],
  arrow: ['schema'],
  parquet: ['schema', 'arrow'],
  filter: ['schema', 'arrow'],
  formats: ['schema', 'arrow', 'parquet'],
  log: ['schema', 'arrow', 'parquet', 'filter', 'storage/storage'],
  table: ['schema', 'arrow', 'parquet', 'filter', 'log', 'storage/storage'],
  stream: ['schema', 'arrow', 'table'],
  compaction: ['schema', 'arrow', 'parquet', 'filter', 'log', 'table', 'storage/storage'],
  testing: ['storage/storage'],
  cli: ['schema', 'arrow', 'parquet', 'filter', 'formats', 'storage', 'log', 'table', 'stream', 'compaction'],
}

describe('imports', () => {
  test.each(all.filter((source) => source.folder !== '').map((source) => [source.path, source] as const))(
    '%s imports only what its folder may',
    (_, source) => {
      const allowed = MAY_IMPORT[source.folder]
      expect(allowed, `src/${source.folder} is not a folder of the architecture`).toBeDefined()
      for (const specifier of source.imports.filter((s) => s.startsWith('.'))) {
        const target = posix
          .join(posix.dirname(source.path), specifier)
          .replace(/^src\//, '')
          .replace(/\.js$/, '')
        const folder = target.includes('/') ? (target.split('/')[0] as string) : ''
        if (folder === source.folder) continue
        if (folder === '') {
          expect(FOUNDATION, `${source.path} imports ${specifier}`).toContain(target)
          continue
        }
        // One file opens paths and URLs; everywhere else a store is handed in.
        if (source.path === 'src/table/open.ts' && ['storage/local', 'storage/open'].includes(target)) continue
        const ok = (allowed as readonly string[]).some((name) => target === name || target.startsWith(`${name}/`))
        expect(ok, `${source.path} may not import ${specifier}`).toBe(true)
      }
    },
  )

  test('there is no cycle between files', () => {
    const graph = new Map(
      all.map((source) => [
        source.path,
        source.imports.filter((s) => s.startsWith('.')).map((s) => posix.join(posix.dirname(source.path), s).replace(/\.js$/, '.ts')),
      ]),
    )
    const done = new Set<string>()
    const visit = (path: string, trail: readonly string[]): void => {
      if (done.has(path)) return
      expect(trail, `a cycle: ${[...trail, path].join(' -> ')}`).not.toContain(path)
      for (const next of graph.get(path) ?? []) visit(next, [...trail, path])
      done.add(path)
    }
    for (const path of graph.keys()) visit(path, [])
  })

  test('only stores, the command line and the test kit touch node: modules', () => {
    const users = all.filter((source) => source.imports.some((s) => s.startsWith('node:'))).map((source) => source.path)
    const allowed = users.filter((path) => /^src\/(storage\/(?:local[^/]*\.ts|s3\/|webhdfs\/)|runtime\.ts|cli\/|testing\/)/.test(path))
    expect(users).toEqual(allowed)
  })

  test('packages are imported only where they belong', () => {
    const where: Record<string, RegExp> = {
      'parquet-wasm': /^src\/parquet\//,
      'parquet-wasm/esm': /^src\/parquet\//,
      'apache-arrow': /^src\/(arrow|parquet|filter|formats|log|table|stream|compaction|cli)\//,
      croner: /^src\/cli\//,
      zod: /^src\/(schema|storage|table|stream|cli)\//,
      '@aws-sdk/client-s3': /^src\/storage\/s3\//,
      '@smithy/node-http-handler': /^src\/storage\/s3\//,
    }
    for (const source of all) {
      for (const specifier of source.imports.filter((s) => !s.startsWith('.') && !s.startsWith('node:'))) {
        expect(Object.keys(where), `${source.path} imports ${specifier}`).toContain(specifier)
        expect(source.path).toMatch(where[specifier] as RegExp)
      }
    }
  })
})

describe('doors', () => {
  const FORBIDDEN: readonly [RegExp, string][] = [
    [/\bDate\.now\b/, 'runtime.now()'],
    [/\bnew Date\(\s*\)/, 'runtime.now()'],
    [/\bMath\.random\b/, 'runtime.random()'],
    [/\bperformance\./, 'runtime.monotonicMs()'],
    [/\bset(?:Timeout|Interval|Immediate)\b/, 'runtime.sleep() or runtime.setTimer()'],
    [/\bcrypto\./, 'runtime.uuid()'],
    [/\bprocess\.(?:env|hrtime)/, 'runtime.env()'],
    [/\bgetBuiltinModule\b/, 'nodeModule()'],
  ]
  test.each(all.filter((source) => source.path !== 'src/runtime.ts').map((source) => [source.path, source] as const))(
    '%s takes time, randomness and environment from the runtime',
    (_, source) => {
      for (const [pattern, replacement] of FORBIDDEN) {
        expect(pattern.test(code(source.text)), `${source.path} uses ${pattern}: use ${replacement}`).toBe(false)
      }
    },
  )
})

describe('package', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
    exports: Record<string, unknown>
    scripts: Record<string, string>
  }

  test('the runtime dependencies are these and no more', () => {
    expect(Object.keys(manifest.dependencies).sort()).toEqual(['apache-arrow', 'croner', 'parquet-wasm', 'zod'])
  })

  test('nothing runs at install', () => {
    for (const hook of ['preinstall', 'install', 'postinstall', 'prepare']) expect(manifest.scripts).not.toHaveProperty(hook)
  })

  test('the entry points are these', () => {
    expect(Object.keys(manifest.exports).sort()).toEqual(['.', './package.json', './s3', './testing', './webhdfs'])
  })

  test('the read path bundles for a browser without node: modules', async () => {
    const result = await build({
      stdin: { contents: "export { openTableOn } from './src/table/create.ts'", resolveDir: root, loader: 'ts' },
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      logLevel: 'silent',
      external: [],
      loader: { '.wasm': 'empty' },
      metafile: true,
    })
    const inputs = Object.keys(result.metafile.inputs)
    expect(inputs.some((path) => path.startsWith('src/table/'))).toBe(true)
    expect(inputs.filter((path) => path.startsWith('node:') || path.startsWith('src/cli') || path.startsWith('src/storage/local'))).toEqual(
      [],
    )
    expect(result.outputFiles[0]?.text).not.toMatch(/from\s*["']node:/)
  }, 60_000)
})

describe('size', () => {
  test('no source file is longer than 400 lines', () => {
    const long = all.map((source) => [source.path, source.text.split('\n').length] as const).filter(([, lines]) => lines > 401)
    expect(long).toEqual([])
  })

  test('every source file begins by saying what it owns', () => {
    expect(all.filter((source) => !source.text.startsWith('//') && !source.text.startsWith('#!')).map((source) => source.path)).toEqual([])
  })
})
