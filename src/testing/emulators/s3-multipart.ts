// Multipart uploads: parts that are nothing until they are completed.
import { createHash } from 'node:crypto'
import { concatBytes, decodeUtf8 } from '../../bytes.js'
import { decodeChunked, isChunked } from './s3-bodies.js'
import type { S3Flavour } from './s3-flavours.js'
import { etagOf, type S3Bucket, type S3Object } from './s3-store.js'
import { parseParts, resultXml, uploadsXml } from './s3-xml.js'
import type { ServiceAnswer, ServiceRequest } from './server.js'

/** An upload that was neither completed nor aborted. */
export interface MultipartUpload {
  readonly id: string
  readonly bucket: string
  readonly key: string
  readonly parts: ReadonlyMap<number, Uint8Array>
}

interface OpenUpload extends MultipartUpload {
  readonly parts: Map<number, Uint8Array>
  /** The request that began it, whose headers become the object's. */
  readonly begun: ServiceRequest
}

/** What the operations need to know of the rest. */
interface Context {
  readonly name: string
  readonly key: string
  readonly bucket: S3Bucket
  readonly flavour: S3Flavour
  readonly store: (bytes: Uint8Array) => S3Object
  readonly failure: (request: ServiceRequest, status: number, code: string) => ServiceAnswer
}

const XML = { 'Content-Type': 'application/xml' }
/** Every part but the last. */
const MIN_PART_BYTES = 5 * 2 ** 20

export class S3Multipart {
  readonly #uploads = new Map<string, OpenUpload>()
  #next = 1

  open(): readonly MultipartUpload[] {
    return [...this.#uploads.values()]
  }

  handle(kind: string, request: ServiceRequest, context: Context): ServiceAnswer {
    const { name, key, failure } = context
    if (kind === 'CreateMultipartUpload') {
      const id = `upload-${this.#next++}`
      this.#uploads.set(id, { id, bucket: name, key, parts: new Map(), begun: request })
      return { status: 200, headers: XML, body: resultXml('InitiateMultipartUploadResult', { Bucket: name, Key: key, UploadId: id }) }
    }
    if (kind === 'ListMultipartUploads') {
      const uploads = this.open().filter((upload) => upload.bucket === name && upload.key.startsWith(request.query.get('prefix') ?? ''))
      return { status: 200, headers: XML, body: uploadsXml(name, uploads) }
    }
    const upload = this.#uploads.get(request.query.get('uploadId') ?? '')
    if (upload === undefined || upload.key !== key || upload.bucket !== name) return failure(request, 404, 'NoSuchUpload')
    switch (kind) {
      case 'UploadPart':
        return putPart(upload, request, context)
      case 'CompleteMultipartUpload':
        return this.#complete(upload, request, context)
      case 'AbortMultipartUpload':
        this.#uploads.delete(upload.id)
        return { status: 204 }
      default:
        return failure(request, 501, 'NotImplemented')
    }
  }

  #complete(upload: OpenUpload, request: ServiceRequest, { name, key, bucket, flavour, store, failure }: Context): ServiceAnswer {
    const wanted = parseParts(decodeUtf8(request.body))
    if (wanted.length === 0) return failure(request, 400, 'MalformedXML')
    const parts: Uint8Array[] = []
    for (const [n, { number, etag }] of wanted.entries()) {
      const part = upload.parts.get(number)
      if (part === undefined || etagOf(part).replaceAll('"', '') !== etag.replaceAll('"', '')) return failure(request, 400, 'InvalidPart')
      if (n > 0 && number <= (wanted[n - 1]?.number ?? 0)) return failure(request, 400, 'InvalidPartOrder')
      if (n < wanted.length - 1 && part.length < MIN_PART_BYTES) return failure(request, 400, 'EntityTooSmall')
      parts.push(part)
    }
    const there = bucket.get(key)
    if (flavour.conditionalComplete) {
      const { 'if-none-match': ifNoneMatch, 'if-match': ifMatch } = request.headers
      if (ifNoneMatch !== undefined && there !== undefined) return failure(request, 412, 'PreconditionFailed')
      if (ifMatch !== undefined && there?.etag !== ifMatch) return failure(request, 412, 'PreconditionFailed')
    }
    const digest = createHash('md5')
    for (const part of parts) digest.update(createHash('md5').update(part).digest())
    const etag = `"${digest.digest('hex')}-${parts.length}"`
    this.#uploads.delete(upload.id)
    bucket.set({ ...store(concatBytes(parts)), etag, crc32: undefined, headers: headersOf(upload.begun) })
    const fields = { Location: `/${name}/${key}`, Bucket: name, Key: key, ETag: etag }
    return { status: 200, headers: XML, body: resultXml('CompleteMultipartUploadResult', fields) }
  }
}

function putPart(upload: OpenUpload, request: ServiceRequest, { flavour, failure }: Context): ServiceAnswer {
  const number = Number(request.query.get('partNumber'))
  if (!Number.isSafeInteger(number) || number < 1 || number > 10_000) return failure(request, 400, 'InvalidArgument')
  if (isChunked(request) && !flavour.chunkedBodies) return failure(request, 411, 'MissingContentLength')
  const body = isChunked(request)
    ? decodeChunked(request.body, Number(request.headers['x-amz-decoded-content-length']))
    : { bytes: request.body }
  if (body === undefined) return failure(request, 400, 'IncompleteBody')
  upload.parts.set(number, body.bytes)
  return { status: 200, headers: { ETag: etagOf(body.bytes) } }
}

function headersOf(begun: ServiceRequest): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(begun.headers)) {
    if ((name.startsWith('x-amz-meta-') || name === 'content-type') && typeof value === 'string') kept[name] = value
  }
  return kept
}
