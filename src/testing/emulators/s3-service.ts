// The S3 operations over buckets in memory: what each request does and what is answered to it. Path style only.
// One rule: it answers what real servers were seen to answer; where they differ the flavour says so.
import type { IncomingHttpHeaders } from 'node:http'
import { decodeUtf8 } from '../../bytes.js'
import { systemRuntime } from '../../runtime.js'
import { checksumsHold, decodeChunked, isChunked, md5Holds } from './s3-bodies.js'
import type { S3Flavour } from './s3-flavours.js'
import { type MultipartUpload, S3Multipart } from './s3-multipart.js'
import { refusalOf, type S3Credentials } from './s3-signature.js'
import { etagOf, listPage, S3Bucket, type S3Object } from './s3-store.js'
import { deletedXml, errorXml, listingXml, parseDelete, resultXml } from './s3-xml.js'
import type { EmulatedService, ServiceAnswer, ServiceRequest } from './server.js'

/** What a request asks for, by its method, path and query. */
interface Asked {
  readonly bucket: string
  readonly key: string
  readonly kind: string
}

const XML = { 'Content-Type': 'application/xml' }
const STALE_BY_CHANGES = 2
const SHORT_PAGE_KEYS = 3

export class S3Service implements EmulatedService {
  readonly buckets: Map<string, S3Bucket> = new Map()
  readonly #flavour: S3Flavour
  readonly #credentials: S3Credentials
  readonly #multipart = new S3Multipart()

  constructor(flavour: S3Flavour, credentials: S3Credentials) {
    this.#flavour = flavour
    this.#credentials = credentials
  }

  get openUploads(): readonly MultipartUpload[] {
    return this.#multipart.open()
  }

  describe(method: string, rawPath: string, query: URLSearchParams, headers: IncomingHttpHeaders): ReturnType<EmulatedService['describe']> {
    const { bucket, key, kind } = asked(method, rawPath, query, headers)
    const changes = !/^(Get|Head|List|Unknown)/.test(kind)
    const hasBody = Number(headers['content-length'] ?? 0) > 0
    const conditional = headers['if-none-match'] !== undefined || headers['if-match'] !== undefined
    return { path: key === '' ? bucket : `${bucket}/${key}`, kind, changes, conditional: conditional && changes, hasBody }
  }

  handle(request: ServiceRequest): ServiceAnswer {
    const refused = this.#refuse(request)
    if (refused !== undefined) return refused
    const { bucket: name, key, kind } = asked(request.method, request.rawPath, request.query, request.headers)
    if (kind === 'CreateBucket') {
      if (!this.buckets.has(name)) this.buckets.set(name, new S3Bucket())
      return { status: 200, headers: { Location: `/${name}` } }
    }
    const bucket = this.buckets.get(name)
    if (bucket === undefined) return this.failure(request, 404, 'NoSuchBucket')
    if (key !== '' && this.#flavour.refusesEmptyParts && key.includes('//')) return this.failure(request, 400, 'XMinioInvalidObjectName')
    switch (kind) {
      case 'HeadBucket':
        return { status: 200 }
      case 'GetBucketLocation':
        return { status: 200, headers: XML, body: resultXml('LocationConstraint', {}) }
      case 'ListObjectsV2':
        return this.#list(request, name, bucket)
      case 'DeleteObjects':
        return this.#deleteMany(request, bucket)
      case 'PutObject':
        return this.#put(request, bucket, key)
      case 'CopyObject':
        return this.#copy(request, bucket, key)
      case 'GetObject':
      case 'HeadObject':
        return this.#get(request, bucket, key)
      case 'DeleteObject':
        return this.#delete(request, bucket, key)
      default:
        return this.#multipart.handle(kind, request, {
          name,
          key,
          bucket,
          flavour: this.#flavour,
          store: (bytes) => this.#make(request, key, bytes),
          failure: this.failure,
        })
    }
  }

  readonly failure: EmulatedService['failure'] = (request, status, code) => {
    if (request.method === 'HEAD') return { status }
    return { status, headers: XML, body: errorXml(code, MESSAGES[code] ?? code, request.rawPath) }
  }

  #refuse(request: ServiceRequest): ServiceAnswer | undefined {
    const refusal = refusalOf(request, this.#credentials, systemRuntime.now())
    if (refusal === undefined) return undefined
    const { unknownKey, wrongToken } = this.#flavour
    const { status, code } =
      refusal === 'InvalidAccessKeyId' ? unknownKey : refusal === 'InvalidToken' ? wrongToken : { status: 403, code: refusal }
    return this.failure(request, status, code)
  }

  #put(request: ServiceRequest, bucket: S3Bucket, key: string): ServiceAnswer {
    const unmet = this.#unmetCondition(request, bucket, key)
    if (unmet !== undefined) return unmet
    if (this.#flavour.keyBelowObject === 'refused' && isBelowObject(bucket, key)) return this.failure(request, 409, 'ObjectParentIsFile')
    const body = this.bodyOf(request)
    if ('status' in body) return body
    const object = this.#make(request, key, body.bytes)
    bucket.set(object)
    return { status: 200, headers: { ETag: object.etag } }
  }

  /** The body, decoded and checked; or the answer that refuses it. */
  bodyOf(request: ServiceRequest): { readonly bytes: Uint8Array } | ServiceAnswer {
    const { wrongChecksum, chunkedBodies } = this.#flavour
    if (!md5Holds(request)) return this.failure(request, 400, 'BadDigest')
    const chunked = isChunked(request)
    if (chunked && !chunkedBodies) return this.failure(request, 411, 'MissingContentLength')
    const body = chunked
      ? decodeChunked(request.body, Number(request.headers['x-amz-decoded-content-length']))
      : { bytes: request.body, trailers: {} }
    if (body === undefined) return this.failure(request, 400, 'IncompleteBody')
    if (wrongChecksum !== undefined && !checksumsHold(request, body)) return this.failure(request, 400, wrongChecksum)
    return body
  }

  #unmetCondition(request: ServiceRequest, bucket: S3Bucket, key: string): ServiceAnswer | undefined {
    const { headers, arrivedAtEffect } = request
    const there = bucket.get(key)
    if (headers['if-none-match'] !== undefined && this.#flavour.conditionalPut && there !== undefined) {
      const together = this.#flavour.loserGets409 && there.madeAtEffect > arrivedAtEffect
      return together ? this.failure(request, 409, 'ConditionalRequestConflict') : this.failure(request, 412, 'PreconditionFailed')
    }
    const ifMatch = headers['if-match']
    if (ifMatch === undefined) return undefined
    if (there === undefined) {
      return this.#flavour.ifMatchMissing === 404
        ? this.failure(request, 404, 'NoSuchKey')
        : this.failure(request, 412, 'PreconditionFailed')
    }
    const bare = there.etag.replaceAll('"', '')
    const matches = ifMatch === bare || (ifMatch === there.etag && this.#flavour.quotedIfMatch)
    return matches ? undefined : this.failure(request, 412, 'PreconditionFailed')
  }

  #copy(request: ServiceRequest, bucket: S3Bucket, key: string): ServiceAnswer {
    const unmet = this.#unmetCondition(request, bucket, key)
    if (unmet !== undefined) return unmet
    const source = decodeURIComponent(String(request.headers['x-amz-copy-source']).replace(/^\//, ''))
    const slash = source.indexOf('/')
    const from = this.buckets.get(source.slice(0, slash))?.get(source.slice(slash + 1))
    if (from === undefined) return this.failure(request, 404, 'NoSuchKey')
    const object = this.#make(request, key, from.bytes)
    bucket.set({ ...object, headers: from.headers })
    const modified = new Date(object.modifiedMs).toISOString()
    return { status: 200, headers: XML, body: resultXml('CopyObjectResult', { LastModified: modified, ETag: object.etag }) }
  }

  #get(request: ServiceRequest, bucket: S3Bucket, key: string): ServiceAnswer {
    const object = bucket.get(key)
    if (object === undefined) return this.failure(request, 404, 'NoSuchKey')
    const { headers } = request
    if (headers['if-none-match'] !== undefined && headers['if-none-match'] === object.etag)
      return { status: 304, headers: { ETag: object.etag } }
    if (headers['if-match'] !== undefined && headers['if-match'] !== object.etag) return this.failure(request, 412, 'PreconditionFailed')
    const facts: Record<string, string> = {
      ...object.headers,
      ETag: object.etag,
      'Last-Modified': new Date(object.modifiedMs).toUTCString(),
      'Accept-Ranges': 'bytes',
    }
    const size = object.bytes.length
    const range = rangeOf(headers.range, size, this.#flavour.suffixOfEmpty)
    if (range === 'unsatisfiable') return this.failure(request, 416, 'InvalidRange')
    if (range === undefined || range.status === 200) {
      const checksum =
        object.crc32 !== undefined && headers['x-amz-checksum-mode'] === 'ENABLED' && this.#flavour.wrongChecksum !== undefined
      const crc: Record<string, string> = checksum
        ? { 'x-amz-checksum-crc32': object.crc32 as string, 'x-amz-checksum-type': 'FULL_OBJECT' }
        : {}
      return { status: 200, headers: { ...facts, ...crc }, body: object.bytes }
    }
    const { from, to } = range
    return { status: 206, headers: { ...facts, 'Content-Range': `bytes ${from}-${to - 1}/${size}` }, body: object.bytes.subarray(from, to) }
  }

  #delete(request: ServiceRequest, bucket: S3Bucket, key: string): ServiceAnswer {
    const ifMatch = request.headers['if-match']
    const there = bucket.get(key)
    if (ifMatch !== undefined && this.#flavour.conditionalDelete && there !== undefined && ifMatch !== there.etag) {
      return this.failure(request, 412, 'PreconditionFailed')
    }
    bucket.delete(key)
    return { status: 204 }
  }

  #deleteMany(request: ServiceRequest, bucket: S3Bucket): ServiceAnswer {
    const body = this.bodyOf(request)
    if ('status' in body) return body
    const wanted = parseDelete(decodeUtf8(body.bytes))
    if (wanted === undefined || wanted.keys.length > 1000) return this.failure(request, 400, 'MalformedXML')
    for (const key of wanted.keys) bucket.delete(key)
    return { status: 200, headers: XML, body: deletedXml(wanted.keys, wanted.quiet) }
  }

  #list(request: ServiceRequest, name: string, current: S3Bucket): ServiceAnswer {
    const { query, listing } = request
    const bucket = listing === 'stale' ? current.before(STALE_BY_CHANGES) : current
    const token = query.get('continuation-token') ?? undefined
    const startAfter = query.get('start-after') ?? undefined
    const maxKeys = Math.min(1000, Number(query.get('max-keys') ?? 1000))
    const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? '']
    const hidden = (key: string): boolean => this.#flavour.keyBelowObject === 'hidden' && isBelowObject(bucket, key)
    const after = token === undefined ? (startAfter ?? '') : Buffer.from(token, 'base64url').toString()
    const limit = listing === 'short' ? Math.min(maxKeys, SHORT_PAGE_KEYS) : maxKeys
    const page = listPage(bucket, { prefix, delimiter, after, continues: token !== undefined, maxKeys: limit, hidden })
    const nextToken = page.next === undefined ? undefined : Buffer.from(page.next).toString('base64url')
    const encoded = query.get('encoding-type') === 'url' && this.#flavour.encodesListing
    return {
      status: 200,
      headers: XML,
      body: listingXml(page, { bucket: name, prefix, delimiter, maxKeys, startAfter, token, encoded, nextToken }),
    }
  }

  #make(request: ServiceRequest, key: string, bytes: Uint8Array): S3Object {
    const kept: Record<string, string> = { 'Content-Type': request.headers['content-type'] ?? 'binary/octet-stream' }
    for (const [name, value] of Object.entries(request.headers)) {
      if (name.startsWith('x-amz-meta-') && typeof value === 'string') kept[name] = value
    }
    const crc32 = request.headers['x-amz-checksum-crc32']
    return makeObject(key, bytes, { headers: kept, crc32: typeof crc32 === 'string' ? crc32 : undefined, madeAtEffect: request.effect })
  }
}

/** An object made now, or at a given time. */
export function makeObject(key: string, bytes: Uint8Array, more: Partial<S3Object> = {}): S3Object {
  const modifiedMs = Math.floor((more.modifiedMs ?? systemRuntime.now()) / 1000) * 1000
  return { headers: {}, crc32: undefined, madeAtEffect: 0, ...more, key, bytes, etag: more.etag ?? etagOf(bytes), modifiedMs }
}

const MESSAGES: Readonly<Record<string, string>> = {
  NoSuchKey: 'The specified key does not exist.',
  NoSuchBucket: 'The specified bucket does not exist.',
  PreconditionFailed: 'At least one of the pre-conditions you specified did not hold',
  ConditionalRequestConflict: 'The conditional request cannot succeed due to a conflicting operation against this resource.',
  InvalidRange: 'The requested range is not satisfiable',
  InternalError: 'We encountered an internal error. Please try again.',
  SlowDown: 'Please reduce your request rate.',
  InvalidAccessKeyId: 'The AWS access key Id you provided does not exist in our records.',
  SignatureDoesNotMatch: 'The request signature we calculated does not match the signature you provided.',
}

function asked(method: string, rawPath: string, query: URLSearchParams, headers: IncomingHttpHeaders): Asked {
  const slash = rawPath.indexOf('/', 1)
  const bucket = safeDecode(slash < 0 ? rawPath.slice(1) : rawPath.slice(1, slash))
  const key = slash < 0 ? '' : safeDecode(rawPath.slice(slash + 1))
  return { bucket, key, kind: kindOf(method, key, query, headers) }
}

function kindOf(method: string, key: string, query: URLSearchParams, headers: IncomingHttpHeaders): string {
  if (key === '') {
    if (method === 'GET')
      return query.has('location') ? 'GetBucketLocation' : query.has('uploads') ? 'ListMultipartUploads' : 'ListObjectsV2'
    if (method === 'POST' && query.has('delete')) return 'DeleteObjects'
    return method === 'PUT' ? 'CreateBucket' : method === 'HEAD' ? 'HeadBucket' : 'Unknown'
  }
  if (query.has('uploads') && method === 'POST') return 'CreateMultipartUpload'
  if (query.has('uploadId')) {
    const kinds: Readonly<Record<string, string>> = {
      PUT: 'UploadPart',
      POST: 'CompleteMultipartUpload',
      DELETE: 'AbortMultipartUpload',
      GET: 'ListParts',
    }
    return kinds[method] ?? 'Unknown'
  }
  if (method === 'PUT' && headers['x-amz-copy-source'] !== undefined) return 'CopyObject'
  const kinds: Readonly<Record<string, string>> = { PUT: 'PutObject', GET: 'GetObject', HEAD: 'HeadObject', DELETE: 'DeleteObject' }
  return kinds[method] ?? 'Unknown'
}

/** A satisfiable range, `unsatisfiable`, or undefined for none (or none that is understood, which is the same to S3). */
function rangeOf(
  header: string | undefined,
  size: number,
  suffixOfEmpty: 200 | 206 | 416,
): { readonly status: 200 | 206; readonly from: number; readonly to: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (match === null || (match[1] === '' && match[2] === '')) return undefined
  if (match[1] === '') {
    if (size === 0) return suffixOfEmpty === 416 ? 'unsatisfiable' : { status: suffixOfEmpty, from: 0, to: 0 }
    const from = Math.max(0, size - Number(match[2]))
    return Number(match[2]) === 0 ? 'unsatisfiable' : { status: 206, from, to: size }
  }
  const from = Number(match[1])
  if (from >= size) return 'unsatisfiable'
  if (match[2] !== '' && Number(match[2]) < from) return undefined
  return { status: 206, from, to: match[2] === '' ? size : Math.min(size, Number(match[2]) + 1) }
}

function isBelowObject(bucket: S3Bucket, key: string): boolean {
  for (let slash = key.indexOf('/'); slash >= 0; slash = key.indexOf('/', slash + 1)) {
    if (bucket.get(key.slice(0, slash)) !== undefined) return true
  }
  return false
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
