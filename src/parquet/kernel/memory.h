// What all parts of the column kernel share: types, unaligned access, and memory that grows and is taken back as a whole.
// Rule: every buffer is followed by SPARE bytes that may be read and written without use, so that inner loops copy words.
#ifndef MEMORY_H
#define MEMORY_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char i8;
typedef short i16;
typedef int i32;
typedef long long i64;

#define SPARE 64

static inline u32 load32(const u8 *at) {
  u32 value;
  __builtin_memcpy(&value, at, 4);
  return value;
}

static inline u64 load64(const u8 *at) {
  u64 value;
  __builtin_memcpy(&value, at, 8);
  return value;
}

static inline void store32(u8 *at, u32 value) { __builtin_memcpy(at, &value, 4); }
static inline void store64(u8 *at, u64 value) { __builtin_memcpy(at, &value, 8); }

// Copies `size` bytes, by 16, up to 15 more than asked for.
static inline void copyShort(u8 *to, const u8 *from, u32 size) {
  u8 *end = to + size;
  do {
    u64 low = load64(from);
    u64 high = load64(from + 8);
    store64(to, low);
    store64(to + 8, high);
    to += 16;
    from += 16;
  } while (to < end);
}

static inline void copyBytes(u8 *to, const u8 *from, u32 size) {
  if (size <= 64) copyShort(to, from, size);
  else __builtin_memcpy(to, from, size);
}

// Copies of a match, which may overlap what it makes: by words where it lies far enough behind.
static inline void copyMatch(u8 *to, u32 offset, u32 size) {
  const u8 *from = to - offset;
  u8 *end = to + size;
  if (offset >= 16) {
    if (size > 256 && offset >= size) {
      __builtin_memcpy(to, from, size);
      return;
    }
    copyShort(to, from, size);
  } else if (offset >= 8) {
    do {
      store64(to, load64(from));
      to += 8;
      from += 8;
    } while (to < end);
  } else if (offset == 1) {
    __builtin_memset(to, *from, size);
  } else {
    while (to < end) *to++ = *from++;
  }
}

// A buffer that only grows; its content is lost when it does, unless `keep` bytes of it are asked for.
typedef struct {
  u8 *at;
  u32 size;
} Buffer;

// Takes all memory back: every buffer must be forgotten with it.
void forgetMemory(void);

// Makes room for `size` bytes and the spare ones; 0 where memory ends.
u8 *room(Buffer *buffer, u32 size, u32 keep);

// Each unpacks [at, end) to exactly `size` bytes at `to`; 0 where the input is damaged or of a kind that is left to others.
int unpackSnappy(const u8 *at, const u8 *end, u8 *to, u32 size);
int unpackLz4(const u8 *at, const u8 *end, u8 *to, u32 size);
int unpackZstd(const u8 *at, const u8 *end, u8 *to, u32 size);

#endif
