// Buckets and their objects in memory, in the order of their keys' UTF-8 bytes.
import { createHash } from 'node:crypto'
import { compareText } from '../../bytes.js'

/** One object of an emulated bucket. */
export interface S3Object {
  readonly key: string
  readonly bytes: Uint8Array
  /** In quotes, as S3 gives it. */
  readonly etag: string
  /** Whole seconds, in milliseconds since 1970: S3 knows no finer times. */
  readonly modifiedMs: number
  /** Content type and `x-amz-meta-…`, as they came. */
  readonly headers: Readonly<Record<string, string>>
  /** Of the whole object, base64, where the writer sent one. */
  readonly crc32: string | undefined
  /** The service's count of effects when the object was made. */
  readonly madeAtEffect: number
}

interface Change {
  readonly key: string
  readonly before: S3Object | undefined
}

// What a stale listing can look back on.
const REMEMBERED_CHANGES = 8

/** The objects of one bucket. */
export class S3Bucket {
  readonly #objects = new Map<string, S3Object>()
  #keys: string[] = []
  readonly #changes: Change[] = []

  get size(): number {
    return this.#objects.size
  }

  get(key: string): S3Object | undefined {
    return this.#objects.get(key)
  }

  set(object: S3Object): void {
    const before = this.#objects.get(object.key)
    this.#remember(object.key, before)
    if (before === undefined) this.#insert(object.key)
    this.#objects.set(object.key, object)
  }

  /** Many new objects at once, for tests that begin with a long log. */
  load(objects: readonly S3Object[]): void {
    for (const object of objects) this.#objects.set(object.key, object)
    this.#keys = [...this.#objects.keys()].sort(compareText)
  }

  delete(key: string): boolean {
    const before = this.#objects.get(key)
    if (before === undefined) return false
    this.#remember(key, before)
    this.#objects.delete(key)
    this.#keys.splice(this.#search(key), 1)
    return true
  }

  /** Keys from `from` on (inclusive), in order. */
  *keysFrom(from: string): Generator<string> {
    for (let at = this.#search(from); at < this.#keys.length; at++) yield this.#keys[at] as string
  }

  /** The bucket as it was `changes` changes ago. */
  before(changes: number): S3Bucket {
    const past = new S3Bucket()
    const objects = new Map(this.#objects)
    for (const { key, before } of this.#changes.slice(-changes).reverse()) {
      if (before === undefined) objects.delete(key)
      else objects.set(key, before)
    }
    past.load([...objects.values()])
    return past
  }

  #insert(key: string): void {
    const last = this.#keys.at(-1)
    if (last === undefined || compareText(last, key) < 0) this.#keys.push(key)
    else this.#keys.splice(this.#search(key), 0, key)
  }

  #remember(key: string, before: S3Object | undefined): void {
    this.#changes.push({ key, before })
    if (this.#changes.length > REMEMBERED_CHANGES) this.#changes.shift()
  }

  #search(key: string): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareText(this.#keys[middle] as string, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** The ETag of an object put at once: its MD5, in quotes. */
export function etagOf(bytes: Uint8Array): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`
}

/** A page of `ListObjectsV2`. */
export interface S3Page {
  readonly objects: readonly S3Object[]
  readonly commonPrefixes: readonly string[]
  /** The last key or common prefix of the page, when more follow. */
  readonly next: string | undefined
}

export interface S3ListOptions {
  readonly prefix: string
  readonly delimiter: string
  /** Exclusive. */
  readonly after: string
  /** `after` is where an earlier page ended: a common prefix there is done with. */
  readonly continues: boolean
  readonly maxKeys: number
  /** Keys a server keeps from listings. */
  readonly hidden: (key: string) => boolean
}

// After every key that begins with a common prefix.
const BEYOND = '\u{10ffff}'

/** Lists as S3 does: keys and common prefixes count alike, both in the order of their bytes. */
export function listPage(bucket: S3Bucket, options: S3ListOptions): S3Page {
  const { prefix, delimiter, after, continues, maxKeys, hidden } = options
  const objects: S3Object[] = []
  const commonPrefixes: string[] = []
  let last: string | undefined
  let from = after !== '' && compareText(after, prefix) >= 0 ? after : prefix
  for (let more = true; more; ) {
    more = false
    for (const key of bucket.keysFrom(from)) {
      if (!key.startsWith(prefix)) return { objects, commonPrefixes, next: undefined }
      if ((after !== '' && compareText(key, after) <= 0) || hidden(key)) continue
      const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
      const entry = end < 0 ? key : key.slice(0, end + delimiter.length)
      const isPrefix = end >= 0
      if (isPrefix && continues && entry === after) {
        from = entry + BEYOND
        more = true
        break
      }
      if (objects.length + commonPrefixes.length >= maxKeys) return { objects, commonPrefixes, next: last }
      last = entry
      if (!isPrefix) {
        objects.push(bucket.get(key) as S3Object)
        continue
      }
      commonPrefixes.push(entry)
      from = entry + BEYOND
      more = true
      break
    }
  }
  return { objects, commonPrefixes, next: undefined }
}
