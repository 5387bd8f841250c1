// Pages of a column chunk: their headers (Thrift's compact form), what they are packed with, levels and dictionaries.
// Rule: whatever is not as expected ends the decoding here, and is left to others to name; sizes that a header claims are
// held against what is there before memory is taken for them.
#include "column.h"

#define DATA_PAGE 0
#define INDEX_PAGE 1
#define DICTIONARY_PAGE 2
#define DATA_PAGE_V2 3
#define PLAIN 0
#define PLAIN_DICTIONARY 2
#define RLE 3
#define BIT_PACKED 4
#define RLE_DICTIONARY 8
#define UNCOMPRESSED 0
#define SNAPPY 1
#define ZSTD 6
#define LZ4_RAW 7
// Larger pages are left to others, who look at them before they unpack them.
#define MAX_PAGE_BYTES (64u * 1024 * 1024)
#define MAX_PAGE_VALUES (16u * 1024 * 1024)
#define MAX_DEPTH 8
// Pages of values of fixed width may be padded so far, and levels take so much for one value, at most.
#define FREE_FILL_BYTES (1024u * 1024)
#define LEVEL_BYTES 8
#define UNSET (-2147483647 - 1)

Column column;
static Buffer unpacked, dictionaryPage, dictionaryTexts, dictionaryValues, converted, validity, numbers, booleans;

void forgetPages(void) {
  Buffer none = {0, 0};
  unpacked = dictionaryPage = dictionaryTexts = dictionaryValues = converted = validity = numbers = booleans = none;
}

static const u8 *varint(const u8 *at, const u8 *end, u64 *value) {
  *value = 0;
  for (u32 shift = 0; shift < 64; shift += 7) {
    if (at >= end) return 0;
    u64 byte = *at++;
    *value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return at;
  }
  return 0;
}

static const u8 *skipValue(const u8 *at, const u8 *end, u32 type, u32 depth);

// A struct: its small integers and booleans by id, and those of the struct inside that belongs to a page.
static const u8 *readFields(const u8 *at, const u8 *end, i32 *own, i32 *inner, u32 depth) {
  u32 id = 0;
  if (depth > MAX_DEPTH) return 0;
  while (1) {
    if (at == 0 || at >= end) return 0;
    u32 head = *at++;
    if (head == 0) return at;
    u32 type = head & 15;
    u64 value;
    if (head >> 4) id += head >> 4;
    else {
      at = varint(at, end, &value);
      if (at == 0) return 0;
      id = (u32)((value >> 1) ^ (0 - (value & 1))) & 0xffff;
    }
    if (type == 1 || type == 2) {
      if (own && id < 16) own[id] = type == 1;
    } else if (type == 5) {
      at = varint(at, end, &value);
      if (value > 0xffffffffu) return 0;
      if (own && id < 16) own[id] = (i32)((value >> 1) ^ (0 - (value & 1)));
    } else if (type == 12 && inner && (id == 5 || id == 7 || id == 8)) at = readFields(at, end, inner, 0, depth + 1);
    else at = skipValue(at, end, type, depth);
  }
}

static const u8 *skipValue(const u8 *at, const u8 *end, u32 type, u32 depth) {
  u64 value;
  switch (type) {
    case 3: return at + 1;
    case 4: case 5: case 6: return varint(at, end, &value);
    case 7: return at + 8;
    case 8:
      at = varint(at, end, &value);
      return at == 0 || value > (u64)(end - at) ? 0 : at + value;
    case 12: return readFields(at, end, 0, 0, depth + 1);
    // Lists, sets and maps are in no page header that is known.
    default: return 0;
  }
}

// Unpacks a body to `size` bytes; where it is not packed, it is taken where it lies.
static const u8 *unpack(Buffer *buffer, const u8 *at, const u8 *end, u32 size, int isPacked) {
  u32 packed = (u32)(end - at);
  if (column.codec == UNCOMPRESSED || !isPacked || (size == 0 && packed == 0)) return packed == size ? at : 0;
  if (!room(buffer, size, 0)) return 0;
  int sound = column.codec == SNAPPY    ? unpackSnappy(at, end, buffer->at, size)
              : column.codec == LZ4_RAW ? unpackLz4(at, end, buffer->at, size)
              : column.codec == ZSTD    ? unpackZstd(at, end, buffer->at, size)
                                        : 0;
  return sound ? buffer->at : 0;
}

static int readDictionary(const u8 *at, const u8 *end, u32 size, const i32 *facts) {
  u32 count = (u32)facts[1];
  if (column.dictionary != 0 || (facts[2] != PLAIN && facts[2] != PLAIN_DICTIONARY) || count > MAX_PAGE_VALUES) return 0;
  const u8 *page = unpack(&dictionaryPage, at, end, size, 1);
  if (page == 0) return 0;
  const u8 *pageEnd = page + size;
  column.dictionarySize = count;
  if (column.kind == KIND_TEXT || column.kind == KIND_BINARY) {
    if ((u64)count * 4 > size || !room(&dictionaryTexts, count * 8 + 8, 0)) return 0;
    u32 *places = (u32 *)dictionaryTexts.at;
    u32 longest = 0;
    for (u32 i = 0; i < count; i++) {
      if (pageEnd - page < 4) return 0;
      u32 length = load32(page);
      page += 4;
      if (length > (u32)(pageEnd - page)) return 0;
      if (column.kind == KIND_TEXT && !isUtf8(page, page + length)) return 0;
      places[2 * i] = (u32)page;
      places[2 * i + 1] = length;
      if (length > longest) longest = length;
      page += length;
    }
    column.longest = longest;
    column.dictionary = dictionaryTexts.at;
    return 1;
  }
  u32 width = plainWidth(column.kind, column.typeLength);
  if (width == 0 || (u64)count * width > size) return 0;
  if (column.kind == KIND_4 || column.kind == KIND_8) column.dictionary = page;
  else {
    if (!room(&dictionaryValues, count * column.width, 0)) return 0;
    convert(column.kind, column.typeLength, page, dictionaryValues.at, count);
    column.dictionary = dictionaryValues.at;
  }
  return 1;
}

// Which slots have a value. Levels of one single run of "present" are most common, and cost nothing.
static int readLevels(const u8 *at, const u8 *end, u32 count) {
  Page *page = &column.page;
  if (!room(&validity, (count + 7) >> 3, 0)) return 0;
  i32 present = readBits(at, end, validity.at, count);
  if (present < 0) return 0;
  page->present = (u32)present;
  page->validity = page->present == count ? 0 : validity.at;
  return 1;
}

static int readValues(const u8 *at, const u8 *end, i32 encoding) {
  Page *page = &column.page;
  page->at = 0;
  page->numbers = 0;
  page->values = at;
  page->end = end;
  u32 count = page->present;
  if (encoding == PLAIN_DICTIONARY || encoding == RLE_DICTIONARY) {
    if (count == 0) return 1;
    if (column.dictionary == 0 || at >= end || *at > 24 || !room(&numbers, count * 4, 0)) return 0;
    page->numbers = (u32 *)numbers.at;
    return readNumbers(at + 1, end, *at, column.dictionarySize, (u32 *)numbers.at, count);
  }
  if (column.kind == KIND_BOOL) {
    if (encoding == PLAIN) return (u32)(end - at) == (count + 7) >> 3;
    if (encoding != RLE) return 0;
    if (count == 0) return 1;
    if (end - at < 4 || load32(at) > (u32)(end - at) - 4 || !room(&booleans, (count + 7) >> 3, 0)) return 0;
    page->values = booleans.at;
    return readBits(at + 4, at + 4 + load32(at), booleans.at, count) >= 0;
  }
  if (encoding != PLAIN) return 0;
  if (column.kind == KIND_TEXT || column.kind == KIND_BINARY) return 1;
  u32 width = plainWidth(column.kind, column.typeLength);
  // Bytes that no value takes are a sign that levels and values do not belong together.
  if ((u64)count * width != (u64)(end - at)) return 0;
  if (column.kind == KIND_4 || column.kind == KIND_8) return 1;
  if (!room(&converted, count * column.width, 0)) return 0;
  convert(column.kind, column.typeLength, at, converted.at, count);
  page->values = converted.at;
  return 1;
}

static int openV1(const u8 *at, const u8 *end, u32 size, const i32 *facts) {
  Page *page = &column.page;
  const u8 *body = unpack(&unpacked, at, end, size, 1);
  if (body == 0) return 0;
  const u8 *bodyEnd = body + size;
  page->present = page->slots;
  page->validity = 0;
  if ((facts[3] != RLE && facts[3] != BIT_PACKED) || (facts[4] != RLE && facts[4] != BIT_PACKED)) return 0;
  if (column.maxLevel > 0) {
    if (facts[3] != RLE || size < 4 || load32(body) > size - 4) return 0;
    u32 bytes = load32(body);
    if (!readLevels(body + 4, body + 4 + bytes, page->slots)) return 0;
    body += 4 + bytes;
  }
  return readValues(body, bodyEnd, facts[2]);
}

// Levels stand before the values, and are never packed.
static int openV2(const u8 *at, const u8 *end, u32 size, const i32 *facts) {
  Page *page = &column.page;
  i32 levels = facts[5];
  if (levels < 0 || facts[6] != 0 || levels > (i32)size || levels > end - at) return 0;
  page->present = page->slots;
  page->validity = 0;
  if (column.maxLevel == 0 ? levels != 0 : !readLevels(at, at + levels, page->slots)) return 0;
  if (facts[2] != (i32)(page->slots - page->present)) return 0;
  at += levels;
  size -= (u32)levels;
  const u8 *body = unpack(&unpacked, at, end, size, facts[7] != 0);
  return body == 0 ? 0 : readValues(body, body + size, facts[4]);
}

// Whether a page has far more bytes than its values can fill: what is beyond is only there to be unpacked.
static int isOverfull(u32 size, u32 count) {
  if (column.kind == KIND_TEXT || column.kind == KIND_BINARY || size <= FREE_FILL_BYTES) return 0;
  u32 width = column.typeLength > 0 ? column.typeLength : 12;
  return size > FREE_FILL_BYTES + (u64)count * (width + LEVEL_BYTES);
}

int nextPage(void) {
  while (column.at < column.end) {
    i32 own[16], facts[16];
    for (u32 i = 0; i < 16; i++) own[i] = facts[i] = UNSET;
    const u8 *body = readFields(column.at, column.end, own, facts, 0);
    if (body == 0 || body > column.end) return 0;
    i32 size = own[2], packed = own[3];
    if (size < 0 || packed < 0 || packed > column.end - body || (u32)size > MAX_PAGE_BYTES) return 0;
    const u8 *end = body + packed;
    column.at = end;
    if (own[1] == INDEX_PAGE) continue;
    if (facts[1] < 0 || (u32)facts[1] > MAX_PAGE_VALUES || isOverfull((u32)size, (u32)facts[1])) return 0;
    if (own[1] == DICTIONARY_PAGE) {
      if (!readDictionary(body, end, (u32)size, facts)) return 0;
      continue;
    }
    column.page.slots = (u32)facts[1];
    column.page.slot = 0;
    if (own[1] == DATA_PAGE ? !openV1(body, end, (u32)size, facts) : own[1] != DATA_PAGE_V2 || !openV2(body, end, (u32)size, facts)) return 0;
    if (column.page.slots > 0) return 1;
  }
  return 0;
}
