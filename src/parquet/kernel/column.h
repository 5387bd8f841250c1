// A column chunk on its way from pages to values: what the parts of the decoder know of it.
#ifndef COLUMN_H
#define COLUMN_H

#include "memory.h"

// What becomes of the values; kernel/column.ts names them alike.
enum Kind {
  KIND_BOOL = 0,   // bits
  KIND_4 = 1,      // 4 bytes as they are
  KIND_8 = 2,      // 8 bytes as they are
  KIND_TEXT = 3,   // UTF-8
  KIND_BINARY = 4, // any bytes
  KIND_4_TO_1 = 5,
  KIND_4_TO_2 = 6,
  KIND_4_TO_16 = 7,    // decimals
  KIND_8_TO_16 = 8,    // decimals
  KIND_FIXED_TO_16 = 9, // big-endian decimals
  KIND_INT96 = 10,     // microseconds since 1970
};

// One page, opened: levels as bits, values ready to be taken in order.
typedef struct {
  u32 slots; // still to be taken
  u32 slot;  // taken so far
  const u8 *validity; // a bit a slot; 0 where all have a value
  const u8 *values;   // packed, of the width that comes out; of texts, length and bytes in turn; of booleans, bits
  const u8 *end;
  const u32 *numbers; // places in the dictionary, where values are such
  u32 at;             // values taken so far
  u32 present;        // values in all
} Page;

typedef struct {
  const u8 *at, *end; // what is left of the chunk
  u32 codec;
  u32 kind;
  u32 width;      // bytes of a value that comes out; 0 for texts and booleans
  u32 typeLength; // of fixed-length values
  u32 maxLevel;   // 1 where values may be null
  u32 dictionarySize;
  const u8 *dictionary; // of texts: place and length of each, two words
  u32 longest;          // bytes of the longest text of the dictionary
  Page page;
} Column;

extern Column column;

// Opens the next data page, reading dictionaries on the way; 0 where there is none, or none that is understood.
int nextPage(void);

// Bits from runs and packed groups (Parquet's hybrid of width 1): answers how many are set, or -1.
i32 readBits(const u8 *at, const u8 *end, u8 *out, u32 count);
// Numbers below `limit` from the hybrid of any width up to 24, which must end with the last; 0 where they do not or lead beyond.
int readNumbers(const u8 *at, const u8 *end, u32 width, u32 limit, u32 *out, u32 count);

// Sets `count` bits from bit `to` on to those at bit `from` of other bytes.
void copyBits(u8 *out, u32 to, const u8 *bits, u32 from, u32 count);
void fillBits(u8 *out, u32 to, u32 count, int value);
u32 countBits(const u8 *bits, u32 from, u32 count);

// Whether bytes are UTF-8, and every offset stands where a character begins.
int isUtf8(const u8 *at, const u8 *end);

// Plain values as they come out.
void convert(u32 kind, u32 typeLength, const u8 *from, u8 *to, u32 count);

static inline u32 plainWidth(u32 kind, u32 typeLength) {
  switch (kind) {
    case KIND_4: case KIND_4_TO_1: case KIND_4_TO_2: case KIND_4_TO_16: return 4;
    case KIND_8: case KIND_8_TO_16: return 8;
    case KIND_FIXED_TO_16: return typeLength;
    case KIND_INT96: return 12;
    default: return 0;
  }
}

#endif
