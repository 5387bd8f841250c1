// AWS Signature Version 4, the server's side of it: who a request is from, and whether it was signed with their secret.
import { createHash, createHmac } from 'node:crypto'
import type { ServiceRequest } from './server.js'

/** Who may use an emulated store. */
export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Asked for in every request when given. */
  readonly sessionToken?: string
}

export type Refusal = 'AccessDenied' | 'InvalidAccessKeyId' | 'SignatureDoesNotMatch' | 'InvalidToken' | 'RequestTimeTooSkewed'

const MAX_SKEW_MS = 15 * 60 * 1000
const signingKeys = new Map<string, Buffer>()

/** Why a request is refused; undefined for one that is rightly signed, in its headers or in its query. */
export function refusalOf(request: ServiceRequest, credentials: S3Credentials, nowMs: number): Refusal | undefined {
  const signed = parseSigned(request)
  if (signed === undefined) return 'AccessDenied'
  if (signed.accessKeyId !== credentials.accessKeyId) return 'InvalidAccessKeyId'
  // Some clients send an empty token for none.
  const token = single(request.headers['x-amz-security-token']) || request.query.get('X-Amz-Security-Token') || undefined
  if (token !== credentials.sessionToken) return 'InvalidToken'
  if (signatureOf(request, signed, credentials.secretAccessKey) !== signed.signature) return 'SignatureDoesNotMatch'
  const sentMs = Date.parse(signed.date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  return Math.abs(sentMs - nowMs) > MAX_SKEW_MS ? 'RequestTimeTooSkewed' : undefined
}

interface Signed {
  readonly accessKeyId: string
  /** `20261125/us-east-1/s3/aws4_request` */
  readonly scope: string
  readonly headers: readonly string[]
  readonly signature: string
  readonly date: string
  readonly payloadHash: string
  readonly inQuery: boolean
}

function parseSigned({ headers, query }: ServiceRequest): Signed | undefined {
  if (query.has('X-Amz-Signature')) {
    const [accessKeyId = '', ...scope] = (query.get('X-Amz-Credential') ?? '').split('/')
    return {
      ...{ accessKeyId, scope: scope.join('/'), signature: query.get('X-Amz-Signature') ?? '', date: query.get('X-Amz-Date') ?? '' },
      headers: (query.get('X-Amz-SignedHeaders') ?? '').split(';'),
      payloadHash: 'UNSIGNED-PAYLOAD',
      inQuery: true,
    }
  }
  const match = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+),\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]+)$/.exec(
    headers.authorization ?? '',
  )
  if (match === null) return undefined
  const [, accessKeyId = '', scope = '', names = '', signature = ''] = match
  return {
    ...{ accessKeyId, scope, signature, headers: names.split(';'), date: single(headers['x-amz-date']) ?? '' },
    payloadHash: single(headers['x-amz-content-sha256']) ?? 'UNSIGNED-PAYLOAD',
    inQuery: false,
  }
}

function signatureOf(request: ServiceRequest, signed: Signed, secret: string): string {
  const canonicalQuery = request.rawQuery
    .split('&')
    .filter((pair) => pair !== '' && !(signed.inQuery && pair.startsWith('X-Amz-Signature=')))
    .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
    .sort()
    .join('&')
  const canonicalHeaders = signed.headers
    .map((name) => `${name}:${(single(request.headers[name]) ?? '').trim().replace(/ +/g, ' ')}\n`)
    .join('')
  const canonical = [request.method, request.rawPath, canonicalQuery, canonicalHeaders, signed.headers.join(';'), signed.payloadHash].join(
    '\n',
  )
  const text = ['AWS4-HMAC-SHA256', signed.date, signed.scope, createHash('sha256').update(canonical).digest('hex')].join('\n')
  return createHmac('sha256', signingKey(secret, signed.scope)).update(text).digest('hex')
}

function signingKey(secret: string, scope: string): Buffer {
  const name = `${secret} ${scope}`
  const known = signingKeys.get(name)
  if (known !== undefined) return known
  let key = Buffer.from(`AWS4${secret}`)
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest()
  signingKeys.set(name, key)
  return key
}

function single(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0]
}
