// The column kernel: a column chunk in, values of some rows at a time out, laid out as Arrow wants them. Rule: it answers 0
// for whatever it does not know or finds damaged, and then the Parquet codec has the word.
#include "column.h"

#define EXPORT(name) __attribute__((export_name(#name)))

void forgetPages(void);

static Buffer chunk, outValues, outValidity, outOffsets;

// Where the values of the last rows lie; read by kernel/column.ts.
static struct {
  u32 nulls;
  u32 validity;
  u32 values;
  u32 valueBytes;
  u32 offsets;
} out;

/** Forgets the chunk before, and answers where one of `size` bytes is to be put; 0 where there is no room. */
EXPORT(begin) u8 *begin(u32 size) {
  Buffer none = {0, 0};
  forgetMemory();
  chunk = outValues = outValidity = outOffsets = none;
  forgetPages();
  return room(&chunk, size, 0);
}

/** Says what the chunk is. */
EXPORT(open) void open(u32 size, u32 codec, u32 kind, u32 width, u32 typeLength, u32 maxLevel) {
  column.at = chunk.at;
  column.end = chunk.at + size;
  column.codec = codec;
  column.kind = kind;
  column.width = width;
  column.typeLength = typeLength;
  column.maxLevel = maxLevel;
  column.dictionary = 0;
  column.dictionarySize = 0;
  column.page.slots = 0;
}

/** Whether every value was taken. */
EXPORT(isDone) int isDone(void) { return column.page.slots == 0; }

#define SPREAD(type)                                                        \
  static void spread##type(type *to, const type *from, const u8 *valid, u32 slot, u32 count) { \
    u32 at = 0;                                                             \
    for (u32 i = 0; i < count; i++, slot++) {                               \
      u32 bit = (valid[slot >> 3] >> (slot & 7)) & 1;                       \
      to[i] = bit ? from[at] : 0;                                           \
      at += bit;                                                            \
    }                                                                       \
  }
SPREAD(u8)
SPREAD(u16)
SPREAD(u32)
SPREAD(u64)

#define LOOK_UP(type)                                                       \
  static void lookUp##type(type *to, const type *values, const u32 *numbers, const u8 *valid, u32 slot, u32 count) { \
    if (valid == 0) {                                                       \
      for (u32 i = 0; i < count; i++) to[i] = values[numbers[i]];           \
      return;                                                               \
    }                                                                       \
    u32 at = 0;                                                             \
    for (u32 i = 0; i < count; i++, slot++) {                               \
      u32 bit = (valid[slot >> 3] >> (slot & 7)) & 1;                       \
      to[i] = bit ? values[numbers[at]] : 0;                                \
      at += bit;                                                            \
    }                                                                       \
  }
LOOK_UP(u8)
LOOK_UP(u16)
LOOK_UP(u32)
LOOK_UP(u64)

typedef unsigned __int128 u128;
SPREAD(u128)
LOOK_UP(u128)

static void takeFixed(u32 done, u32 count) {
  Page *page = &column.page;
  u32 width = column.width;
  u8 *to = outValues.at + done * width;
  const u8 *valid = page->validity;
  if (page->numbers) {
    const u32 *numbers = page->numbers + page->at;
    const u8 *values = column.dictionary;
    if (width == 8) lookUpu64((u64 *)to, (const u64 *)values, numbers, valid, page->slot, count);
    else if (width == 4) lookUpu32((u32 *)to, (const u32 *)values, numbers, valid, page->slot, count);
    else if (width == 2) lookUpu16((u16 *)to, (const u16 *)values, numbers, valid, page->slot, count);
    else if (width == 1) lookUpu8(to, values, numbers, valid, page->slot, count);
    else lookUpu128((u128 *)to, (const u128 *)values, numbers, valid, page->slot, count);
    return;
  }
  const u8 *from = page->values + page->at * width;
  if (valid == 0) __builtin_memcpy(to, from, count * width);
  else if (width == 8) spreadu64((u64 *)to, (const u64 *)from, valid, page->slot, count);
  else if (width == 4) spreadu32((u32 *)to, (const u32 *)from, valid, page->slot, count);
  else if (width == 2) spreadu16((u16 *)to, (const u16 *)from, valid, page->slot, count);
  else if (width == 1) spreadu8(to, from, valid, page->slot, count);
  else spreadu128((u128 *)to, (const u128 *)from, valid, page->slot, count);
}

static void takeBooleans(u32 done, u32 count) {
  Page *page = &column.page;
  if (page->validity == 0) {
    copyBits(outValues.at, done, page->values, page->at, count);
    return;
  }
  u32 at = page->at;
  for (u32 i = 0; i < count; i++) {
    u32 slot = page->slot + i;
    u32 bit = (page->validity[slot >> 3] >> (slot & 7)) & 1;
    u32 value = bit & (page->values[at >> 3] >> (at & 7));
    at += bit;
    u32 place = done + i;
    if ((place & 7) == 0) outValues.at[place >> 3] = 0;
    outValues.at[place >> 3] |= (u8)(value << (place & 7));
  }
}

static inline u32 isValid(const Page *page, u32 i) {
  u32 slot = page->slot + i;
  return page->validity == 0 || ((page->validity[slot >> 3] >> (slot & 7)) & 1);
}

static int takeTexts(u32 done, u32 count, u32 most) {
  Page *page = &column.page;
  u32 *offsets = (u32 *)outOffsets.at + done;
  u32 used = offsets[0];
  if (page->numbers) {
    const u32 *numbers = page->numbers + page->at;
    const u32 *places = (const u32 *)column.dictionary;
    u32 present = page->validity == 0 ? count : countBits(page->validity, page->slot, count);
    u64 bytes = (u64)present * column.longest;
    if (bytes > 1024 * 1024) {
      bytes = 0;
      for (u32 i = 0; i < present; i++) bytes += places[2 * numbers[i] + 1];
    }
    if (used + bytes > most || !room(&outValues, used + (u32)bytes, used)) return 0;
    u8 *to = outValues.at + used;
    for (u32 i = 0, at = 0; i < count; i++) {
      if (isValid(page, i)) {
        u32 n = numbers[at++];
        u32 length = places[2 * n + 1];
        copyBytes(to, (const u8 *)places[2 * n], length);
        to += length;
      }
      offsets[i + 1] = (u32)(to - outValues.at);
    }
    return 1;
  }
  const u8 *from = page->values;
  if (!room(&outValues, used + (u32)(page->end - from), used)) return 0;
  u8 *to = outValues.at + used;
  for (u32 i = 0; i < count; i++) {
    if (isValid(page, i)) {
      if (page->end - from < 4) return 0;
      u32 length = load32(from);
      from += 4;
      if (length > (u32)(page->end - from)) return 0;
      copyBytes(to, from, length);
      from += length;
      to += length;
    }
    offsets[i + 1] = (u32)(to - outValues.at);
  }
  page->values = from;
  if (count == page->slots && from != page->end) return 0;
  return offsets[count] <= most;
}

static int checkTexts(u32 rows) {
  const u32 *offsets = (const u32 *)outOffsets.at;
  u32 end = offsets[rows];
  if (!isUtf8(outValues.at, outValues.at + end)) return 0;
  for (u32 i = 1; i < rows; i++)
    if (offsets[i] < end && (outValues.at[offsets[i]] & 0xc0) == 0x80) return 0;
  return 1;
}

/** Decodes the next rows: where to read of them, or 0. Texts may take `most` bytes. */
EXPORT(next) void *next(u32 rows, u32 most) {
  int isText = column.kind == KIND_TEXT || column.kind == KIND_BINARY;
  u64 bytes = column.kind == KIND_BOOL ? (rows + 7) >> 3 : (u64)rows * column.width;
  if (bytes > 0x38000000u || !room(&outValues, isText ? 16 : (u32)bytes, 0) || !room(&outValidity, (rows + 63) >> 3, 0)) return 0;
  if (isText) {
    if (!room(&outOffsets, rows * 4 + 4, 0)) return 0;
    ((u32 *)outOffsets.at)[0] = 0;
  }
  u32 nulls = 0;
  int isPlainText = 0;
  for (u32 done = 0; done < rows;) {
    Page *page = &column.page;
    if (page->slots == 0 && !nextPage()) return 0;
    u32 count = rows - done < page->slots ? rows - done : page->slots;
    u32 present = count;
    if (page->validity) {
      if (nulls == 0) fillBits(outValidity.at, 0, done, 1);
      copyBits(outValidity.at, done, page->validity, page->slot, count);
      present = countBits(page->validity, page->slot, count);
      nulls += count - present;
    } else if (nulls > 0) fillBits(outValidity.at, done, count, 1);
    if (isText) {
      isPlainText |= page->numbers == 0;
      if (!takeTexts(done, count, most)) return 0;
    } else if (column.kind == KIND_BOOL) takeBooleans(done, count);
    else takeFixed(done, count);
    page->at += present;
    page->slot += count;
    page->slots -= count;
    done += count;
  }
  if (isPlainText && column.kind == KIND_TEXT && !checkTexts(rows)) return 0;
  if (nulls > 0) fillBits(outValidity.at, rows, -rows & 63, 0);
  if (column.kind == KIND_BOOL) fillBits(outValues.at, rows, -rows & 63, 0);
  out.nulls = nulls;
  out.validity = (u32)outValidity.at;
  out.values = (u32)outValues.at;
  out.valueBytes = isText ? ((u32 *)outOffsets.at)[rows] : (u32)bytes;
  out.offsets = (u32)outOffsets.at;
  return &out;
}
