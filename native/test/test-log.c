/* The log file: whole lines whatever the reads were, rotation, and a disk that is full for a while. */
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "check.h"
#include "shim-log.h"

static char folder[64], path[128], out_space[LOG_OUT_SIZE], content[1 << 20];

static struct log open_test_log(uint64_t max_bytes, uint32_t max_files, const char *attrs) {
  struct log l = {.path = path,
                  .attrs = attrs,
                  .attrs_length = strlen(attrs),
                  .max_bytes = max_bytes,
                  .max_files = max_files,
                  .out = out_space};
  struct err e;
  EXPECT(log_open(&l, &e) == 0);
  return l;
}

static const char *file(int number) {
  char name[160];
  snprintf(name, sizeof name, number ? "%s.%d" : "%s", path, number);
  return read_whole(name, content, sizeof content) == (size_t)-1 ? NULL : content;
}

static void forget_files(void) {
  for (int i = 0; i < 8; i++) {
    char name[160];
    snprintf(name, sizeof name, i ? "%s.%d" : "%s", path, i);
    remove(name);
  }
}

/* The "log" values of all lines of a file, joined by |. */
static const char *texts(const char *lines) {
  static char joined[1 << 20];
  char *to = joined;
  *to = 0;
  for (const char *line = lines; line && *line; line = strchr(line, '\n'), line += line ? 1 : 0) {
    const char *end = strstr(line, "\",\"stream\":\"");
    EXPECT(strncmp(line, "{\"log\":\"", 8) == 0 && end != NULL);
    if (to != joined) *to++ = '|';
    memcpy(to, line + 8, (size_t)(end - line) - 8);
    to += end - line - 8;
    *to = 0;
  }
  return joined;
}

static void writes_lines_with_stream_time_and_attributes(void) {
  struct log l = open_test_log(0, 1, ",\"attrs\":{\"a\":\"b\"}");
  EXPECT_NUMBER(log_text(&l, 1, "one\ntwo\nthr", 11, 0), 8);
  EXPECT_NUMBER(log_text(&l, 2, "three", 5, 1), 5);
  log_close(&l);
  const char *text = file(0);
  EXPECT_TEXT(texts(text), "one\\n|two\\n|three");
  text = file(0);
  EXPECT(strstr(text, "\"stream\":\"stdout\",\"time\":\"20") != NULL);
  EXPECT(strstr(text, "{\"log\":\"three\",\"stream\":\"stderr\",\"time\":\"20") != NULL);
  EXPECT(strstr(text, "Z\",\"attrs\":{\"a\":\"b\"}}\n") != NULL);
  struct stat st;
  EXPECT(stat(path, &st) == 0 && (st.st_mode & 07777) == 0640);
  forget_files();
}

static void splits_long_lines_between_characters(void) {
  static char text[40000];
  struct log l = open_test_log(0, 1, "");
  memset(text, 'a', sizeof text);
  memcpy(text + LOG_LINE_MAX - 1, "\xe2\x82\xac", 3); /* across the limit */
  EXPECT_NUMBER(log_text(&l, 1, text, LOG_LINE_MAX - 1, 0), 0);
  EXPECT_NUMBER(log_text(&l, 1, text, sizeof text, 0), 2 * LOG_LINE_MAX - 1);
  log_close(&l);
  const char *joined = texts(file(0));
  EXPECT(strstr(joined, "\\ufffd") == NULL);
  EXPECT_NUMBER(strcspn(joined, "|"), LOG_LINE_MAX - 1);
  EXPECT(strncmp(joined + LOG_LINE_MAX, "\xe2\x82\xac", 3) == 0);
  EXPECT_NUMBER(strlen(joined), 2 * LOG_LINE_MAX);
  forget_files();
}

static void rotates_by_size(void) {
  struct log l = open_test_log(200, 3, "");
  char line[16];
  for (int i = 0; i < 12; i++) {
    int n = snprintf(line, sizeof line, "line %d\n", i);
    log_text(&l, 1, line, (size_t)n, 0);
    if (i % 5 == 0) log_flush(&l);
  }
  log_close(&l);
  EXPECT_TEXT(texts(file(0)), "line 10\\n|line 11\\n");
  EXPECT_TEXT(texts(file(1)), "line 8\\n|line 9\\n");
  EXPECT_TEXT(texts(file(2)), "line 6\\n|line 7\\n");
  EXPECT(file(3) == NULL);
  for (int i = 0; i < 3; i++) EXPECT(strlen(file(i)) <= 200);
  forget_files();
}

static void with_one_file_it_starts_over(void) {
  struct log l = open_test_log(200, 1, "");
  for (int i = 0; i < 5; i++) log_text(&l, 1, "again\n", 6, 0);
  log_close(&l);
  EXPECT_TEXT(texts(file(0)), "again\\n");
  EXPECT(file(1) == NULL);
  forget_files();
}

static void goes_on_where_an_earlier_shim_stopped(void) {
  struct log l = open_test_log(200, 2, "");
  log_text(&l, 1, "before\n", 7, 0);
  log_text(&l, 1, "before\n", 7, 0);
  log_close(&l);
  l = open_test_log(200, 2, "");
  log_text(&l, 1, "after\n", 6, 0);
  log_close(&l);
  EXPECT_TEXT(texts(file(0)), "after\\n");
  EXPECT_TEXT(texts(file(1)), "before\\n|before\\n");
  forget_files();
}

static ino_t inode_of(const char *name) {
  struct stat st;
  return stat(name, &st) == 0 ? st.st_ino : 0;
}

static void named(char *out, const char *ending) {
  snprintf(out, 160, "%s%s", path, ending);
}

/* A compressed file stands where the old one was, moves on with the others, and goes when it is the oldest. */
static void compressed_files_take_part(void) {
  char name[160], fresh[160];
  struct err e;
  struct log l = open_test_log(140, 4, "");
  l.compressed = 1;
  log_text(&l, 1, "one\ntwo\nthree\n", 14, 0);
  EXPECT_NUMBER(l.rotations, 2);
  named(name, ".2");
  ino_t one = inode_of(name);
  named(fresh, ".gz-77");
  FILE *f = fopen(fresh, "w");
  EXPECT(f && fputs("packed", f) >= 0 && fclose(f) == 0);
  EXPECT(log_put_compressed(&l, one + 1000000, 77, &e) < 0 && e.number == ENOENT);
  EXPECT(log_put_compressed(&l, one, 77, &e) == 0);
  EXPECT(inode_of(name) == 0 && inode_of(fresh) == 0);
  named(name, ".2.gz");
  EXPECT(read_whole(name, content, sizeof content) == 6 && !strcmp(content, "packed"));
  log_text(&l, 1, "four\n", 5, 0);
  EXPECT(inode_of(name) == 0);
  EXPECT_TEXT(texts(file(2)), "two\\n");
  named(name, ".3.gz");
  EXPECT(inode_of(name) != 0);
  log_text(&l, 1, "five\n", 5, 0);
  EXPECT(inode_of(name) == 0);
  EXPECT_TEXT(texts(file(3)), "two\\n");
  log_close(&l);
  forget_files();
}

static void a_failed_rotation_loses_nothing(void) {
  char name[160];
  struct log l = open_test_log(200, 2, "");
  snprintf(name, sizeof name, "%s.1", path);
  EXPECT(mkdir(name, 0700) == 0); /* rename onto a folder fails */
  for (int i = 0; i < 5; i++) log_text(&l, 1, "kept\n", 5, 0);
  log_close(&l);
  EXPECT_TEXT(texts(file(0)), "kept\\n|kept\\n|kept\\n|kept\\n|kept\\n");
  remove(name);
  forget_files();
}

/* On a tmpfs of one page's worth of room. */
static void lines_lost_on_a_full_disk_are_counted(void) {
  char filler[160];
  struct log l = open_test_log(0, 1, "");
  static char line[4000];
  memset(line, 'x', sizeof line);
  line[sizeof line - 1] = '\n';
  for (int i = 0; i < 40; i++) {
    log_text(&l, 1, line, sizeof line, 0);
    log_flush(&l);
  }
  EXPECT(l.lost > 0 && l.lost < 40 && l.lost_errno == ENOSPC);
  unsigned long long lost = l.lost;
  texts(file(0)); /* only whole lines */
  EXPECT(content[strlen(content) - 1] == '\n');
  EXPECT(truncate(path, 0) == 0);
  log_text(&l, 1, "again\n", 6, 0);
  log_close(&l);
  snprintf(filler, sizeof filler, "skiff: %llu lines of this log were lost: No space left on device\\n|again\\n", lost);
  EXPECT_TEXT(texts(file(0)), filler);
  forget_files();
}

static void a_line_that_was_cut_off_is_no_part_of_the_next(void) {
  static const char *const left[] = {"{\"log\":\"ha", "{\"log\":\"whole\",\"stream\":\"stdout\"}\n{\"log\":\"ha"};
  for (int i = 0; i < 2; i++) {
    FILE *f = fopen(path, "w");
    EXPECT(f != NULL && fputs(left[i], f) >= 0 && fclose(f) == 0);
    struct log l = open_test_log(0, 1, "");
    EXPECT_NUMBER(log_text(&l, 1, "next\n", 5, 0), 5);
    log_close(&l);
    EXPECT_TEXT(texts(file(0)), i == 0 ? "next\\n" : "whole|next\\n");
    forget_files();
  }
}

/* Longer than any write: not ours to cut. */
static void what_is_no_log_stays(void) {
  FILE *f = fopen(path, "w");
  EXPECT(f != NULL);
  for (unsigned i = 0; i < LOG_OUT_SIZE + 5000; i++) fputc('x', f);
  EXPECT(fclose(f) == 0);
  struct log l = open_test_log(0, 1, "");
  EXPECT_NUMBER(l.size, LOG_OUT_SIZE + 5000);
  log_close(&l);
  forget_files();
}

int main(void) {
  make_folder(folder, sizeof folder);
  snprintf(path, sizeof path, "%s/log", folder);
  writes_lines_with_stream_time_and_attributes();
  splits_long_lines_between_characters();
  rotates_by_size();
  with_one_file_it_starts_over();
  goes_on_where_an_earlier_shim_stopped();
  a_line_that_was_cut_off_is_no_part_of_the_next();
  what_is_no_log_stays();
  compressed_files_take_part();
  a_failed_rotation_loses_nothing();
  if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
      mount("tmpfs", folder, "tmpfs", 0, "size=64k") == 0) {
    lines_lost_on_a_full_disk_are_counted();
    EXPECT(umount(folder) == 0);
  } else {
    printf("skip: a full disk needs root\n");
  }
  remove_folder(folder);
  printf("ok: log\n");
  return 0;
}
