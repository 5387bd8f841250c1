// Bits and small numbers: Parquet's hybrid of run lengths and bit-packed groups, and strings of bits moved about.
#include "column.h"

// A varint of at most five bytes; the place after it, or 0.
static const u8 *readVarint(const u8 *at, const u8 *end, u32 *value) {
  *value = 0;
  for (u32 shift = 0; shift <= 28; shift += 7) {
    if (at >= end) return 0;
    u32 byte = *at++;
    *value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return at;
  }
  return 0;
}

void fillBits(u8 *out, u32 to, u32 count, int value) {
  while (count > 0 && (to & 7) != 0) {
    u8 bit = (u8)(1 << (to & 7));
    out[to >> 3] = value ? out[to >> 3] | bit : out[to >> 3] & (u8)~bit;
    to++;
    count--;
  }
  __builtin_memset(out + (to >> 3), value ? 0xff : 0, (count + 7) >> 3);
}

// Bits behind the last one, up to the end of a word, may change.
void copyBits(u8 *out, u32 to, const u8 *bits, u32 from, u32 count) {
  while (count > 0 && (to & 7) != 0) {
    u8 bit = (u8)(1 << (to & 7));
    int set = (bits[from >> 3] >> (from & 7)) & 1;
    out[to >> 3] = set ? out[to >> 3] | bit : out[to >> 3] & (u8)~bit;
    to++;
    from++;
    count--;
  }
  u8 *at = out + (to >> 3);
  const u8 *source = bits + (from >> 3);
  u32 shift = from & 7;
  if (shift == 0) {
    __builtin_memcpy(at, source, (count + 7) >> 3);
    return;
  }
  for (u32 i = 0; i < count; i += 56, at += 7, source += 7) store64(at, load64(source) >> shift);
}

u32 countBits(const u8 *bits, u32 from, u32 count) {
  u32 ones = 0;
  while (count > 0 && (from & 7) != 0) {
    ones += (bits[from >> 3] >> (from & 7)) & 1;
    from++;
    count--;
  }
  const u8 *at = bits + (from >> 3);
  for (; count >= 64; count -= 64, at += 8) ones += (u32)__builtin_popcountll(load64(at));
  if (count > 0) ones += (u32)__builtin_popcountll(load64(at) & ((1ull << count) - 1));
  return ones;
}

i32 readBits(const u8 *at, const u8 *end, u8 *out, u32 count) {
  u32 ones = 0;
  for (u32 i = 0; i < count;) {
    u32 head;
    at = readVarint(at, end, &head);
    if (at == 0) return -1;
    u32 length = head >> 1;
    if ((head & 1) == 0) {
      if (length == 0 || at >= end || *at > 1) return -1;
      u32 take = length < count - i ? length : count - i;
      fillBits(out, i, take, *at);
      ones += *at++ ? take : 0;
      i += take;
      continue;
    }
    if (length == 0) return -1;
    u32 left = (count - i + 7) >> 3;
    u32 groups = length < left ? length : left;
    if (groups > (u32)(end - at)) return -1;
    u32 take = groups * 8 < count - i ? groups * 8 : count - i;
    copyBits(out, i, at, 0, take);
    ones += countBits(at, 0, take);
    i += take;
    if (i < count) at += length;
  }
  return (i32)ones;
}

// Groups of eight numbers.
static const u8 *unpackGroups(const u8 *at, u32 width, u32 *out, u32 groups, u32 *seen) {
  u32 mask = (1u << width) - 1;
  u32 all = 0;
  if (width <= 8) {
    for (u32 g = 0; g < groups; g++, at += width, out += 8) {
      u64 word = load64(at);
#pragma clang loop unroll(full)
      for (u32 k = 0; k < 8; k++) {
        u32 value = (u32)(word >> (k * width)) & mask;
        out[k] = value;
        all = value > all ? value : all;
      }
    }
  } else if (width <= 16) {
    u32 shift = (width & 1) * 4;
    for (u32 g = 0; g < groups; g++, at += width, out += 8) {
      u64 low = load64(at);
      u64 high = load64(at + (width >> 1)) >> shift;
#pragma clang loop unroll(full)
      for (u32 k = 0; k < 4; k++) {
        u32 first = (u32)(low >> (k * width)) & mask;
        u32 second = (u32)(high >> (k * width)) & mask;
        out[k] = first;
        out[4 + k] = second;
        all = first > all ? first : all;
        all = second > all ? second : all;
      }
    }
  } else {
    for (u32 g = 0; g < groups; g++, at += width, out += 8) {
      for (u32 k = 0; k < 8; k++) {
        u32 bit = k * width;
        u32 value = (u32)(load64(at + (bit >> 3)) >> (bit & 7)) & mask;
        out[k] = value;
        all = value > all ? value : all;
      }
    }
  }
  if (all > *seen) *seen = all;
  return at;
}

int readNumbers(const u8 *at, const u8 *end, u32 width, u32 limit, u32 *out, u32 count) {
  if (width == 0) {
    // Nothing need be written of the only number there is.
    __builtin_memset(out, 0, count * 4);
    return limit > 0;
  }
  u32 seen = 0;
  u32 bytes = (width + 7) >> 3;
  for (u32 i = 0; i < count;) {
    u32 head;
    at = readVarint(at, end, &head);
    if (at == 0) return 0;
    u32 length = head >> 1;
    if (length == 0) return 0;
    if ((head & 1) == 0) {
      if (bytes > (u32)(end - at)) return 0;
      u32 value = load32(at) & (bytes == 4 ? ~0u : (1u << (8 * bytes)) - 1);
      at += bytes;
      if (value > seen) seen = value;
      u32 take = length < count - i ? length : count - i;
      for (u32 n = 0; n < take; n++) out[i + n] = value;
      i += take;
      continue;
    }
    u32 left = count - i;
    u32 whole = length < left >> 3 ? length : left >> 3;
    // The last group may be cut off by the end of the page.
    if ((u64)whole * width > (u64)(end - at)) return 0;
    const u8 *after = unpackGroups(at, width, out + i, whole, &seen);
    i += whole * 8;
    if (whole < length && i < count) {
      u32 rest = count - i;
      if ((u64)(rest * width + 7) >> 3 > (u64)(end - after)) return 0;
      for (u32 k = 0; k < rest; k++) {
        u32 bit = k * width;
        u32 value = (u32)(load64(after + (bit >> 3)) >> (bit & 7)) & ((1u << width) - 1);
        if (value > seen) seen = value;
        out[i + k] = value;
      }
      i = count;
    }
    at += (u64)length * width > (u64)(end - at) ? (u32)(end - at) : length * width;
  }
  return seen < limit && at == end;
}
