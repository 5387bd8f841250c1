// Bodies of S3 requests: the `aws-chunked` encoding that SDKs use for streams, and the checksums beside it.
import { createHash } from 'node:crypto'
import * as zlib from 'node:zlib'
import { concatBytes, decodeUtf8 } from '../../bytes.js'
import type { ServiceRequest } from './server.js'

/** A body as it is to be stored, with the headers that came behind it. */
export interface DecodedBody {
  readonly bytes: Uint8Array
  readonly trailers: Readonly<Record<string, string>>
}

/** Whether a body is in pieces of the `aws-chunked` encoding. */
export function isChunked({ headers }: Pick<ServiceRequest, 'headers'>): boolean {
  const sha = headers['x-amz-content-sha256']
  return (typeof sha === 'string' && sha.startsWith('STREAMING-')) || /\baws-chunked\b/.test(headers['content-encoding'] ?? '')
}

/** Takes an `aws-chunked` body apart; undefined when it is malformed or not as long as it says. */
export function decodeChunked(body: Uint8Array, announced: number): DecodedBody | undefined {
  const pieces: Uint8Array[] = []
  let at = 0
  for (;;) {
    const end = lineEnd(body, at)
    if (end < 0) return undefined
    const size = Number.parseInt(decodeUtf8(body, at, end), 16)
    if (!Number.isSafeInteger(size) || size < 0) return undefined
    at = end + 2
    if (size === 0) break
    if (at + size + 2 > body.length) return undefined
    pieces.push(body.subarray(at, at + size))
    at += size + 2
  }
  const bytes = concatBytes(pieces)
  if (bytes.length !== announced) return undefined
  const trailers: Record<string, string> = {}
  for (const line of decodeUtf8(body, at).split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) trailers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim()
  }
  return { bytes, trailers }
}

/** The CRC32 of bytes, base64 as S3 writes it. */
export function crc32Of(bytes: Uint8Array): string {
  const crc = Buffer.alloc(4)
  crc.writeUInt32BE(zlib.crc32(bytes) >>> 0)
  return crc.toString('base64')
}

/** Whether every checksum that came with a body, before or behind it, is right. Kinds other than these are not looked at. */
export function checksumsHold({ headers }: ServiceRequest, { bytes, trailers }: DecodedBody): boolean {
  const sent = (name: string): string | undefined => trailers[name] ?? (headers[name] as string | undefined)
  const digest = (kind: string): string => createHash(kind).update(bytes).digest('base64')
  const checks: readonly (readonly [string | undefined, () => string])[] = [
    [sent('x-amz-checksum-crc32'), () => crc32Of(bytes)],
    [sent('x-amz-checksum-sha1'), () => digest('sha1')],
    [sent('x-amz-checksum-sha256'), () => digest('sha256')],
  ]
  return checks.every(([given, right]) => given === undefined || given === right())
}

/** Whether the MD5 sent with a body, if any, is right. */
export function md5Holds({ headers, body }: ServiceRequest): boolean {
  const given = headers['content-md5']
  return given === undefined || given === createHash('md5').update(body).digest('base64')
}

function lineEnd(bytes: Uint8Array, from: number): number {
  for (let at = from; at + 1 < bytes.length; at++) if (bytes[at] === 0x0d && bytes[at + 1] === 0x0a) return at
  return -1
}
