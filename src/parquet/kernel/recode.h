// A column that is encoded anew: the values of many chunks, gathered to become one.
#ifndef RECODE_H
#define RECODE_H

#include "column.h"

typedef struct {
  u32 kind;
  u32 width;      // bytes of a gathered value; 0 for texts and booleans
  int isFloat;
  u32 typeLength; // bytes that a decimal of 16 bytes takes in a page
  u32 maxLevel;   // 1 where values may be null
  u32 codec;
  u32 slots;      // rows so far
  u32 nulls;
  u32 present;    // values so far
  Buffer validity; // a bit a slot, once there is a null
  // Values are numbers of a dictionary as long as there is one, else gathered one after the other as plain pages hold them:
  // texts with their lengths before them, booleans as bits, decimals of 16 bytes still with the lowest byte first.
  int hasDictionary;
  Buffer numbers;
  u32 entries;
  Buffer entry;     // the entries, in the same form
  u32 entryBytes;
  Buffer places;    // of texts: where each begins, its length and its hash
  Buffer plain;
  u32 plainBytes;
} Gathered;

typedef struct {
  u32 offset;
  u32 length;
  u32 hash;
} Place;

extern Gathered gathered;

// Grows to twice its size at least, so that growing step by step stays cheap.
static inline u8 *grow(Buffer *buffer, u32 size, u32 keep) {
  if (buffer->at != 0 && buffer->size >= size) return buffer->at;
  u32 twice = buffer->size > 0x1c000000u ? size : buffer->size * 2;
  return room(buffer, twice > size ? twice : size, keep);
}

static inline int isText(u32 kind) { return kind == KIND_TEXT || kind == KIND_BINARY; }

// dictionary.c: the dictionary of the gathered values. Each answers 0 where memory ends.
void forgetDictionary(void);
int prepareDictionary(u32 more); // makes room for so many entries
u32 findFixed(const u8 *value);
i32 findText(const u8 *at, u32 length); // -1 where memory ends
int leaveDictionary(void);       // turns numbers into values

// extremes.c: the places of the least and the greatest of the gathered values.
typedef struct {
  const u8 *min;
  const u8 *max;
  u32 minSize;
  u32 maxSize;
  int hasNaN;
} Extremes;
Extremes findExtremes(void);

// blocks-out.c: packs a page; `to` must have room for what `packBound` says. 0 where it cannot.
u32 packBound(u32 size);
u32 pack(u32 codec, const u8 *from, u32 size, u8 *to, u32 space);

#endif
