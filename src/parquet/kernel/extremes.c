// The least and the greatest of the gathered values, each entry of a dictionary looked at once. Rule: values are ordered as their
// Parquet type orders them; texts byte by byte; NaN has no place, and is reported.
#include "recode.h"

static inline int isBefore(const u8 *a, u32 aSize, const u8 *b, u32 bSize) {
  u32 size = aSize < bSize ? aSize : bSize;
  u32 i = 0;
  for (; size - i >= 8; i += 8) {
    u64 x = load64(a + i), y = load64(b + i);
    if (x != y) return __builtin_bswap64(x) < __builtin_bswap64(y);
  }
  for (; i < size; i++)
    if (a[i] != b[i]) return a[i] < b[i];
  return aSize < bSize;
}

static void ofTexts(Extremes *found, const u8 *at, const u8 *end) {
  while (at < end) {
    u32 size = load32(at);
    at += 4;
    if (found->min == 0) {
      found->min = found->max = at;
      found->minSize = found->maxSize = size;
    } else if (isBefore(at, size, found->min, found->minSize)) {
      found->min = at;
      found->minSize = size;
    } else if (isBefore(found->max, found->maxSize, at, size)) {
      found->max = at;
      found->maxSize = size;
    }
    at += size;
  }
}

#define OF_NUMBERS(name, type)                                                 \
  static void name(Extremes *found, const u8 *bytes, u32 count) {              \
    const type *at = (const type *)bytes;                                      \
    u32 min = 0, max = 0;                                                      \
    for (u32 i = 1; i < count; i++) {                                          \
      if (at[i] < at[min]) min = i;                                            \
      if (at[i] > at[max]) max = i;                                            \
    }                                                                          \
    found->min = (const u8 *)&at[min];                                         \
    found->max = (const u8 *)&at[max];                                         \
    found->minSize = found->maxSize = sizeof(type);                            \
  }
OF_NUMBERS(ofInt32, i32)
OF_NUMBERS(ofInt64, i64)
typedef __int128 i128;
OF_NUMBERS(ofInt128, i128)

// Zeros are ordered by their signs.
#define OF_FLOATS(name, type, whole, load)                                     \
  static void name(Extremes *found, const u8 *bytes, u32 count) {              \
    const type *at = (const type *)bytes;                                      \
    const type *min = 0, *max = 0;                                             \
    for (u32 i = 0; i < count; i++) {                                          \
      type value = at[i];                                                      \
      if (value != value) found->hasNaN = 1;                                   \
      else if (min == 0) min = max = &at[i];                                   \
      else {                                                                   \
        if (value < *min || (value == 0 && *min == 0 && (whole)load((const u8 *)&at[i]) < 0)) min = &at[i]; \
        if (value > *max || (value == 0 && *max == 0 && (whole)load((const u8 *)&at[i]) >= 0)) max = &at[i]; \
      }                                                                        \
    }                                                                          \
    found->min = (const u8 *)min;                                              \
    found->max = (const u8 *)max;                                              \
    found->minSize = found->maxSize = min == 0 ? 0 : sizeof(type);             \
  }
OF_FLOATS(ofFloats, float, i32, load32)
OF_FLOATS(ofDoubles, double, i64, load64)

Extremes findExtremes(void) {
  Extremes found = {0, 0, 0, 0, 0};
  const u8 *at = gathered.hasDictionary ? gathered.entry.at : gathered.plain.at;
  u32 bytes = gathered.hasDictionary ? gathered.entryBytes : gathered.plainBytes;
  if (gathered.present == 0 || gathered.kind == KIND_BOOL || gathered.kind == KIND_BINARY) return found;
  if (gathered.kind == KIND_TEXT) {
    ofTexts(&found, at, at + bytes);
    return found;
  }
  u32 count = bytes / gathered.width;
  if (gathered.isFloat) {
    if (gathered.width == 4) ofFloats(&found, at, count);
    else ofDoubles(&found, at, count);
  } else if (gathered.width == 4) ofInt32(&found, at, count);
  else if (gathered.width == 8) ofInt64(&found, at, count);
  else ofInt128(&found, at, count);
  return found;
}
