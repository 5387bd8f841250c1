// Gathered values as the pages of a column chunk: headers, levels, numbers and values, each page packed.
#include "recode.h"

#define EXPORT(name) __attribute__((export_name(#name)))
#define PLAIN 0
#define RLE 3
#define RLE_DICTIONARY 8
#define DATA_PAGE 0
#define DICTIONARY_PAGE 2
#define PAGE_BYTES (1024u * 1024)
#define PAGE_ROWS 65536u
#define HEADER_BYTES 64

static Buffer body, out, swapped;
static u32 used;
static u32 uncompressed;

// Where the chunk lies, and what is to be said of it; read by kernel/recode.ts.
static struct {
  u32 at;
  u32 size;
  u32 uncompressedSize;
  u32 dictionaryBytes; // of the dictionary page with its header; 0 for none
  u32 nulls;
  u32 min, minSize;
  u32 max, maxSize;
  u32 hasNaN;
} result;

void forgetChunk(void) {
  Buffer none = {0, 0};
  body = out = swapped = none;
}

static u8 *putVarint(u8 *to, u32 value) {
  for (; value >= 128; value >>= 7) *to++ = (u8)(value | 128);
  *to++ = (u8)value;
  return to;
}

// A field of a struct that holds a small number, `step` ids after the one before.
static u8 *putNumber(u8 *to, u32 step, u32 value) {
  *to++ = (u8)((step << 4) | 5);
  return putVarint(to, value << 1);
}

// PageHeader: 1 type, 2 and 3 sizes, 5 or 7 the header of the kind of page.
static u8 *putHeader(u8 *to, u32 type, u32 size, u32 packed, u32 values, u32 encoding) {
  to = putNumber(to, 1, type);
  to = putNumber(to, 1, size);
  to = putNumber(to, 1, packed);
  *to++ = (u8)(((type == DATA_PAGE ? 2 : 4) << 4) | 12);
  to = putNumber(to, 1, values);
  to = putNumber(to, 1, encoding);
  if (type == DATA_PAGE) {
    to = putNumber(to, 1, RLE);
    to = putNumber(to, 1, RLE);
  }
  *to++ = 0;
  *to++ = 0;
  return to;
}

static int putPage(u32 type, const u8 *from, u32 size, u32 values, u32 encoding) {
  u32 space = packBound(size);
  if (!grow(&out, used + HEADER_BYTES + space, used)) return 0;
  // The header comes before what only the packing tells: packed first, then moved to where the header ends.
  u8 *start = out.at + used;
  u32 packed = pack(gathered.codec, from, size, start + HEADER_BYTES, space);
  if (packed == 0 && size > 0) return 0;
  u8 *end = putHeader(start, type, size, packed, values, encoding);
  __builtin_memmove(end, start + HEADER_BYTES, packed);
  used += (u32)(end - start) + packed;
  uncompressed += (u32)(end - start) + size;
  return 1;
}

// Eight numbers, bit by bit.
static inline u8 *putGroup(u8 *to, const u32 *numbers, u32 count, u32 width) {
  u64 word = 0;
  u32 filled = 0;
  for (u32 i = 0; i < 8; i++) {
    word |= (u64)(i < count ? numbers[i] : 0) << filled;
    filled += width;
    if (filled >= 32) {
      store32(to, (u32)word);
      to += 4;
      word >>= 32;
      filled -= 32;
    }
  }
  for (; filled >= 8; filled -= 8, word >>= 8) *to++ = (u8)word;
  return to;
}

static inline u32 runAt(const u32 *numbers, u32 count) {
  u32 length = 1;
  while (length < count && numbers[length] == numbers[0]) length++;
  return length;
}

static inline int isRun(const u32 *n) {
  return n[0] == n[1] && n[0] == n[2] && n[0] == n[3] && n[0] == n[4] && n[0] == n[5] && n[0] == n[6] && n[0] == n[7];
}

// Parquet's hybrid: runs of eight and more by their length, all else in groups of eight.
static u8 *putNumbers(u8 *to, const u32 *numbers, u32 count, u32 width) {
  for (u32 i = 0; i < count;) {
    u32 run = runAt(numbers + i, count - i);
    if (run >= 8 || run == count - i) {
      to = putVarint(to, run << 1);
      for (u32 k = 0; k < width; k += 8) *to++ = (u8)(numbers[i] >> k);
      i += run;
      continue;
    }
    u8 *head = to++;
    u32 groups = 0;
    do {
      to = putGroup(to, numbers + i, count - i, width);
      i += 8;
      groups++;
    } while (i < count && groups < 63 && !(count - i >= 8 && isRun(numbers + i)));
    *head = (u8)((groups << 1) | 1);
  }
  return to;
}

static u8 *putLevels(u8 *to, u32 slot, u32 slots, u32 present) {
  if (gathered.maxLevel == 0) return to;
  u8 *size = to;
  to += 4;
  if (present == slots || present == 0) {
    to = putVarint(to, slots << 1);
    *to++ = present > 0;
  } else {
    u32 bytes = (slots + 7) >> 3;
    to = putVarint(to, (bytes << 1) | 1);
    copyBits(to, 0, gathered.validity.at, slot, slots);
    fillBits(to, slots, bytes * 8 - slots, 0);
    to += bytes;
  }
  store32(size, (u32)(to - size) - 4);
  return to;
}

// Decimals of 16 bytes, highest byte first and as long as the column has them; 0 where one does not fit.
static const u8 *highFirst(const u8 *from, u32 count) {
  u32 length = gathered.typeLength;
  if (!grow(&swapped, count * length + 16, 0)) return 0;
  u8 *to = swapped.at;
  for (u32 i = 0; i < count; i++, from += 16, to += length) {
    u8 bytes[16];
    store64(bytes, __builtin_bswap64(load64(from + 8)));
    store64(bytes + 8, __builtin_bswap64(load64(from)));
    for (u32 k = 0; k < 16 - length; k++)
      if (bytes[k] != ((bytes[16 - length] & 0x80) ? 0xff : 0)) return 0;
    __builtin_memcpy(to, bytes + 16 - length, length);
  }
  return swapped.at;
}

static int putDictionary(void) {
  if (gathered.width != 16) return putPage(DICTIONARY_PAGE, gathered.entry.at, gathered.entryBytes, gathered.entries, PLAIN);
  const u8 *from = highFirst(gathered.entry.at, gathered.entries);
  return from != 0 && putPage(DICTIONARY_PAGE, from, gathered.entries * gathered.typeLength, gathered.entries, PLAIN);
}

// Bytes of the texts of some values from a place on, as far as a page goes; `values` becomes how many these are.
static u32 textBytes(const u8 *at, u32 *values) {
  const u8 *start = at;
  for (u32 i = 0; i < *values; i++) {
    u32 length = load32(at) + 4;
    if (i > 0 && (u32)(at - start) + length > PAGE_BYTES) {
      *values = i;
      break;
    }
    at += length;
  }
  return (u32)(at - start);
}

// The slot after the one with the last of so many values.
static u32 slotsOf(u32 slot, u32 slots, u32 values) {
  for (u32 i = 0; i < slots; i++) {
    if (values == 0) return i;
    values -= (gathered.validity.at[(slot + i) >> 3] >> ((slot + i) & 7)) & 1;
  }
  return slots;
}

static u32 bitsFor(u32 entries) { return entries <= 1 ? 1 : 32 - (u32)__builtin_clz(entries - 1); }

static int putPages(void) {
  u32 width = gathered.kind == KIND_BOOL || isText(gathered.kind) ? 0 : gathered.width;
  u32 numberBits = bitsFor(gathered.entries);
  u32 rows = width > 0 && PAGE_BYTES / width < PAGE_ROWS ? PAGE_BYTES / width : PAGE_ROWS;
  const u8 *texts = gathered.plain.at;
  for (u32 slot = 0, done = 0; slot < gathered.slots;) {
    u32 slots = gathered.slots - slot < rows ? gathered.slots - slot : rows;
    u32 present = gathered.nulls == 0 ? slots : countBits(gathered.validity.at, slot, slots);
    u32 bytes = present * width;
    if (!gathered.hasDictionary && isText(gathered.kind)) {
      u32 values = present;
      bytes = textBytes(texts, &values);
      if (values < present) {
        slots = gathered.nulls == 0 ? values : slotsOf(slot, slots, values);
        present = values;
      }
    } else if (gathered.hasDictionary) bytes = present * 4 + 16;
    if (!grow(&body, bytes + (slots >> 3) + 64, 0)) return 0;
    u8 *to = putLevels(body.at, slot, slots, present);
    if (gathered.hasDictionary) {
      *to++ = (u8)numberBits;
      to = putNumbers(to, (const u32 *)gathered.numbers.at + done, present, numberBits);
    } else if (gathered.kind == KIND_BOOL) {
      copyBits(to, 0, gathered.plain.at, done, present);
      fillBits(to, present, -present & 7, 0);
      to += (present + 7) >> 3;
    } else {
      const u8 *from = isText(gathered.kind) ? texts : gathered.plain.at + done * width;
      if (width == 16) {
        from = highFirst(from, present);
        bytes = present * gathered.typeLength;
      }
      if (from == 0) return 0;
      if (bytes > 0) __builtin_memcpy(to, from, bytes);
      to += bytes;
      texts += bytes;
    }
    if (!putPage(DATA_PAGE, body.at, (u32)(to - body.at), slots, gathered.hasDictionary ? RLE_DICTIONARY : PLAIN)) return 0;
    slot += slots;
    done += present;
  }
  return 1;
}

// A dictionary is worth it where it takes a fifth off, packed or not.
static int isWorthwhile(void) {
  u64 numbers = ((u64)gathered.present * bitsFor(gathered.entries) + 7) >> 3;
  u64 plain = (u64)gathered.present * gathered.width;
  if (isText(gathered.kind)) {
    const u32 *all = (const u32 *)gathered.numbers.at;
    const Place *places = (const Place *)gathered.places.at;
    for (u32 i = 0; i < gathered.present; i++) plain += 4 + places[all[i]].length;
  }
  return (gathered.entryBytes + numbers) * 5 < plain * 4;
}

/** Writes the chunk of what was taken: where to read of it, or 0. */
EXPORT(finish) void *finish(void) {
  used = uncompressed = result.dictionaryBytes = 0;
  if (gathered.hasDictionary && (gathered.present == 0 || !isWorthwhile()) && !leaveDictionary()) return 0;
  if (!grow(&out, 1024, 0)) return 0;
  if (gathered.hasDictionary) {
    if (!putDictionary()) return 0;
    result.dictionaryBytes = used;
  }
  if (!putPages()) return 0;
  Extremes extremes = findExtremes();
  result.at = (u32)out.at;
  result.size = used;
  result.uncompressedSize = uncompressed;
  result.nulls = gathered.nulls;
  result.min = (u32)extremes.min;
  result.minSize = extremes.minSize;
  result.max = (u32)extremes.max;
  result.maxSize = extremes.maxSize;
  result.hasNaN = (u32)extremes.hasNaN;
  return &result;
}
