// Where S3 servers differ, as they were seen to answer (Ceph RGW 16.2.15, MinIO of February 2026, Versity S3 Gateway 1.8.0), and two
// kinds of store that a client must survive: one that answers 409 to the loser of a race, and one without conditions.

/** What a kind of server does where others do something else. */
export interface S3Flavour {
  /** `If-None-Match: *` on a put is looked at. */
  readonly conditionalPut: boolean
  /** The loser of two puts that were under way together gets 409 where others get 412. */
  readonly loserGets409: boolean
  /** `If-None-Match` and `If-Match` on CompleteMultipartUpload are looked at. */
  readonly conditionalComplete: boolean
  /** `If-Match` on a put with the ETag as given, in quotes, matches. */
  readonly quotedIfMatch: boolean
  /** `If-Match` on a put of a missing key. */
  readonly ifMatchMissing: 404 | 412
  /** `If-Match` on a delete is looked at. */
  readonly conditionalDelete: boolean
  /** A body in `aws-chunked` encoding without a length is taken. */
  readonly chunkedBodies: boolean
  /** The code of the 400 to a wrong checksum; undefined where checksums are not looked at. */
  readonly wrongChecksum: 'BadDigest' | 'XAmzContentChecksumMismatch' | undefined
  /** `encoding-type=url` of a listing is followed. */
  readonly encodesListing: boolean
  /** Keys below the key of another object: kept from listings, or refused. */
  readonly keyBelowObject: 'listed' | 'hidden' | 'refused'
  /** An empty part in a key (`x//y`) is refused. */
  readonly refusesEmptyParts: boolean
  /** `Range: bytes=-8` of an empty object. */
  readonly suffixOfEmpty: 200 | 206 | 416
  /** The answer to an unknown access key. */
  readonly unknownKey: { readonly status: number; readonly code: string }
  /** The answer to a session token that is none of ours. */
  readonly wrongToken: { readonly status: number; readonly code: string }
}

const aws: S3Flavour = {
  conditionalPut: true,
  loserGets409: false,
  conditionalComplete: true,
  quotedIfMatch: true,
  ifMatchMissing: 404,
  conditionalDelete: true,
  chunkedBodies: true,
  wrongChecksum: 'BadDigest',
  encodesListing: true,
  keyBelowObject: 'listed',
  refusesEmptyParts: false,
  suffixOfEmpty: 416,
  unknownKey: { status: 403, code: 'InvalidAccessKeyId' },
  wrongToken: { status: 400, code: 'InvalidToken' },
}

export type S3FlavourName = 'aws' | 'minio' | 'ceph' | 'versitygw' | 'coreweave' | 'unconditional'

/** The kinds of S3 server an emulator can be. */
export const S3_FLAVOURS: Readonly<Record<S3FlavourName, S3Flavour>> = {
  /** As AWS documents it. */
  aws,
  minio: {
    ...aws,
    conditionalDelete: false,
    wrongChecksum: 'XAmzContentChecksumMismatch',
    keyBelowObject: 'hidden',
    refusesEmptyParts: true,
    suffixOfEmpty: 206,
    wrongToken: { status: 403, code: 'InvalidTokenId' },
  },
  ceph: {
    ...aws,
    conditionalComplete: false,
    quotedIfMatch: false,
    ifMatchMissing: 412,
    conditionalDelete: false,
    chunkedBodies: false,
    wrongChecksum: undefined,
  },
  versitygw: {
    ...aws,
    encodesListing: false,
    keyBelowObject: 'refused',
    suffixOfEmpty: 200,
    unknownKey: { status: 404, code: 'XAdminUserNotFound' },
  },
  /** CoreWeave: 409 for the loser of two concurrent creates. */
  coreweave: { ...aws, loserGets409: true },
  /** A store that takes conditions and does not look at them: commits to it are not safe. */
  unconditional: { ...aws, conditionalPut: false, conditionalComplete: false, conditionalDelete: false },
}
