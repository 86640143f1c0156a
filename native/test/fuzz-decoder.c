/* Feeds the decoder mutations of valid plans; the sanitizers are the judge, and what it accepts must walk to its end.
 * Usage: fuzz-decoder [ITERATIONS [SEED]]. The same arguments give the same inputs. */
#include "support.h"

static uint64_t state;

static uint64_t next_random(void) { /* xorshift64* */
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545f4914f6cdd1dull;
}

static size_t below(size_t limit) {
  return (size_t)(next_random() % limit);
}

static void make_seeds(struct builder seeds[3]) {
  container_begin(&seeds[0], ALL_NAMESPACES);
  root_ops(&seeds[0]);
  pivot_ops(&seeds[0]);
  op(&seeds[0], OP_USER, 0, "uug", 1, 1, (size_t)2, (uint32_t[]){3, 4});
  op(&seeds[0], OP_SECCOMP, 0, "udu", 0, "12345678", (size_t)8, SLOT_NONE);
  op(&seeds[0], OP_HOOK, 0, "sllul", "/a", LIST("a", "b"), LIST("c=d"), 5, LIST("x", "y"));
  script_op(&seeds[0], "true");
  plan_begin(&seeds[1]);
  op(&seeds[1], OP_NETLINK, 0, "udu", 0, "0123456789abcdef", (size_t)16, 4);
  op(&seeds[1], OP_WRITE_FILE, 0, "usduu", SLOT_NONE, "/a", "a\0b", (size_t)3, 1, 0644);
  op(&seeds[1], OP_DUP, 0, "uu", 8, 9);
  plan_begin(&seeds[2]);
}

static void mutate(uint8_t *bytes, size_t *length, size_t room) {
  static const uint32_t odd[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0, 256, 255};
  for (size_t changes = 1 + below(4); changes > 0; changes--) {
    size_t at = below(*length);
    uint32_t value = below(2) ? odd[below(8)] : (uint32_t)below(128);
    switch (below(5)) {
      case 0:
        bytes[at] ^= (uint8_t)(1u << below(8));
        break;
      case 1:
        bytes[at] = (uint8_t)next_random();
        break;
      case 2: /* numbers are unaligned, but mostly of four bytes */
        if (at + 4 <= *length) memcpy(bytes + at, &value, 4);
        break;
      case 3: {
        size_t cut = below(16) + 1;
        if (*length > cut) *length -= cut;
        break;
      }
      default: { /* repeat a piece elsewhere */
        size_t size = below(32) + 1;
        size_t from = below(*length);
        if (from + size > *length || at + size > *length || *length + size > room) break;
        memmove(bytes + at + size, bytes + at, *length - at);
        memmove(bytes + at, bytes + from, size);
        *length += size;
      }
    }
  }
}

static void walk(struct reader stream, uint32_t ops) {
  struct op o;
  uint32_t seen = 0;
  while (plan_next(&stream, &o)) seen++;
  CHECK(seen == ops);
}

int main(int argc, char **argv) {
  static struct builder seeds[3];
  long iterations = argc > 1 ? atol(argv[1]) : 200000;
  long accepted = 0;
  state = argc > 2 ? (uint64_t)atol(argv[2]) | 1 : 0x9e3779b97f4a7c15ull;
  make_seeds(seeds);
  for (int i = 0; i < 3; i++) plan_end(&seeds[i]);
  for (long i = 0; i < iterations; i++) {
    const struct builder *seed = &seeds[below(3)];
    size_t length = seed->length;
    size_t room = length + 256;
    uint8_t *work = malloc(room);
    memcpy(work, seed->bytes, length);
    mutate(work, &length, room);
    uint32_t total = (uint32_t)length; /* mostly right, or nothing behind the header would be reached */
    if (below(16) != 0 && length >= 8) memcpy(work + 4, &total, 4);
    uint8_t *input = malloc(length); /* exact, so that a read behind the end is seen */
    memcpy(input, work, length);
    struct plan plan;
    struct err e;
    if (plan_decode(input, length, &plan, &e) == 0) {
      accepted++;
      walk(plan.parent, plan.parent_ops);
      walk(plan.child, plan.child_ops);
    } else {
      CHECK(e.number == EINVAL && e.detail[0] != '\0');
    }
    free(input);
    free(work);
  }
  printf("ok: %ld inputs, %ld accepted\n", iterations, accepted);
  return 0;
}
