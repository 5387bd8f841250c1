// Tables of the entropy coders; see entropy.h. Rule: a description that does not add up makes no table.
#include "entropy.h"

int openBackwards(Backwards *bits, const u8 *at, const u8 *end) {
  if (at >= end || end[-1] == 0) return 0;
  bits->start = at;
  // The highest bit that is set in the last byte only says where the stream ends.
  bits->left = (i32)(end - at) * 8 - (__builtin_clz((u32)end[-1]) - 24) - 1;
  return 1;
}

void buildSingleTable(FseTable *table, u8 symbol) {
  table->log = 0;
  table->entries[0] = (FseEntry){0, symbol, 0};
}

int buildFseTable(FseTable *table, const i16 *counts, u32 symbols, u32 log) {
  u32 size = 1u << log;
  u32 mask = size - 1;
  u32 high = size;
  u16 next[256];
  for (u32 s = 0; s < symbols; s++) {
    if (counts[s] == -1) {
      if (high == 0) return 0;
      table->entries[--high].symbol = (u8)s;
      next[s] = 1;
    } else next[s] = (u16)counts[s];
  }
  u32 step = (size >> 1) + (size >> 3) + 3;
  u32 place = 0;
  for (u32 s = 0; s < symbols; s++)
    for (i32 n = 0; n < counts[s]; n++) {
      table->entries[place].symbol = (u8)s;
      do place = (place + step) & mask;
      while (place >= high);
    }
  if (place != 0) return 0;
  for (u32 i = 0; i < size; i++) {
    u32 state = next[table->entries[i].symbol]++;
    if (state == 0) return 0;
    u32 bits = log - (31 - (u32)__builtin_clz(state));
    table->entries[i].bits = (u8)bits;
    table->entries[i].base = (u16)((state << bits) - size);
  }
  table->log = log;
  return 1;
}

// Counts are written forwards, each with as many bits as the greatest that may still come needs.
static const u8 *readCounts(i16 *counts, u32 *symbols, u32 *log, const u8 *at, const u8 *end, u32 maxLog, u32 maxSymbol) {
  u32 size = (u32)(end - at);
  if (size == 0) return 0;
  u32 bit = 4;
  *log = (at[0] & 15) + 5;
  if (*log > maxLog) return 0;
  i32 remaining = (1 << *log) + 1;
  u32 symbol = 0;
  // Bytes behind the description are read as they are: its end is checked when it is known.
  while (remaining > 1) {
    if (symbol > maxSymbol || bit >= size * 8) return 0;
    u32 width = 32 - (u32)__builtin_clz((u32)remaining);
    u32 value = (u32)(load64(at + (bit >> 3)) >> (bit & 7)) & ((1u << width) - 1);
    // Small values take a bit less.
    u32 spare = (1u << width) - 1 - (u32)remaining;
    u32 lower = value & ((1u << (width - 1)) - 1);
    if (lower < spare) {
      value = lower;
      bit += width - 1;
    } else {
      if (value >= (1u << (width - 1))) value -= spare;
      bit += width;
    }
    i32 count = (i32)value - 1;
    remaining -= count < 0 ? -count : count;
    counts[symbol++] = (i16)count;
    if (count != 0) continue;
    for (u32 repeat = 3; repeat == 3;) {
      if (bit >= size * 8) return 0;
      repeat = (u32)(load64(at + (bit >> 3)) >> (bit & 7)) & 3;
      bit += 2;
      if (symbol + repeat > maxSymbol + 1) return 0;
      for (u32 n = 0; n < repeat; n++) counts[symbol++] = 0;
    }
  }
  u32 used = (bit + 7) >> 3;
  if (remaining != 1 || used > size) return 0;
  *symbols = symbol;
  return at + used;
}

const u8 *readFseTable(FseTable *table, const u8 *at, const u8 *end, u32 maxLog, u32 maxSymbol) {
  i16 counts[257];
  u32 symbols;
  u32 log;
  const u8 *after = readCounts(counts, &symbols, &log, at, end, maxLog, maxSymbol);
  if (after == 0 || !buildFseTable(table, counts, symbols, log)) return 0;
  return after;
}

// Weights that are themselves coded, by two states in turn, until the bits end.
static u32 readWeights(u8 *weights, const u8 *at, const u8 *end) {
  static FseTable table;
  const u8 *stream = readFseTable(&table, at, end, 6, 255);
  Backwards bits;
  if (stream == 0 || !openBackwards(&bits, stream, end)) return 0;
  u32 states[2];
  for (u32 i = 0; i < 2; i++) {
    states[i] = firstBits(peekBits(&bits), table.log);
    bits.left -= (i32)table.log;
  }
  if (bits.left < 0) return 0;
  for (u32 count = 0; count < 254;) {
    FseEntry entry = table.entries[states[count & 1]];
    weights[count++] = entry.symbol;
    if (bits.left < entry.bits) {
      // The other state has one symbol left.
      weights[count] = table.entries[states[count & 1]].symbol;
      return count + 1;
    }
    states[(count - 1) & 1] = entry.base + firstBits(peekBits(&bits), entry.bits);
    bits.left -= entry.bits;
  }
  return 0;
}

const u8 *readHuffmanTable(HuffmanTable *table, const u8 *at, const u8 *end) {
  u8 weights[256];
  u32 count;
  table->bits = 0;
  if (at >= end) return 0;
  u32 head = *at++;
  if (head < 128) {
    if (head > (u32)(end - at)) return 0;
    count = readWeights(weights, at, at + head);
    at += head;
    if (count == 0) return 0;
  } else {
    count = head - 127;
    u32 bytes = (count + 1) >> 1;
    if (bytes > (u32)(end - at)) return 0;
    for (u32 i = 0; i < count; i++) weights[i] = (i & 1) == 0 ? at[i >> 1] >> 4 : at[i >> 1] & 15;
    at += bytes;
  }
  u32 sum = 0;
  for (u32 i = 0; i < count; i++) {
    if (weights[i] > MAX_HUFFMAN_BITS) return 0;
    if (weights[i] > 0) sum += 1u << (weights[i] - 1);
  }
  if (sum == 0) return 0;
  // The last weight is not written: it fills what is left up to a power of two.
  u32 bits = 32 - (u32)__builtin_clz(sum);
  u32 rest = (1u << bits) - sum;
  if (bits > MAX_HUFFMAN_BITS || (rest & (rest - 1)) != 0) return 0;
  weights[count++] = (u8)(32 - __builtin_clz(rest));
  u32 place = 0;
  for (u32 weight = 1; weight <= bits; weight++)
    for (u32 symbol = 0; symbol < count; symbol++) {
      if (weights[symbol] != weight) continue;
      u32 span = 1u << (weight - 1);
      u16 entry = (u16)(symbol | ((bits + 1 - weight) << 8));
      for (u32 i = 0; i < span; i++) table->entries[place + i] = entry;
      place += span;
    }
  if (place != 1u << bits) return 0;
  table->bits = bits;
  return at;
}
