// The AWS SDK on an emulated S3: one try a request, so that a test sees every answer.
import { S3Client } from '@aws-sdk/client-s3'
import type { S3Emulator } from '../../src/testing/index.js'

/** A client of the emulator; `attempts` is 1 unless a test is about the SDK's own retries. */
export function sdkClient(
  s3: S3Emulator,
  options: { readonly attempts?: number; readonly timeoutMs?: number; readonly credentials?: object } = {},
): S3Client {
  return new S3Client({
    endpoint: s3.endpoint,
    region: s3.region,
    credentials: s3.credentials,
    forcePathStyle: true,
    maxAttempts: options.attempts ?? 1,
    requestHandler: { requestTimeout: options.timeoutMs ?? 20_000, throwOnRequestTimeout: true },
    ...(options.credentials === undefined ? {} : { credentials: options.credentials as S3Emulator['credentials'] }),
  })
}

/** The outcome of one request as a text: `200`, or `412 PreconditionFailed`. */
export async function outcome(request: Promise<{ $metadata: { httpStatusCode?: number } }>): Promise<string> {
  try {
    return String((await request).$metadata.httpStatusCode)
  } catch (error) {
    const { $metadata, Code, name } = error as { $metadata?: { httpStatusCode?: number }; Code?: string; name: string }
    return `${$metadata?.httpStatusCode ?? '-'} ${Code ?? name}`
  }
}
