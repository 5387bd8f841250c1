// CRC-32 as in zlib and Java's java.util.zip.CRC32 (polynomial 0xEDB88320, reflected).

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1
  return remainder
})

/** The checksum of the bytes, from 0 to 2^32-1. */
export function crc32(bytes: Uint8Array): number {
  let remainder = -1
  for (let i = 0; i < bytes.length; i++) remainder = (TABLE[(remainder ^ (bytes[i] as number)) & 0xff] as number) ^ (remainder >>> 8)
  return (remainder ^ -1) >>> 0
}
