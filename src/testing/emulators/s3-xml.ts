// The XML of S3: what is answered, and the two kinds of body that come in. Only what S3 itself writes is understood.
import type { S3Page } from './s3-store.js'

const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
const NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'

export function errorXml(code: string, message: string, resource: string): string {
  return `${HEAD}<Error><Code>${code}</Code><Message>${escapeXml(message)}</Message><Resource>${escapeXml(resource)}</Resource><RequestId>EMULATED</RequestId></Error>`
}

export interface ListingAsked {
  readonly bucket: string
  readonly prefix: string
  readonly delimiter: string
  readonly maxKeys: number
  readonly startAfter: string | undefined
  readonly token: string | undefined
  /** Keys are percent-encoded in the answer, which then says so. */
  readonly encoded: boolean
  readonly nextToken: string | undefined
}

export function listingXml(page: S3Page, asked: ListingAsked): string {
  const text = (key: string): string => escapeXml(asked.encoded ? encodeKey(key) : key)
  const optional = (name: string, value: string | undefined): string => (value === undefined ? '' : `<${name}>${value}</${name}>`)
  const contents = page.objects.map(
    ({ key, modifiedMs, etag, bytes }) =>
      `<Contents><Key>${text(key)}</Key><LastModified>${new Date(modifiedMs).toISOString()}</LastModified><ETag>${escapeXml(etag)}</ETag><Size>${bytes.length}</Size><StorageClass>STANDARD</StorageClass></Contents>`,
  )
  const prefixes = page.commonPrefixes.map((prefix) => `<CommonPrefixes><Prefix>${text(prefix)}</Prefix></CommonPrefixes>`)
  return [
    `${HEAD}<ListBucketResult ${NAMESPACE}><Name>${asked.bucket}</Name><Prefix>${text(asked.prefix)}</Prefix>`,
    optional('Delimiter', asked.delimiter === '' ? undefined : text(asked.delimiter)),
    optional('StartAfter', asked.startAfter === undefined ? undefined : text(asked.startAfter)),
    optional('ContinuationToken', asked.token === undefined ? undefined : escapeXml(asked.token)),
    optional('NextContinuationToken', asked.nextToken === undefined ? undefined : escapeXml(asked.nextToken)),
    `<KeyCount>${page.objects.length + page.commonPrefixes.length}</KeyCount><MaxKeys>${asked.maxKeys}</MaxKeys>`,
    optional('EncodingType', asked.encoded ? 'url' : undefined),
    `<IsTruncated>${asked.nextToken !== undefined}</IsTruncated>`,
    ...contents,
    ...prefixes,
    '</ListBucketResult>',
  ].join('')
}

export function resultXml(name: string, fields: Readonly<Record<string, string>>): string {
  const inner = Object.entries(fields).map(([field, value]) => `<${field}>${escapeXml(value)}</${field}>`)
  return `${HEAD}<${name} ${NAMESPACE}>${inner.join('')}</${name}>`
}

/** `DeleteResult`, by key; a quiet answer names only what failed. */
export function deletedXml(keys: readonly string[], quiet: boolean): string {
  const deleted = quiet ? [] : keys.map((key) => `<Deleted><Key>${escapeXml(key)}</Key></Deleted>`)
  return `${HEAD}<DeleteResult ${NAMESPACE}>${deleted.join('')}</DeleteResult>`
}

export function uploadsXml(bucket: string, uploads: readonly { readonly key: string; readonly id: string }[]): string {
  const each = uploads.map(({ key, id }) => `<Upload><Key>${escapeXml(key)}</Key><UploadId>${id}</UploadId></Upload>`)
  return `${HEAD}<ListMultipartUploadsResult ${NAMESPACE}><Bucket>${bucket}</Bucket><IsTruncated>false</IsTruncated>${each.join('')}</ListMultipartUploadsResult>`
}

/** The keys of a `DeleteObjects` body. */
export function parseDelete(text: string): { keys: string[]; quiet: boolean } | undefined {
  if (!/<Delete[\s>]/.test(text)) return undefined
  return {
    keys: [...text.matchAll(/<Key>([\s\S]*?)<\/Key>/g)].map((match) => unescapeXml(match[1] ?? '')),
    quiet: /<Quiet>true<\/Quiet>/.test(text),
  }
}

/** The parts of a `CompleteMultipartUpload` body. */
export function parseParts(text: string): { number: number; etag: string }[] {
  return [...text.matchAll(/<Part>([\s\S]*?)<\/Part>/g)].map(([, part = '']) => ({
    number: Number(/<PartNumber>(\d+)<\/PartNumber>/.exec(part)?.[1]),
    etag: unescapeXml(/<ETag>([\s\S]*?)<\/ETag>/.exec(part)?.[1] ?? ''),
  }))
}

/** As S3 encodes keys for `encoding-type=url`: every byte but unreserved ones and the slash. */
export function encodeKey(key: string): string {
  return encodeURIComponent(key)
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`)
}

const NAMED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }

function escapeXml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: keys may hold them, and S3 answers them as references.
  return text.replace(/[&<>"'\u0000-\u001f]/g, (each) => NAMED[each] ?? `&#x${each.charCodeAt(0).toString(16)};`)
}

function unescapeXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex?: string, decimal?: string, name?: string) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16))
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal))
    return Object.entries(NAMED).find(([, named]) => named === `&${name};`)?.[0] ?? whole
  })
}
