// Memory behind the program's own, handed out from its beginning to its end and taken back as a whole.
#include "memory.h"

#define WASM_PAGE_BYTES 65536

extern u8 __heap_base;

static u8 *heapEnd;

void forgetMemory(void) {
  // Some bytes before the first buffer, which bits that are read backwards may touch.
  heapEnd = (u8 *)(((u32)&__heap_base + SPARE + 15) & ~15u);
}

u8 *room(Buffer *buffer, u32 size, u32 keep) {
  if (buffer->at != 0 && buffer->size >= size) return buffer->at;
  if (size > 0x38000000u) return 0;
  u32 wanted = (size + (size >> 2) + SPARE + 15) & ~15u;
  u32 end = (u32)heapEnd + wanted + SPARE;
  u32 have = (u32)__builtin_wasm_memory_size(0) * WASM_PAGE_BYTES;
  if (end < (u32)heapEnd) return 0;
  if (end > have && __builtin_wasm_memory_grow(0, (end - have + WASM_PAGE_BYTES - 1) / WASM_PAGE_BYTES) == (unsigned long)-1) return 0;
  u8 *at = heapEnd;
  heapEnd += wanted;
  if (keep > 0) __builtin_memcpy(at, buffer->at, keep);
  buffer->at = at;
  buffer->size = wanted - SPARE;
  return at;
}
