// The checksum of `_last_checkpoint`, by the vectors of the protocol and of RFC 1321.
import { expect, test } from 'vitest'
import { encodeUtf8 } from '../../../src/bytes.js'
import { type JsonObject, parseJson } from '../../../src/json.js'
import { canonicalJson, jsonChecksum } from '../../../src/log/upkeep/json-checksum.js'
import { md5 } from '../../../src/log/upkeep/md5.js'

const EXAMPLE =
  '{"k0":"\'v 0\'", "checksum": "adsaskfljadfkjadfkj", "k1":{"k2": 2, "k3": ["v3", [1, 2], {"k4": "v4", "k5": ["v5", "v6", "v7"]}]}}'

test("the protocol's example has the protocol's canonical form and checksum", () => {
  const json = parseJson(EXAMPLE) as JsonObject
  expect(canonicalJson(json)).toBe(
    '"k0"="%27v%200%27","k1"+"k2"=2,"k1"+"k3"+0="v3","k1"+"k3"+1+0=1,"k1"+"k3"+1+1=2,"k1"+"k3"+2+"k4"="v4","k1"+"k3"+2+"k5"+0="v5","k1"+"k3"+2+"k5"+1="v6","k1"+"k3"+2+"k5"+2="v7"',
  )
  expect(jsonChecksum(json)).toBe('6a92d155a59bf2eecbd4b4ec7fd1f875')
})

test.each([
  ['', 'd41d8cd98f00b204e9800998ecf8427e'],
  ['abc', '900150983cd24fb0d6963f7d28e17f72'],
  ['12345678901234567890123456789012345678901234567890123456789012345678901234567890', '57edf4a22be3c955ac49da2e2107b67a'],
])('MD5 of %j is that of RFC 1321', (text, digest) => {
  expect(md5(encodeUtf8(text))).toBe(digest)
})
