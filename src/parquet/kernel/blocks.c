// Snappy and LZ4 blocks (their format descriptions): literals and copies of what was unpacked before. Rule: no byte is read
// before the input or written after the output that was announced, but for the spare ones.
#include "memory.h"

int unpackSnappy(const u8 *at, const u8 *end, u8 *to, u32 size) {
  u8 *start = to;
  u8 *stop = to + size;
  u32 announced = 0;
  for (u32 shift = 0;; shift += 7) {
    if (at >= end || shift > 28) return 0;
    u32 byte = *at++;
    announced |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  if (announced != size) return 0;
  while (at < end) {
    u32 tag = *at++;
    u32 length;
    u32 offset;
    if ((tag & 3) == 0) {
      length = (tag >> 2) + 1;
      if (length > 60) {
        u32 bytes = length - 60;
        if (bytes > (u32)(end - at)) return 0;
        length = (load32(at) & (0xffffffffu >> (32 - 8 * bytes))) + 1;
        at += bytes;
        if (length == 0) return 0;
      }
      if (length > (u32)(end - at) || length > (u32)(stop - to)) return 0;
      copyBytes(to, at, length);
      at += length;
      to += length;
      continue;
    }
    if ((tag & 3) == 1) {
      if (at >= end) return 0;
      length = ((tag >> 2) & 7) + 4;
      offset = ((tag >> 5) << 8) | *at++;
    } else {
      u32 bytes = (tag & 3) == 2 ? 2 : 4;
      if (bytes > (u32)(end - at)) return 0;
      length = (tag >> 2) + 1;
      offset = bytes == 2 ? (load32(at) & 0xffff) : load32(at);
      at += bytes;
    }
    if (offset == 0 || offset > (u32)(to - start) || length > (u32)(stop - to)) return 0;
    copyMatch(to, offset, length);
    to += length;
  }
  return to == stop;
}

// A length that goes on while its bytes are 255.
static inline int longer(const u8 **at, const u8 *end, u32 *length) {
  u32 byte;
  do {
    if (*at >= end || *length > 0x40000000u) return 0;
    byte = *(*at)++;
    *length += byte;
  } while (byte == 255);
  return 1;
}

int unpackLz4(const u8 *at, const u8 *end, u8 *to, u32 size) {
  u8 *start = to;
  u8 *stop = to + size;
  while (at < end) {
    u32 token = *at++;
    u32 length = token >> 4;
    if (length == 15 && !longer(&at, end, &length)) return 0;
    if (length > (u32)(end - at) || length > (u32)(stop - to)) return 0;
    if (length > 0) copyBytes(to, at, length);
    at += length;
    to += length;
    if (at == end) break;
    if (end - at < 2) return 0;
    u32 offset = load32(at) & 0xffff;
    at += 2;
    length = token & 15;
    if (length == 15 && !longer(&at, end, &length)) return 0;
    length += 4;
    if (offset == 0 || offset > (u32)(to - start) || length > (u32)(stop - to)) return 0;
    copyMatch(to, offset, length);
    to += length;
  }
  return to == stop;
}
