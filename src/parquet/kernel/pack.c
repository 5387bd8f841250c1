// Packing: Snappy here (its format description), other codecs by whoever runs the kernel.
#include "recode.h"

#define UNCOMPRESSED 0
#define SNAPPY 1
#define BLOCK_BYTES 65536
#define TABLE_BITS 14
// Near the end of a block there are only literals, so that words can be read without a look at the end.
#define MARGIN 16

__attribute__((import_module("host"), import_name("pack"))) u32 packElsewhere(u32 codec, const u8 *from, u32 size, u8 *to, u32 space);

u32 packBound(u32 size) { return size + size / 6 + 256; }

static u8 *putVarint(u8 *to, u32 value) {
  for (; value >= 128; value >>= 7) *to++ = (u8)(value | 128);
  *to++ = (u8)value;
  return to;
}

static u8 *putLiteral(u8 *to, const u8 *from, u32 size) {
  if (size == 0) return to;
  u32 last = size - 1;
  if (last < 60) *to++ = (u8)(last << 2);
  else if (last < 256) {
    *to++ = 60 << 2;
    *to++ = (u8)last;
  } else {
    *to++ = 61 << 2;
    *to++ = (u8)last;
    *to++ = (u8)(last >> 8);
  }
  copyBytes(to, from, size);
  return to + size;
}

static inline u8 *putCopyPart(u8 *to, u32 offset, u32 length) {
  if (length < 12 && offset < 2048) {
    *to++ = (u8)(1 | ((length - 4) << 2) | ((offset >> 8) << 5));
    *to++ = (u8)offset;
    return to;
  }
  *to++ = (u8)(2 | ((length - 1) << 2));
  *to++ = (u8)offset;
  *to++ = (u8)(offset >> 8);
  return to;
}

static inline u8 *putCopy(u8 *to, u32 offset, u32 length) {
  while (length >= 68) {
    to = putCopyPart(to, offset, 64);
    length -= 64;
  }
  if (length > 64) {
    to = putCopyPart(to, offset, 60);
    length -= 60;
  }
  return putCopyPart(to, offset, length);
}

static inline u32 matching(const u8 *a, const u8 *b, const u8 *end) {
  const u8 *start = b;
  while (end - b >= 8) {
    u64 differing = load64(a) ^ load64(b);
    if (differing != 0) return (u32)(b - start) + ((u32)__builtin_ctzll(differing) >> 3);
    a += 8;
    b += 8;
  }
  while (b < end && *a == *b) {
    a++;
    b++;
  }
  return (u32)(b - start);
}

static inline u32 hashOf(u32 word) { return (word * 0x1e35a7bdu) >> (32 - TABLE_BITS); }

static u16 table[1 << TABLE_BITS];

static u8 *packBlock(const u8 *base, u32 size, u8 *to) {
  const u8 *end = base + size;
  const u8 *next = base; // what is not written yet begins here
  if (size > MARGIN) {
    const u8 *limit = end - MARGIN;
    const u8 *at = base + 1;
    __builtin_memset(table, 0, sizeof table);
    while (1) {
      u32 misses = 32;
      const u8 *match;
      while (1) {
        if (at > limit) goto rest;
        u32 word = load32(at);
        u16 *place = &table[hashOf(word)];
        match = base + *place;
        *place = (u16)(at - base);
        if (load32(match) == word) break;
        at += misses++ >> 5;
      }
      to = putLiteral(to, next, (u32)(at - next));
      while (1) {
        u32 length = 4 + matching(match + 4, at + 4, end);
        to = putCopy(to, (u32)(at - match), length);
        at += length;
        next = at;
        if (at > limit) goto rest;
        table[hashOf(load32(at - 1))] = (u16)(at - 1 - base);
        u32 word = load32(at);
        u16 *place = &table[hashOf(word)];
        match = base + *place;
        *place = (u16)(at - base);
        if (load32(match) != word) break;
      }
      at++;
    }
  }
rest:
  return putLiteral(to, next, (u32)(end - next));
}

u32 pack(u32 codec, const u8 *from, u32 size, u8 *to, u32 space) {
  if (codec == UNCOMPRESSED) {
    if (size > space) return 0;
    if (size > 0) __builtin_memcpy(to, from, size);
    return size;
  }
  if (codec != SNAPPY) return packElsewhere(codec, from, size, to, space);
  u8 *start = to;
  to = putVarint(to, size);
  while (size > 0) {
    u32 part = size < BLOCK_BYTES ? size : BLOCK_BYTES;
    to = packBlock(from, part, to);
    from += part;
    size -= part;
  }
  return (u32)(to - start);
}
