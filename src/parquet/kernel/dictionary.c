// The dictionary of a column that is encoded anew: entries in the order in which they came, found by hashing. Rule: equal bits are
// one entry, and nothing else is.
#include "recode.h"

#define MIX 0x9e3779b97f4a7c15ull
#define LEAST_BITS 12

static Buffer table; // numbers of entries plus one, by hash; 0 is free
static u32 bits;

static inline u32 slotOf(u64 hash) { return (u32)(hash >> (64 - bits)); }

void forgetDictionary(void) {
  Buffer none = {0, 0};
  table = none;
  bits = 0;
}

static inline u64 hash8(u64 value) { return (value ^ (value >> 32)) * MIX; }
static inline u64 hash16(const u8 *at) { return hash8(load64(at) * 0xd6e8feb86659fd93ull + load64(at + 8)); }

static inline u32 hashText(const u8 *at, u32 length) {
  u64 hash = length * MIX;
  u32 left = length;
  for (; left >= 8; left -= 8, at += 8) hash = ((hash ^ load64(at)) * MIX) ^ (hash >> 29);
  if (left > 0) hash = ((hash ^ (load64(at) & ((1ull << (8 * left)) - 1))) * MIX) ^ (hash >> 29);
  return (u32)((hash * MIX) >> 32);
}

static u64 hashOfEntry(u32 n) {
  if (isText(gathered.kind)) return (u64)((Place *)gathered.places.at)[n].hash << 32;
  const u8 *at = gathered.entry.at + n * gathered.width;
  return gathered.width == 8 ? hash8(load64(at)) : gathered.width == 4 ? hash8(load32(at)) : hash16(at);
}

int prepareDictionary(u32 more) {
  u32 wanted = gathered.entries + more;
  u32 need = LEAST_BITS;
  while ((1u << need) < wanted * 2) need++;
  if (isText(gathered.kind)) {
    if (!grow(&gathered.places, wanted * sizeof(Place), gathered.entries * sizeof(Place))) return 0;
  } else if (!grow(&gathered.entry, wanted * gathered.width, gathered.entryBytes)) return 0;
  if (gathered.entries > 0 && need <= bits) return 1;
  bits = need;
  if (!grow(&table, 4u << bits, 0)) return 0;
  __builtin_memset(table.at, 0, 4u << bits);
  u32 mask = (1u << bits) - 1;
  u32 *slots = (u32 *)table.at;
  for (u32 n = 0; n < gathered.entries; n++) {
    u32 slot = slotOf(hashOfEntry(n));
    while (slots[slot] != 0) slot = (slot + 1) & mask;
    slots[slot] = n + 1;
  }
  return 1;
}

#define FIND(name, type, load, hashed, same)                                   \
  static u32 name(const u8 *value) {                                           \
    type wanted = load;                                                        \
    u32 *slots = (u32 *)table.at;                                              \
    u32 mask = (1u << bits) - 1;                                               \
    u32 slot = slotOf(hashed);                                                 \
    const type *entries = (const type *)gathered.entry.at;                     \
    while (slots[slot] != 0) {                                                 \
      u32 n = slots[slot] - 1;                                                 \
      if (same) return n;                                                      \
      slot = (slot + 1) & mask;                                                \
    }                                                                          \
    __builtin_memcpy(gathered.entry.at + gathered.entryBytes, value, sizeof(type)); \
    gathered.entryBytes += sizeof(type);                                       \
    slots[slot] = ++gathered.entries;                                          \
    return gathered.entries - 1;                                               \
  }
FIND(find4, u32, load32(value), hash8(wanted), entries[n] == wanted)
FIND(find8, u64, load64(value), hash8(wanted), entries[n] == wanted)
typedef unsigned __int128 u128;
FIND(find16, u128, (u128)load64(value + 8) << 64 | load64(value), hash16(value), entries[n] == wanted)

u32 findFixed(const u8 *value) {
  return gathered.width == 8 ? find8(value) : gathered.width == 4 ? find4(value) : find16(value);
}

static inline int sameText(const u8 *a, const u8 *b, u32 length) {
  for (; length >= 8; length -= 8, a += 8, b += 8)
    if (load64(a) != load64(b)) return 0;
  return length == 0 || ((load64(a) ^ load64(b)) & ((1ull << (8 * length)) - 1)) == 0;
}

i32 findText(const u8 *at, u32 length) {
  u32 *slots = (u32 *)table.at;
  Place *places = (Place *)gathered.places.at;
  u32 mask = (1u << bits) - 1;
  u32 hash = hashText(at, length);
  u32 slot = slotOf((u64)hash << 32);
  while (slots[slot] != 0) {
    const Place *place = &places[slots[slot] - 1];
    if (place->hash == hash && place->length == length && sameText(gathered.entry.at + place->offset, at, length)) return (i32)slots[slot] - 1;
    slot = (slot + 1) & mask;
  }
  u32 used = gathered.entryBytes;
  if (length > 0x10000000u || !grow(&gathered.entry, used + 4 + length, used)) return -1;
  store32(gathered.entry.at + used, length);
  if (length > 0) copyBytes(gathered.entry.at + used + 4, at, length);
  Place *place = &places[gathered.entries];
  place->offset = used + 4;
  place->length = length;
  place->hash = hash;
  gathered.entryBytes = used + 4 + length;
  slots[slot] = ++gathered.entries;
  return (i32)gathered.entries - 1;
}

#define SPELL_OUT(type)                                                        \
  for (u32 i = 0; i < gathered.present; i++) ((type *)gathered.plain.at)[i] = ((const type *)gathered.entry.at)[numbers[i]];

int leaveDictionary(void) {
  const u32 *numbers = (const u32 *)gathered.numbers.at;
  u64 bytes = 0;
  if (isText(gathered.kind)) {
    const Place *places = (const Place *)gathered.places.at;
    for (u32 i = 0; i < gathered.present; i++) bytes += 4 + places[numbers[i]].length;
    if (bytes > 0x20000000u || !grow(&gathered.plain, (u32)bytes, 0)) return 0;
    u8 *to = gathered.plain.at;
    for (u32 i = 0; i < gathered.present; i++) {
      const Place *place = &places[numbers[i]];
      copyBytes(to, gathered.entry.at + place->offset - 4, place->length + 4);
      to += place->length + 4;
    }
  } else {
    bytes = (u64)gathered.present * gathered.width;
    if (bytes > 0x20000000u || !grow(&gathered.plain, (u32)bytes, 0)) return 0;
    if (gathered.width == 8) SPELL_OUT(u64)
    else if (gathered.width == 4) SPELL_OUT(u32)
    else SPELL_OUT(u128)
  }
  gathered.plainBytes = (u32)bytes;
  gathered.hasDictionary = 0;
  return 1;
}
