/* Checks for tests that need nothing but the C library: they say where and what, and end the test. */
#ifndef SKIFF_TEST_CHECK_H
#define SKIFF_TEST_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT(condition)                                                     \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                \
    }                                                                         \
  } while (0)

#define EXPECT_NUMBER(got, want) expect_number(__FILE__, __LINE__, #got, (long long)(got), (long long)(want))
#define EXPECT_TEXT(got, want) expect_text(__FILE__, __LINE__, got, want)

static inline void expect_number(const char *file, int line, const char *what, long long got, long long want) {
  if (got == want) return;
  fprintf(stderr, "%s:%d: %s is %lld, expected %lld\n", file, line, what, got, want);
  exit(1);
}

static inline void expect_text(const char *file, int line, const char *got, const char *want) {
  if (strcmp(got, want) == 0) return;
  fprintf(stderr, "%s:%d: expected:\n%s\ngot:\n%s\n", file, line, want, got);
  exit(1);
}

/* A folder of the test's own, removed by remove_folder. */
static inline void make_folder(char *path, size_t size) {
  snprintf(path, size, "/tmp/skiff-test-XXXXXX");
  EXPECT(mkdtemp(path) != NULL);
}

static inline void remove_folder(const char *path) {
  char command[256];
  snprintf(command, sizeof command, "rm -rf -- '%s'", path);
  EXPECT(strncmp(path, "/tmp/skiff-test-", 16) == 0 && system(command) == 0);
}

static inline size_t read_whole(const char *path, char *out, size_t size) {
  FILE *file = fopen(path, "re");
  if (!file) return (size_t)-1;
  size_t n = fread(out, 1, size - 1, file);
  fclose(file);
  out[n] = 0;
  return n;
}

#endif
