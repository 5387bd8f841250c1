// The two entropy coders of Zstandard (RFC 8878, section 4): tables made from their descriptions, and bits read backwards.
#ifndef ENTROPY_H
#define ENTROPY_H

#include "memory.h"

#define MAX_HUFFMAN_BITS 11
#define MAX_FSE_LOG 9

typedef struct {
  u16 base;
  u8 symbol;
  u8 bits;
} FseEntry;

typedef struct {
  u32 log;
  FseEntry entries[1 << MAX_FSE_LOG];
} FseTable;

typedef struct {
  // 0 where there is no table yet.
  u32 bits;
  // By the next bits: the symbol, and in the upper byte how many bits it takes.
  u16 entries[1 << MAX_HUFFMAN_BITS];
} HuffmanTable;

// A bit stream that is read from its last byte to its first. `left` is how many bits are still to come; it is negative
// once more were taken than there were, which whoever reads has to look at.
typedef struct {
  const u8 *start;
  i32 left;
} Backwards;

// Finds the end of the stream [at, end); 0 where it has none.
int openBackwards(Backwards *bits, const u8 *at, const u8 *end);

// The next bits, the first one uppermost: at least 57 are good. Memory before a stream is ours, so that reading there
// does no harm.
static inline u64 peekBits(const Backwards *bits) {
  i32 bytes = (bits->left + 7) >> 3;
  return load64(bits->start + bytes - 8) << (bytes * 8 - bits->left);
}

// The first `count` of some bits; `count` may be 0.
static inline u32 firstBits(u64 bits, u32 count) { return (u32)((bits >> 1) >> (63 - count)); }

// Each reads a table's description at `at`, and answers the place after it; 0 where it is damaged.
const u8 *readFseTable(FseTable *table, const u8 *at, const u8 *end, u32 maxLog, u32 maxSymbol);
const u8 *readHuffmanTable(HuffmanTable *table, const u8 *at, const u8 *end);

// The table of counts that are given; -1 stands for "less than one".
int buildFseTable(FseTable *table, const i16 *counts, u32 symbols, u32 log);

// The table in which a single symbol takes no bits.
void buildSingleTable(FseTable *table, u8 symbol);

#endif
