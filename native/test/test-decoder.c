/* The decoder refuses every plan that does not have the shape of README.md, before anything is performed. */
#include "support.h"

static struct builder b;

static void check_refused(const char *name, const char *reason) {
  struct plan plan;
  struct err e = {0};
  /* An exact copy on the heap, so that the sanitizer sees a read past its end. */
  uint8_t *copy = malloc(b.length + (b.length == 0));
  memcpy(copy, b.bytes, b.length);
  int result = plan_decode(copy, b.length, &plan, &e);
  free(copy);
  if (result == -1 && e.number == EINVAL && strstr(e.detail, reason) != NULL) return;
  fprintf(stderr, "%s: result %d, errno %d, detail '%s', expected '%s'\n", name, result, e.number, e.detail, reason);
  exit(1);
}

static void check_accepted(const char *name) {
  struct plan plan;
  struct err e = {0};
  plan_end(&b);
  if (plan_decode(b.bytes, b.length, &plan, &e) == 0) return;
  fprintf(stderr, "%s: refused: %s\n", name, e.detail);
  exit(1);
}

/* One operation in a stream of its own; in the child stream with CLONE before and EXEC after it. */
#define REFUSED(in_child, reason, code, flags, ...)                         \
  do {                                                                      \
    plan_begin(&b);                                                         \
    if (in_child) container_begin(&b, 0);                                   \
    op(&b, code, flags, __VA_ARGS__);                                       \
    if (in_child) op(&b, OP_EXEC, 0, "lll", LIST("/a"), LIST("a"), LIST()); \
    plan_end(&b);                                                           \
    check_refused(#code " " #__VA_ARGS__, reason);                          \
  } while (0)

static void test_headers(void) {
  plan_begin(&b);
  check_accepted("an empty plan");
  for (size_t length = 0; length < 16; length++) {
    b.length = length;
    check_refused("a header that is cut off", "cut off");
  }
  plan_begin(&b);
  plan_end(&b);
  b.bytes[0] ^= 1;
  check_refused("another magic", "magic");
  plan_begin(&b);
  plan_end(&b);
  put_number(&b, 0, 1);
  check_refused("another length", "another length");
  plan_begin(&b);
  op(&b, OP_UNSHARE, 0, "u", 0);
  b.ops[0] = 2;
  plan_end(&b);
  check_refused("more operations announced than there are", "cut off");
  b.ops[0] = 0;
  plan_end(&b);
  check_refused("fewer operations announced than there are", "bytes after the last operation");
  b.ops[0] = 0xffffffff;
  plan_end(&b);
  check_refused("absurdly many operations", "cut off");
}

static void test_streams(void) {
  plan_begin(&b);
  op(&b, OP_CLONE, 0, "Uu", 0ul, SLOT_NONE);
  plan_end(&b);
  check_refused("a clone without a program", "no EXEC");
  plan_begin(&b);
  child_begin(&b);
  op(&b, OP_EXEC, 0, "lll", LIST("/a"), LIST("a"), LIST());
  plan_end(&b);
  check_refused("a child that nobody makes", "without CLONE");
  plan_begin(&b);
  child_begin(&b);
  op(&b, OP_SETSID, 0, "");
  plan_end(&b);
  check_refused("a child that nobody makes, without exec", "without CLONE");
  plan_begin(&b);
  op(&b, OP_CLONE, 0, "Uu", 0ul, SLOT_NONE);
  op(&b, OP_CLONE, 0, "Uu", 0ul, SLOT_NONE);
  plan_end(&b);
  check_refused("two children", "only once");
  container_begin(&b, 0);
  op(&b, OP_EXEC, 0, "lll", LIST("/a"), LIST("a"), LIST());
  op(&b, OP_SETSID, 0, "");
  plan_end(&b);
  check_refused("operations after exec", "must be the last");
  container_begin(&b, 0);
  op(&b, OP_HOLD, 0, "u", SLOT_NONE);
  op(&b, OP_EXEC, 0, "lll", LIST("/a"), LIST("a"), LIST());
  check_accepted("a held child");
}

static void test_operations(void) {
  REFUSED(0, "unknown operation", 0, 0, "");
  REFUSED(0, "unknown operation", 9, 0, "");
  REFUSED(0, "unknown operation", 63, 0, "");
  REFUSED(0, "unknown operation", 66, 0, "");
  REFUSED(0, "unknown operation", 0xffff, 0, "");
  REFUSED(0, "not allowed in this stream", OP_PIVOT, 0, "su", "/", 0);
  REFUSED(0, "not allowed in this stream", OP_EXEC, 0, "lll", LIST("/a"), LIST("a"), LIST());
  REFUSED(1, "not allowed in this stream", OP_LISTEN, 0, "usu", 8, "/a", 0);
  REFUSED(0, "unknown flag", OP_UNSHARE, 0x8, "u", 0);
  REFUSED(0, "unknown flag", OP_UNSHARE, 0x10, "u", 0);
  REFUSED(0, "unknown flag", OP_CLONE, OPF_OPTIONAL, "Uu", 0ul, SLOT_NONE);
  REFUSED(0, "not a namespace", OP_CLONE, 0, "Uu", (uint64_t)CLONE_VM, SLOT_NONE);
  REFUSED(0, "kept for the release", OP_POST, 0, "u", POST_RELEASE);
  REFUSED(0, "malformed", OP_UNSHARE, 0, "");
  REFUSED(0, "bytes after the payload", OP_UNSHARE, 0, "uu", 0, 0);
  REFUSED(0, "malformed", OP_MKDIR, 0, "udu", SLOT_NONE, "a\0b", (size_t)3, 0);
  REFUSED(0, "malformed", OP_MKDIR, 0, "uu", SLOT_NONE, 0xffffffff);
  REFUSED(1, "malformed", OP_MASK, 0, "u", 0xffffffff);
  REFUSED(1, "malformed", OP_MASK, 0, "uu", 1, 5);
  REFUSED(1, "malformed", OP_USER, 0, "uuu", 0, 0, 0x40000001);
  REFUSED(1, "malformed", OP_SECCOMP, 0, "udu", 0, "1234567", (size_t)7, SLOT_NONE);
  REFUSED(0, "outside of the messages", OP_NETLINK, 0, "udu", 0, "1234567", (size_t)7, 4);
  REFUSED(0, "outside of the messages", OP_NETLINK, 0, "udu", 0, "123", (size_t)3, 0);
}

static void test_slots(void) {
  REFUSED(0, "malformed", OP_CLOSE, 0, "u", SLOT_SYNC);
  REFUSED(0, "malformed", OP_CLOSE, 0, "u", SLOT_COUNT);
  REFUSED(0, "malformed", OP_CLOSE, 0, "u", SLOT_NONE);
  REFUSED(0, "malformed", OP_DUP, 0, "uu", SLOT_COUNT, 8);
  REFUSED(0, "malformed", OP_DUP, 0, "uu", 8, 0);
  REFUSED(0, "malformed", OP_MKDIR, 0, "usu", SLOT_COUNT, "/a", 0);
  REFUSED(1, "malformed", OP_SECCOMP, 0, "udu", 0, "", (size_t)0, 0);
}

/* The NUL behind a string is part of the shape: strings are used in place. */
static void test_terminators(void) {
  plan_begin(&b);
  op(&b, OP_UMOUNT, 0, "usu", SLOT_NONE, "/a", 0);
  plan_end(&b);
  size_t nul = b.length - 5;
  CHECK(b.bytes[nul] == 0 && b.bytes[nul - 1] == 'a');
  b.bytes[nul] = 'x';
  check_refused("a string without its NUL", "malformed");
}

/* No prefix of a valid plan is one, whatever its header says. */
static void test_prefixes(void) {
  static struct builder whole;
  container_begin(&whole, CLONE_NEWNS);
  root_ops(&whole);
  pivot_ops(&whole);
  script_op(&whole, "true");
  plan_end(&whole);
  for (size_t length = 16; length < whole.length; length++) {
    memcpy(&b, &whole, sizeof b);
    b.length = length;
    put_at(&b, 4, (uint32_t)length);
    check_refused("a prefix", "");
  }
}

int main(void) {
  test_headers();
  test_streams();
  test_operations();
  test_slots();
  test_terminators();
  test_prefixes();
  printf("ok: decoder\n");
  return 0;
}
