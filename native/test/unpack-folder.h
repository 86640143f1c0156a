/* A folder that streams are unpacked into, for tests of that: what came of a stream, and what is in the folder then. */
#ifndef SKIFF_TEST_UNPACK_FOLDER_H
#define SKIFF_TEST_UNPACK_FOLDER_H

#include <fcntl.h>
#include <sys/stat.h>

#include "check.h"
#include "unpack-stream.h"
#include "unpack.h"

static char folder[64], root[96], outside[96], path_space[512], content[65536];
static struct stream_builder b;
static struct err e;
static uint32_t performed, left_out;
static int source = -1;

static inline const char *in_root(const char *name) {
  snprintf(path_space, sizeof path_space, "%s/%s", root, name);
  return path_space;
}

/* The errno of the stream that was built. */
static inline int unpack(void) {
  int ends[2];
  size_t length = (size_t)(b.w.at - b.bytes);
  EXPECT(!b.w.failed && pipe(ends) == 0);
  EXPECT(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) > 0 && write_all(ends[1], b.bytes, length) == 0);
  close(ends[1]);
  memset(&e, 0, sizeof e);
  struct unpacker u;
  int failed = unpack_open(&u, ends[0], source, root, &e) < 0 || unpack_stream(&u, &e) < 0;
  performed = u.index;
  left_out = u.left_out_count > 0 ? u.left_out[0] : 0;
  unpack_close(&u);
  close(ends[0]);
  EXPECT(!failed || e.number != 0);
  stream_begin(&b);
  return failed ? e.number : 0;
}

static inline struct stat stat_of(const char *name) {
  struct stat st;
  EXPECT(lstat(in_root(name), &st) == 0);
  return st;
}

static inline void expect_content(const char *name, const char *want) {
  EXPECT(read_whole(in_root(name), content, sizeof content) != (size_t)-1);
  EXPECT_TEXT(content, want);
}

static inline void expect_failure(int number, uint32_t index, const char *detail) {
  EXPECT_NUMBER(unpack(), number);
  EXPECT_NUMBER(performed, index);
  EXPECT_TEXT(e.detail, detail);
}

/* An empty root, and a folder outside of it with a secret. */
static inline void make_roots(void) {
  umask(0);
  make_folder(folder, sizeof folder);
  snprintf(root, sizeof root, "%s/root", folder);
  snprintf(outside, sizeof outside, "%s/outside", folder);
  EXPECT(mkdir(root, 0755) == 0 && mkdir(outside, 0700) == 0);
  snprintf(path_space, sizeof path_space, "%s/secret", outside);
  close(creat(path_space, 0600));
  stream_begin(&b);
}

static inline void remove_roots(void) {
  EXPECT(chdir("/") == 0);
  remove_folder(folder);
}

#endif
