/* Deterministic mutations of bytes, for fuzzers. */
#ifndef SKIFF_TEST_MUTATE_H
#define SKIFF_TEST_MUTATE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct mutator {
  uint64_t state; /* not 0 */
};

static inline uint64_t random_number(struct mutator *m) { /* xorshift64* */
  m->state ^= m->state >> 12;
  m->state ^= m->state << 25;
  m->state ^= m->state >> 27;
  return m->state * 0x2545f4914f6cdd1dull;
}

static inline size_t random_below(struct mutator *m, size_t limit) {
  return (size_t)(random_number(m) % limit);
}

/* Changes a few places; the length may shrink. */
static inline void mutate_bytes(struct mutator *m, uint8_t *bytes, size_t *length) {
  static const uint32_t odd[] = {0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0, 4096};
  for (size_t changes = 1 + random_below(m, 4); changes > 0 && *length > 0; changes--) {
    size_t at = random_below(m, *length), other = random_below(m, *length), size = 1 + random_below(m, 24);
    switch (random_below(m, 6)) {
      case 0:
        bytes[at] ^= (uint8_t)(1u << random_below(m, 8));
        break;
      case 1:
        bytes[at] = (uint8_t)random_number(m);
        break;
      case 2:
        if (at + 4 <= *length) memcpy(bytes + at, &odd[random_below(m, 8)], 4);
        break;
      case 3:
        bytes[at] = (uint8_t) "/.\0a~"[random_below(m, 5)];
        break;
      case 4:
        if (at + size <= *length && other + size <= *length) memmove(bytes + at, bytes + other, size);
        break;
      default:
        if (random_below(m, 4) == 0) *length = at;
    }
  }
}

#endif
