/* Packing: what is said of a tree, in which order, and what bad requests get. Needs root for nodes and attributes. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "check.h"
#include "pack.h"
#include "protocol.h"
#include "text.h"

static char folder[64], path_space[512];
static int out;
static struct packer p;
static struct err e;
static uint8_t answers[1 << 20];

static const char *in_folder(const char *name) {
  snprintf(path_space, sizeof path_space, "%s/%s", folder, name);
  return path_space;
}

static void make_file(const char *name, const char *text) {
  int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  EXPECT(fd >= 0 && write_all(fd, text, strlen(text)) == 0);
  close(fd);
}

static void add_entry(struct text *t, struct reader *r) {
  text_add(t, read_string(r));
  uint32_t mode = read_u32(r);
  text_add(t, S_ISDIR(mode) ? "/" : S_ISLNK(mode) ? "@" : S_ISCHR(mode) ? "%" : "");
  uint32_t uid = read_u32(r), gid = read_u32(r);
  uint64_t size = read_u64(r), seconds = read_u64(r);
  uint32_t ns = read_u32(r), major_number = read_u32(r), minor_number = read_u32(r);
  if (S_ISREG(mode)) {
    text_add(t, " ");
    text_number(t, size);
  }
  if (S_ISCHR(mode)) {
    text_number(t, major_number);
    text_add(t, ":");
    text_number(t, minor_number);
  }
  EXPECT(uid == gid && seconds > 0 && ns < 1000000000);
  text_add(t, read_string(r));
  for (uint32_t count = read_u32(r); count > 0; count--) {
    text_add(t, " ");
    text_add(t, read_string(r));
    text_add(t, "=");
    struct bytes value = read_data(r);
    text_bytes(t, value.data, value.length);
  }
}

/* What was answered, as text. */
static void expect_answer(uint16_t kind, uint16_t flags, const void *payload, size_t length, const char *want) {
  TEXT(t, 4096);
  struct reader body = {.at = payload, .end = (const uint8_t *)payload + length};
  EXPECT(ftruncate(out, 0) == 0 && lseek(out, 0, SEEK_SET) == 0);
  EXPECT(pack_request(&p, kind, flags, &body, &e) == 0);
  ssize_t n = pread(out, answers, sizeof answers, 0);
  struct reader all = {.at = answers, .end = answers + n};
  while (all.at < all.end) {
    uint16_t answer = read_u16(&all);
    read_u16(&all);
    uint32_t size = read_u32(&all);
    struct reader r = {.at = all.at, .end = all.at + size};
    all.at += size;
    if (t.length > 0) text_add(&t, ", ");
    if (answer == PACK_ENTRY) add_entry(&t, &r);
    if (answer == PACK_LINK) {
      text_add(&t, read_string(&r));
      text_add(&t, " <= ");
      add_entry(&t, &r);
    }
    if (answer == PACK_DATA) {
      text_bytes(&t, (const char *)r.at, strnlen((const char *)r.at, size));
      r.at = r.end;
    }
    if (answer == PACK_HOLE) {
      text_add(&t, "hole ");
      text_number(&t, read_u64(&r));
    }
    if (answer == PACK_END) text_add(&t, "end");
    if (answer == PACK_MISSING) text_add(&t, "missing");
    if (answer == PACK_DONE) {
      text_add(&t, "done ");
      text_number(&t, read_u32(&r));
      text_add(&t, read_string(&r));
    }
    EXPECT(!r.failed && r.at == r.end);
  }
  EXPECT(!all.failed && !t.cut);
  EXPECT_TEXT(t.data, want);
}

static void expect_of(uint16_t kind, const char *path, uint16_t flags, const char *want) {
  uint8_t payload[PACK_PATH_MAX + 64];
  struct writer w = {.at = payload, .end = payload + sizeof payload};
  put_string(&w, path);
  expect_answer(kind, flags, payload, (size_t)(w.at - payload), want);
}

static void expect_stat(const char *path, uint16_t flags, const char *want) {
  expect_of(PACK_STAT, path, flags, want);
}

static void a_walk_is_sorted_and_knows_links(void) {
  expect_answer(PACK_WALK, 0, NULL, 0,
                "/, a/, a/b 5 user.note=x, a/b <= a/c 5 user.note=x, a-b 0, b@/a/b, node%1:3, sparse 1000000, done 0");
  expect_answer(PACK_WALK, PACK_CONTENT, NULL, 0,
                "/, a/, a/b 5 user.note=x, hello, end, a/b <= a/c 5 user.note=x, a-b 0, end, b@/a/b, node%1:3, "
                "sparse 1000000, hole 499712, mid, hole 495616, , end, done 0");
}

static void a_walk_of_a_folder_begins_there(void) {
  expect_of(PACK_WALK, "a", 0, "/, b 5 user.note=x, b <= c 5 user.note=x, done 0");
  expect_of(PACK_WALK, "none", 0, "missing, done 0");
  expect_of(PACK_WALK, "b", 0, "missing, done 0");
  expect_of(PACK_WALK, "a/b", 0, "missing, done 0");
}

static void one_path_is_told_and_none_is_followed(void) {
  expect_stat("", 0, "/, done 0");
  expect_stat("a", 0, "a/, done 0");
  expect_stat("a/c", PACK_CONTENT, "a/c 5 user.note=x, hello, end, done 0");
  expect_stat("b", PACK_CONTENT, "b@/a/b, done 0");
  expect_stat("b/c", 0, "missing, done 0");
  expect_stat("a/b/c", 0, "missing, done 0");
  expect_stat("none/at/all", 0, "missing, done 0");
}

static void bad_requests_are_refused(void) {
  char long_path[PACK_PATH_MAX + 32], long_name[400];
  memset(long_path, 'x', sizeof long_path);
  long_path[sizeof long_path - 1] = 0;
  memset(long_name, 'x', sizeof long_name);
  long_name[sizeof long_name - 1] = 0;
  expect_stat("../etc", 0, "done 22path: ../etc");
  expect_stat("a/../..", 0, "done 22path: a/../..");
  expect_stat("/etc", 0, "done 22path: /etc");
  EXPECT(pack_stat(&p, long_name, &e) < 0 && e.number == EINVAL);
  EXPECT(pack_stat(&p, long_path, &e) < 0 && e.number == ENAMETOOLONG);
  expect_answer(PACK_WALK, 0, "x", 1, "done 71a malformed request");
  expect_answer(PACK_STAT, 0, "\5\0\0\0abc", 7, "done 71a malformed request");
  expect_answer(PACK_STAT, 0, "\3\0\0\0a\0c", 8, "done 71a malformed request");
  expect_answer(77, 0, NULL, 0, "done 71a malformed request");
}

int main(void) {
  if (geteuid() != 0) {
    printf("skip: pack needs root\n");
    return 0;
  }
  umask(0);
  make_folder(folder, sizeof folder);
  EXPECT(mkdir(in_folder("a"), 0755) == 0);
  make_file("a-b", "");
  make_file("a/b", "hello");
  EXPECT(setxattr(in_folder("a/b"), "user.note", "x", 1, 0) == 0);
  char existing[256];
  snprintf(existing, sizeof existing, "%s/a/b", folder);
  EXPECT(link(existing, in_folder("a/c")) == 0);
  EXPECT(symlink("/a/b", in_folder("b")) == 0);
  EXPECT(mknod(in_folder("node"), S_IFCHR | 0600, makedev(1, 3)) == 0);
  make_file("sparse", "");
  int fd = open(in_folder("sparse"), O_WRONLY | O_CLOEXEC);
  EXPECT(ftruncate(fd, 1000000) == 0 && pwrite(fd, "tail", 4, 999996) == 4 && pwrite(fd, "mid", 3, 499712) == 3);
  close(fd);
  int root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  out = memfd_create("answers", MFD_CLOEXEC);
  EXPECT(root >= 0 && out >= 0 && packer_open(&p, root, out, &e) == 0);
  a_walk_is_sorted_and_knows_links();
  a_walk_of_a_folder_begins_there();
  one_path_is_told_and_none_is_followed();
  bad_requests_are_refused();
  packer_close(&p);
  EXPECT(chdir("/") == 0);
  remove_folder(folder);
  printf("ok: pack\n");
  return 0;
}
