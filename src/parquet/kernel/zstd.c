// Zstandard frames (RFC 8878) that hold a whole page. Dictionaries, checksums and skippable frames are left to others.
// Rule: nothing is read outside the input and the output made so far, but for spare bytes; output ends where announced.
#include "entropy.h"

#define MAGIC 0xfd2fb528u
#define BLOCK_BYTES (128 * 1024)
#define MAX_WINDOW_LOG 27

typedef struct {
  HuffmanTable literals;
  FseTable lengths, offsets, matches;
  int hasSequenceTables;
  u32 repeats[3];
} Context;

typedef struct {
  const u8 *at;
  u32 size;
} Literals;

static Context context;
static u8 literalBytes[BLOCK_BYTES + SPARE];

static const i16 LENGTH_COUNTS[36] = {4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2,  2,
                                      2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1};
static const i16 MATCH_COUNTS[53] = {1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1,  1,  1,  1,  1,  1,  1,  1,  1,  1, 1,
                                     1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,  1,  1,  1, -1, -1, -1, -1, -1, -1, -1};
static const i16 OFFSET_COUNTS[29] = {1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1};
static const u32 LENGTH_BASE[36] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,  11,  12,  13,   14,   15,   16,   18,
                                    20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536};
static const u8 LENGTH_BITS[36] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const u32 MATCH_BASE[53] = {3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17,  18,  19,  20,
                                   21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35,  37,  39,  41,
                                   43, 47, 51, 59, 67, 83, 99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387, 32771, 65539};
static const u8 MATCH_BITS[53] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                  0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

// One symbol of a stream, from the uppermost bits.
#define SYMBOL(n)                                                          \
  {                                                                        \
    u32 entry = entries[v##n >> shift];                                    \
    *to##n++ = (u8)entry;                                                  \
    v##n <<= entry >> 8;                                                   \
    streams[n].left -= (i32)(entry >> 8);                                  \
  }
#define FOUR_SYMBOLS SYMBOL(0) SYMBOL(1) SYMBOL(2) SYMBOL(3)

static int decodeRest(const HuffmanTable *table, Backwards *stream, u8 *to, u8 *end) {
  u32 shift = 64 - table->bits;
  while (to < end) {
    u32 entry = table->entries[peekBits(stream) >> shift];
    *to++ = (u8)entry;
    stream->left -= (i32)(entry >> 8);
    if (stream->left < 0) return 0;
  }
  return stream->left == 0;
}

static int decodeOne(const HuffmanTable *table, const u8 *at, const u8 *end, u8 *to, u32 size) {
  Backwards stream;
  return openBackwards(&stream, at, end) && decodeRest(table, &stream, to, to + size);
}

static int decodeFour(const HuffmanTable *table, const u8 *at, const u8 *end, u8 *to, u32 size) {
  if (end - at < 10) return 0;
  u32 quarter = (size + 3) >> 2;
  if (quarter * 3 > size) return 0;
  Backwards streams[4];
  const u8 *from = at + 6;
  for (u32 i = 0; i < 4; i++) {
    u32 length = i < 3 ? (u32)at[2 * i] | ((u32)at[2 * i + 1] << 8) : (u32)(end - from);
    if (length > (u32)(end - from) || !openBackwards(&streams[i], from, from + length)) return 0;
    from += length;
  }
  u8 *to0 = to, *to1 = to + quarter, *to2 = to + 2 * quarter, *to3 = to + 3 * quarter;
  u8 *end3 = to + size;
  const u16 *entries = table->entries;
  u32 shift = 64 - table->bits;
  // Five symbols take at most 55 bits. The last stream is the shortest.
  while (end3 - to3 >= 5) {
    if (streams[0].left < 0 || streams[1].left < 0 || streams[2].left < 0 || streams[3].left < 0) return 0;
    u64 v0 = peekBits(&streams[0]), v1 = peekBits(&streams[1]), v2 = peekBits(&streams[2]), v3 = peekBits(&streams[3]);
    FOUR_SYMBOLS FOUR_SYMBOLS FOUR_SYMBOLS FOUR_SYMBOLS FOUR_SYMBOLS
  }
  return decodeRest(table, &streams[0], to0, to + quarter) && decodeRest(table, &streams[1], to1, to + 2 * quarter) &&
         decodeRest(table, &streams[2], to2, to + 3 * quarter) && decodeRest(table, &streams[3], to3, end3);
}

// The literals of a block; the place after them, or 0.
static const u8 *readLiterals(Literals *literals, const u8 *at, const u8 *end) {
  if (end - at < 1) return 0;
  u32 kind = at[0] & 3;
  u32 format = (at[0] >> 2) & 3;
  if (kind < 2) {
    u32 head = format == 1 ? 2 : format == 3 ? 3 : 1;
    if ((u32)(end - at) < head) return 0;
    u32 word = load32(at);
    u32 size = head == 1 ? at[0] >> 3 : head == 2 ? (word & 0xffff) >> 4 : (word & 0xffffff) >> 4;
    at += head;
    if (size > BLOCK_BYTES || (u32)(end - at) < (kind == 0 ? size : 1)) return 0;
    literals->size = size;
    if (kind == 0) {
      literals->at = at;
      return at + size;
    }
    __builtin_memset(literalBytes, *at, size);
    literals->at = literalBytes;
    return at + 1;
  }
  u32 head = format < 2 ? 3 : format == 2 ? 4 : 5;
  u32 width = format < 2 ? 10 : format == 2 ? 14 : 18;
  if ((u32)(end - at) < head) return 0;
  u64 word = load64(at) >> 4;
  u32 size = (u32)word & ((1u << width) - 1);
  u32 packed = (u32)(word >> width) & ((1u << width) - 1);
  at += head;
  if (size > BLOCK_BYTES || packed > (u32)(end - at)) return 0;
  const u8 *after = at + packed;
  if (kind == 2) at = readHuffmanTable(&context.literals, at, after);
  if (at == 0 || context.literals.bits == 0) return 0;
  literals->at = literalBytes;
  literals->size = size;
  int sound = format == 0 ? decodeOne(&context.literals, at, after, literalBytes, size)
                          : decodeFour(&context.literals, at, after, literalBytes, size);
  return sound ? after : 0;
}

static const u8 *readTable(FseTable *table, u32 mode, const u8 *at, const u8 *end, const i16 *counts, u32 symbols, u32 log, u32 maxLog) {
  if (mode == 0) return buildFseTable(table, counts, symbols, log) ? at : 0;
  if (mode == 1) {
    if (at >= end || *at >= symbols + (log == 5 ? 3 : 0)) return 0;
    buildSingleTable(table, *at);
    return at + 1;
  }
  // Offsets may have more codes than have counts by default.
  if (mode == 2) return readFseTable(table, at, end, maxLog, log == 5 ? 31 : symbols - 1);
  return context.hasSequenceTables ? at : 0;
}

// Literals and copies in turn; the place after the last byte made, or 0.
static u8 *runSequences(u32 count, const u8 *at, const u8 *end, Literals literals, u8 *start, u8 *to, u8 *stop) {
  Backwards bits;
  if (!openBackwards(&bits, at, end)) return 0;
  const FseTable *lengths = &context.lengths, *offsets = &context.offsets, *matches = &context.matches;
  u64 next = peekBits(&bits);
  u32 lengthState = firstBits(next, lengths->log);
  next <<= lengths->log;
  u32 offsetState = firstBits(next, offsets->log);
  next <<= offsets->log;
  u32 matchState = firstBits(next, matches->log);
  bits.left -= (i32)(lengths->log + offsets->log + matches->log);
  u32 r0 = context.repeats[0], r1 = context.repeats[1], r2 = context.repeats[2];
  const u8 *literal = literals.at;
  const u8 *literalEnd = literal + literals.size;
  while (1) {
    if (bits.left < 0) return 0;
    FseEntry lengthEntry = lengths->entries[lengthState];
    FseEntry offsetEntry = offsets->entries[offsetState];
    FseEntry matchEntry = matches->entries[matchState];
    u32 offsetBits = offsetEntry.symbol;
    u32 matchBits = MATCH_BITS[matchEntry.symbol];
    u32 lengthBits = LENGTH_BITS[lengthEntry.symbol];
    next = peekBits(&bits);
    u32 value = (1u << offsetBits) + firstBits(next, offsetBits);
    u32 match = MATCH_BASE[matchEntry.symbol] + firstBits(next << offsetBits, matchBits);
    bits.left -= (i32)(offsetBits + matchBits);
    next = peekBits(&bits);
    u32 length = LENGTH_BASE[lengthEntry.symbol] + firstBits(next, lengthBits);
    bits.left -= (i32)lengthBits;
    u32 offset;
    if (value > 3) {
      offset = value - 3;
      r2 = r1;
      r1 = r0;
      r0 = offset;
    } else {
      u32 nth = value - 1 + (length == 0);
      if (nth == 0) offset = r0;
      else {
        offset = nth == 1 ? r1 : nth == 2 ? r2 : r0 - 1;
        if (nth > 1) r2 = r1;
        r1 = r0;
        r0 = offset;
      }
    }
    if (length > (u32)(literalEnd - literal) || length + match > (u32)(stop - to)) return 0;
    copyBytes(to, literal, length);
    literal += length;
    to += length;
    if (offset == 0 || offset > (u32)(to - start)) return 0;
    copyMatch(to, offset, match);
    to += match;
    if (--count == 0) break;
    next <<= lengthBits;
    lengthState = lengthEntry.base + firstBits(next, lengthEntry.bits);
    next <<= lengthEntry.bits;
    matchState = matchEntry.base + firstBits(next, matchEntry.bits);
    next <<= matchEntry.bits;
    offsetState = offsetEntry.base + firstBits(next, offsetEntry.bits);
    bits.left -= lengthEntry.bits + matchEntry.bits + offsetEntry.bits;
  }
  if (bits.left != 0) return 0;
  context.repeats[0] = r0;
  context.repeats[1] = r1;
  context.repeats[2] = r2;
  u32 rest = (u32)(literalEnd - literal);
  if (rest > (u32)(stop - to)) return 0;
  copyBytes(to, literal, rest);
  return to + rest;
}

static u8 *unpackBlock(const u8 *at, const u8 *end, u8 *start, u8 *to, u8 *stop) {
  Literals literals;
  at = readLiterals(&literals, at, end);
  if (at == 0 || at >= end) return 0;
  u32 count = *at++;
  if (count >= 128) {
    if (end - at < 2) return 0;
    if (count < 255) count = ((count - 128) << 8) + *at++;
    else {
      count = (u32)at[0] + ((u32)at[1] << 8) + 0x7f00;
      at += 2;
    }
  }
  if (count == 0) {
    if (at != end || literals.size > (u32)(stop - to)) return 0;
    copyBytes(to, literals.at, literals.size);
    return to + literals.size;
  }
  if (at >= end) return 0;
  u32 modes = *at++;
  if ((modes & 3) != 0) return 0;
  at = readTable(&context.lengths, modes >> 6, at, end, LENGTH_COUNTS, 36, 6, 9);
  if (at == 0) return 0;
  at = readTable(&context.offsets, (modes >> 4) & 3, at, end, OFFSET_COUNTS, 29, 5, 8);
  if (at == 0) return 0;
  at = readTable(&context.matches, (modes >> 2) & 3, at, end, MATCH_COUNTS, 53, 6, 9);
  if (at == 0) return 0;
  context.hasSequenceTables = 1;
  return runSequences(count, at, end, literals, start, to, stop);
}

int unpackZstd(const u8 *at, const u8 *end, u8 *to, u32 size) {
  if (end - at < 9 || load32(at) != MAGIC) return 0;
  u32 descriptor = at[4];
  u32 single = (descriptor >> 5) & 1;
  // Dictionary ids, checksums and reserved bits.
  if ((descriptor & 0x0f) != 0) return 0;
  u32 sizeFlag = descriptor >> 6;
  at += 5;
  // Windows beyond what the reference decoder takes.
  if (!single && (*at++ >> 3) > MAX_WINDOW_LOG - 10) return 0;
  u32 sizeBytes = sizeFlag == 0 ? single : 1u << sizeFlag;
  if (sizeBytes > 0) {
    if ((u32)(end - at) < sizeBytes) return 0;
    u64 announced = load64(at) & (~0ull >> (64 - 8 * sizeBytes));
    if (announced + (sizeBytes == 2 ? 256 : 0) != size) return 0;
  }
  at += sizeBytes;
  u8 *start = to;
  u8 *stop = to + size;
  context.literals.bits = 0;
  context.hasSequenceTables = 0;
  context.repeats[0] = 1;
  context.repeats[1] = 4;
  context.repeats[2] = 8;
  for (u32 last = 0; last == 0;) {
    if (end - at < 3) return 0;
    u32 header = (u32)at[0] | ((u32)at[1] << 8) | ((u32)at[2] << 16);
    last = header & 1;
    u32 kind = (header >> 1) & 3;
    u32 length = header >> 3;
    at += 3;
    if (kind == 3 || length > BLOCK_BYTES || (u32)(end - at) < (kind == 1 ? 1 : length)) return 0;
    if (kind < 2 && length > (u32)(stop - to)) return 0;
    if (kind == 0) __builtin_memcpy(to, at, length);
    if (kind == 1) __builtin_memset(to, *at, length);
    if (kind == 2) {
      to = unpackBlock(at, at + length, start, to, stop);
      if (to == 0) return 0;
    } else to += length;
    at += kind == 1 ? 1 : length;
  }
  return to == stop && at == end;
}
