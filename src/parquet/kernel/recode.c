// Column chunks of many files as one chunk: values are gathered page by page, numbered by a dictionary as long as that is likely to
// pay, and written as pages of a good size. Rule: as in column.c, the answer is 0 for whatever is not known or is damaged, and then
// the Parquet codec has the word.
#include "recode.h"

#define EXPORT(name) __attribute__((export_name(#name)))
#define NO_NUMBER 0xffffffffu
// Values that are taken at once; between two lots the dictionary may be given up.
#define LOT 4096
// A dictionary of more is given up: looking values up costs more than it saves.
#define MAX_DICTIONARY_BYTES (512u * 1024)

Gathered gathered;
static Buffer input, renumbered;
static int isRenumbered;
void forgetPages(void);
void forgetChunk(void);

/** Forgets everything, and gives the memory to the next column. */
EXPORT(reset) void reset(void) {
  Buffer none = {0, 0};
  forgetMemory();
  forgetPages();
  forgetDictionary();
  forgetChunk();
  input = renumbered = none;
  gathered.validity = gathered.numbers = gathered.entry = gathered.places = gathered.plain = none;
}

/** Begins a column. */
EXPORT(begin) void begin(u32 kind, u32 width, u32 typeLength, u32 isFloat, u32 maxLevel, u32 codec) {
  gathered.kind = kind;
  gathered.width = width;
  gathered.typeLength = typeLength;
  gathered.isFloat = (int)isFloat;
  gathered.maxLevel = maxLevel;
  gathered.codec = codec;
  gathered.slots = gathered.nulls = gathered.present = 0;
  gathered.hasDictionary = kind != KIND_BOOL;
  gathered.entries = gathered.entryBytes = gathered.plainBytes = 0;
}

/** Where a chunk of `size` bytes is to be put; 0 where there is no room. */
EXPORT(place) u8 *place(u32 size) { return grow(&input, size, 0); }

static int takeValidity(const Page *page) {
  u32 slots = gathered.slots;
  u32 count = page->slots;
  if (page->validity == 0 && gathered.nulls == 0) return 1;
  if (gathered.maxLevel == 0 && page->validity != 0) return 0;
  if (!grow(&gathered.validity, ((slots + count + 63) >> 3) + 8, gathered.nulls == 0 ? 0 : (slots + 7) >> 3)) return 0;
  if (gathered.nulls == 0) fillBits(gathered.validity.at, 0, slots, 1);
  if (page->validity == 0) fillBits(gathered.validity.at, slots, count, 1);
  else copyBits(gathered.validity.at, slots, page->validity, page->slot, count);
  gathered.nulls += count - page->present;
  return 1;
}

// The number of an entry of the chunk's own dictionary.
static i32 numberOfEntry(u32 n) {
  u32 *known = (u32 *)renumbered.at;
  if (known[n] != NO_NUMBER) return (i32)known[n];
  i32 number;
  if (isText(gathered.kind)) {
    const u32 *places = (const u32 *)column.dictionary + 2 * n;
    number = findText((const u8 *)places[0], places[1]);
  } else number = (i32)findFixed(column.dictionary + n * gathered.width);
  if (number >= 0) known[n] = (u32)number;
  return number;
}

static int renumber(u32 at, u32 count, u32 *to) {
  if (!isRenumbered) {
    if (!grow(&renumbered, column.dictionarySize * 4 + 4, 0)) return 0;
    __builtin_memset(renumbered.at, 0xff, column.dictionarySize * 4);
    isRenumbered = 1;
  }
  const u32 *numbers = column.page.numbers + at;
  const u32 *known = (const u32 *)renumbered.at;
  for (u32 i = 0; i < count; i++) {
    u32 number = known[numbers[i]];
    if (number == NO_NUMBER) {
      i32 found = numberOfEntry(numbers[i]);
      if (found < 0) return 0;
      number = (u32)found;
    }
    to[i] = number;
  }
  return 1;
}

// The next text of a plain page; moves past it. 0 where there is none.
static inline const u8 *nextText(u32 *length) {
  Page *page = &column.page;
  if (page->end - page->values < 4) return 0;
  *length = load32(page->values);
  const u8 *at = page->values + 4;
  if (*length > (u32)(page->end - at) || (gathered.kind == KIND_TEXT && !isUtf8(at, at + *length))) return 0;
  page->values = at + *length;
  return at;
}

static int numberLot(u32 at, u32 count) {
  Page *page = &column.page;
  u32 present = gathered.present;
  if (!grow(&gathered.numbers, (present + count) * 4, present * 4) || !prepareDictionary(count)) return 0;
  u32 *to = (u32 *)gathered.numbers.at + present;
  if (page->numbers) return renumber(at, count, to);
  if (isText(gathered.kind)) {
    for (u32 i = 0; i < count; i++) {
      u32 length;
      const u8 *text = nextText(&length);
      i32 number = text ? findText(text, length) : -1;
      if (number < 0) return 0;
      to[i] = (u32)number;
    }
    return 1;
  }
  u32 width = gathered.width;
  const u8 *from = page->values + at * width;
  for (u32 i = 0; i < count; i++, from += width) to[i] = findFixed(from);
  return 1;
}

#define LOOK_UP(type)                                                          \
  for (u32 i = 0; i < count; i++) ((type *)to)[i] = ((const type *)column.dictionary)[numbers[i]];

static int spellOutLot(u32 at, u32 count) {
  Page *page = &column.page;
  u32 used = gathered.plainBytes;
  if (isText(gathered.kind)) {
    if (page->numbers) {
      const u32 *numbers = page->numbers + at;
      const u32 *places = (const u32 *)column.dictionary;
      u64 bytes = 0;
      for (u32 i = 0; i < count; i++) bytes += 4 + places[2 * numbers[i] + 1];
      if (used + bytes > 0x20000000u || !grow(&gathered.plain, used + (u32)bytes, used)) return 0;
      u8 *to = gathered.plain.at + used;
      for (u32 i = 0; i < count; i++) {
        u32 length = places[2 * numbers[i] + 1];
        store32(to, length);
        if (length > 0) copyBytes(to + 4, (const u8 *)places[2 * numbers[i]], length);
        to += 4 + length;
      }
      gathered.plainBytes = used + (u32)bytes;
      return 1;
    }
    const u8 *start = page->values;
    u32 length;
    for (u32 i = 0; i < count; i++)
      if (nextText(&length) == 0) return 0;
    u32 bytes = (u32)(page->values - start);
    if (used + bytes > 0x20000000u || !grow(&gathered.plain, used + bytes, used)) return 0;
    __builtin_memcpy(gathered.plain.at + used, start, bytes);
    gathered.plainBytes = used + bytes;
    return 1;
  }
  u32 width = gathered.width;
  u32 bytes = count * width;
  if (used + bytes > 0x20000000u || !grow(&gathered.plain, used + bytes, used)) return 0;
  u8 *to = gathered.plain.at + used;
  gathered.plainBytes = used + bytes;
  if (page->numbers == 0) {
    __builtin_memcpy(to, page->values + at * width, bytes);
    return 1;
  }
  const u32 *numbers = page->numbers + at;
  typedef unsigned __int128 u128;
  if (width == 8) LOOK_UP(u64)
  else if (width == 4) LOOK_UP(u32)
  else LOOK_UP(u128)
  return 1;
}

// Whether the values are too different, or their dictionary too large, for one to be worth its while.
static int shouldGiveUp(void) {
  if (gathered.entryBytes > MAX_DICTIONARY_BYTES) return 1;
  return gathered.present >= LOT && gathered.entries > gathered.present - (gathered.present >> 2);
}

static int takePage(void) {
  Page *page = &column.page;
  if (!takeValidity(page)) return 0;
  u32 present = page->present;
  gathered.slots += page->slots;
  if (gathered.kind == KIND_BOOL) {
    u32 bits = gathered.present;
    if (!grow(&gathered.plain, ((bits + present + 63) >> 3) + 8, (bits + 7) >> 3)) return 0;
    copyBits(gathered.plain.at, bits, page->values, 0, present);
    gathered.present += present;
    return 1;
  }
  for (u32 at = 0; at < present;) {
    u32 count = present - at < LOT ? present - at : LOT;
    if (!(gathered.hasDictionary ? numberLot(at, count) : spellOutLot(at, count))) return 0;
    gathered.present += count;
    at += count;
    if (gathered.hasDictionary && shouldGiveUp() && !leaveDictionary()) return 0;
  }
  return page->numbers != 0 || !isText(gathered.kind) || page->values == page->end;
}

/** Takes a chunk of `rows` rows, which is in its place; 0 where it is left to others, and the column with it. */
EXPORT(take) int take(u32 size, u32 codec, u32 typeLength, u32 maxLevel, u32 rows) {
  column.at = input.at;
  column.end = input.at + size;
  column.codec = codec;
  column.kind = gathered.kind;
  column.width = gathered.width;
  column.typeLength = typeLength;
  column.maxLevel = maxLevel;
  column.dictionary = 0;
  column.dictionarySize = 0;
  isRenumbered = 0;
  while (rows > 0) {
    if (!nextPage() || column.page.slots > rows || !takePage()) return 0;
    rows -= column.page.slots;
  }
  return 1;
}
