// From a path or URL to a store: which scheme is which store, and the code of remote ones loaded only when one is opened.
// One rule: a URL or an option that cannot be used is refused before anything is sent, and no value of either is repeated.
import { z } from 'zod'
import { AlluviumError } from '../errors.js'
import type { Runtime } from '../runtime.js'
import { type LocalStorageOptions, localStorage } from './local.js'
import { checkOptions, wordField } from './options.js'
import type { S3Options } from './s3/options.js'
import type { Storage } from './storage.js'
import type { WebHdfsOptions } from './webhdfs/options.js'

/** Options of the store behind a path or URL: which there are depends on its scheme. */
export type StorageOptions = Omit<LocalStorageOptions, 'runtime'> | Omit<S3Options, 'runtime'> | Omit<WebHdfsOptions, 'runtime'>

const localOptions: z.ZodObject = z.strictObject({ durability: wordField(['full', 'none']).optional() })

/**
 * The store behind a path, a `file:`, `s3:` (or `s3a:`), `webhdfs:`, `swebhdfs:` or `hdfs:` URL. Nothing is sent yet.
 *
 * @param options - As typed in a program, or as texts from a command line.
 * @throws AlluviumError `INVALID_OPTIONS`: a scheme there is no store for, a malformed URL, all faults of the options, a package
 * that is not installed.
 */
export async function openStorage(target: string, options: StorageOptions = {}, runtime?: Runtime): Promise<Storage> {
  if (target === '') throw new AlluviumError('INVALID_OPTIONS', 'the table path is empty')
  const scheme = schemeOf(target)
  switch (scheme) {
    case undefined:
      return local(target, options, runtime)
    case 'file':
      return local(pathOfFileUrl(target), options, runtime)
    case 's3':
    case 's3a': {
      const { s3Storage } = await import('./s3/index.js')
      return s3Storage(target, { ...options, ...withRuntime(runtime) })
    }
    case 'webhdfs':
    case 'swebhdfs':
    case 'hdfs': {
      const { webhdfsStorage } = await import('./webhdfs/index.js')
      return webhdfsStorage(target, { ...options, ...withRuntime(runtime) })
    }
    default:
      throw new AlluviumError(
        'INVALID_OPTIONS',
        `cannot open ${scheme}:// tables: there are stores for s3://, webhdfs://, swebhdfs://, hdfs://, file:// and plain paths; any other can be handed in as a Storage`,
        { scheme },
      )
  }
}

/** The scheme of a URL in lower case; undefined for a plain path. */
export function schemeOf(target: string): string | undefined {
  return /^([a-z][a-z0-9+.-]+):\/\//i.exec(target)?.[1]?.toLowerCase()
}

function local(path: string, options: StorageOptions, runtime: Runtime | undefined): Storage {
  const checked = checkOptions<LocalStorageOptions>(localOptions, options as Readonly<Record<string, unknown>>, 'local disk')
  return localStorage(path, { ...checked, ...withRuntime(runtime) })
}

function withRuntime(runtime: Runtime | undefined): { runtime?: Runtime } {
  return runtime === undefined ? {} : { runtime }
}

function pathOfFileUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined) throw new AlluviumError('INVALID_OPTIONS', 'the file URL is malformed; write file:///path', { scheme: 'file' })
  if (parsed.host !== '' && parsed.host !== 'localhost') {
    throw new AlluviumError('INVALID_OPTIONS', `the file URL names the host ${parsed.host}; write file:///path`, { scheme: 'file' })
  }
  try {
    return decodeURIComponent(parsed.pathname)
  } catch {
    throw new AlluviumError('INVALID_OPTIONS', `the file URL ${url} has a malformed percent escape`, { scheme: 'file' })
  }
}
