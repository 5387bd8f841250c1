// Values that come out in another form than they lie in pages, and the check of texts.
#include "column.h"

#define MICROS_PER_DAY 86400000000ull
#define JULIAN_DAY_1970 2440588ll

static void convertFixed(u32 length, const u8 *from, u8 *to, u32 count) {
  for (u32 i = 0; i < count; i++, from += length, to += 16) {
    u64 low = 0;
    u64 high = (from[0] & 0x80) ? ~0ull : 0;
    if (high != 0) low = high;
    for (u32 k = 0; k < length; k++) {
      high = (high << 8) | (low >> 56);
      low = (low << 8) | from[k];
    }
    store64(to, low);
    store64(to + 8, high);
  }
}

void convert(u32 kind, u32 typeLength, const u8 *from, u8 *to, u32 count) {
  switch (kind) {
    case KIND_4_TO_1:
      for (u32 i = 0; i < count; i++) to[i] = from[i * 4];
      return;
    case KIND_4_TO_2:
      for (u32 i = 0; i < count; i++) {
        to[i * 2] = from[i * 4];
        to[i * 2 + 1] = from[i * 4 + 1];
      }
      return;
    case KIND_4_TO_16:
      for (u32 i = 0; i < count; i++) {
        i64 value = (i32)load32(from + i * 4);
        store64(to + i * 16, (u64)value);
        store64(to + i * 16 + 8, (u64)(value >> 63));
      }
      return;
    case KIND_8_TO_16:
      for (u32 i = 0; i < count; i++) {
        i64 value = (i64)load64(from + i * 8);
        store64(to + i * 16, (u64)value);
        store64(to + i * 16 + 8, (u64)(value >> 63));
      }
      return;
    case KIND_FIXED_TO_16:
      convertFixed(typeLength, from, to, count);
      return;
    case KIND_INT96:
      for (u32 i = 0; i < count; i++) {
        i64 micros = (i64)load64(from + i * 12) / 1000;
        i64 day = (i32)load32(from + i * 12 + 8);
        store64(to + i * 8, (u64)(day - JULIAN_DAY_1970) * MICROS_PER_DAY + (u64)micros);
      }
      return;
    default:
      return;
  }
}

int isUtf8(const u8 *at, const u8 *end) {
  while (1) {
    while (end - at >= 16 && ((load64(at) | load64(at + 8)) & 0x8080808080808080ull) == 0) at += 16;
    while (at < end && *at < 0x80) at++;
    if (at >= end) return 1;
    u32 lead = *at;
    u32 more = lead < 0xc2 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : 0;
    if (more == 0 || (u32)(end - at) <= more) return 0;
    u32 second = at[1];
    // No longer form than needed, no surrogates, nothing beyond the last character there is.
    u32 low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    u32 high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (second < low || second > high) return 0;
    for (u32 i = 2; i <= more; i++)
      if ((at[i] & 0xc0) != 0x80) return 0;
    at += more + 1;
  }
}
