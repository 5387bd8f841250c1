// Without the optional package: a store can be made, and its first call says what to install.
import { expect, test, vi } from 'vitest'
import { s3Storage } from '../../../src/storage/s3/index.js'

vi.mock('@aws-sdk/client-s3', () => {
  throw Object.assign(new Error("Cannot find package '@aws-sdk/client-s3'"), { code: 'ERR_MODULE_NOT_FOUND' })
})

test('a missing SDK is named with the command that installs it', async () => {
  const storage = s3Storage('s3://bucket/table')
  for (const call of [() => storage.read('x'), () => storage.create('x', new Uint8Array(1))]) {
    await expect(call()).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('npm install @aws-sdk/client-s3 @smithy/node-http-handler'),
    })
  }
})
