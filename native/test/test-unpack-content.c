/* Content of files in an unpack stream: holes, ranges and whole files of a source. Needs root for owners. */
#include "unpack-folder.h"

static void holes_stay_holes(void) {
  begin_file_of(&b, "sparse", 0644, 0, (8 << 20) + 3);
  add_hole(&b, 4 << 20);
  add_data(&b, "mid");
  add_hole(&b, 4 << 20);
  add_end(&b);
  EXPECT_NUMBER(unpack(), 0);
  struct stat st = stat_of("sparse");
  EXPECT_NUMBER(st.st_size, (8 << 20) + 3);
  EXPECT(st.st_blocks * 512 < 1 << 20);
}

static void content_is_copied_out_of_the_source(void) {
  char path[96];
  snprintf(path, sizeof path, "%s/source", folder);
  source = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  EXPECT(source >= 0 && ftruncate(source, 1 << 20) == 0 && pwrite(source, "content", 7, 1000) == 7);
  EXPECT(pwrite(source, "end", 3, (1 << 20) - 3) == 3);
  begin_file_of(&b, "copied", 0644, 0, 12);
  add_copy(&b, 1000, 4);
  add_data(&b, "-sent");
  add_copy(&b, 1004, 3);
  add_end(&b);
  begin_file_of(&b, "large", 0644, 0, (1 << 20) - 1001); /* by the kernel */
  add_copy(&b, 1001, (1 << 20) - 1001);
  add_end(&b);
  add_sync(&b);
  EXPECT_NUMBER(unpack(), 0);
  expect_content("copied", "cont-sentent");
  EXPECT_NUMBER(stat_of("large").st_size, (1 << 20) - 1001);
  EXPECT(memcmp(content, "", 1) != 0 && read_whole(in_root("large"), content, sizeof content) > 0);
  EXPECT(memcmp(content, "ontent", 6) == 0);
  begin_file_of(&b, "beyond", 0644, 0, 1 << 20);
  add_copy(&b, 1, 1 << 20);
  expect_failure(EPROTO, 1, "the source ends inside: beyond");
  begin_file_of(&b, "wild", 0644, 0, INT64_MAX);
  add_copy(&b, UINT64_MAX - 5, 10);
  expect_failure(EINVAL, 1, "range of the source for: wild");
  begin_file_of(&b, "more", 0644, 0, 3);
  add_copy(&b, 0, 4);
  expect_failure(EFBIG, 1, "more data than announced: more");
  close(source);
  source = -1;
  begin_file_of(&b, "none", 0644, 0, 1);
  add_copy(&b, 0, 1);
  expect_failure(EBADF, 1, "read the source for: none");
}

static void whole_files_are_cloned_out_of_a_folder(void) {
  char path[128];
  snprintf(path, sizeof path, "%s/tree", folder);
  EXPECT(mkdir(path, 0700) == 0);
  source = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  EXPECT(source >= 0 && mkdirat(source, "a", 0700) == 0 && symlinkat("a", source, "out") == 0);
  EXPECT(symlinkat("file", source, "a/link") == 0 && mkfifoat(source, "a/fifo", 0600) == 0);
  cleanup_close int file = openat(source, "a/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  EXPECT(ftruncate(file, 3 << 20) == 0 && pwrite(file, "middle", 6, 1 << 20) == 6);
  cleanup_close int none = openat(source, "empty", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  begin_file_of(&b, "cloned", 0640, 0, 3 << 20);
  add_clone(&b, "a/file");
  add_end(&b);
  begin_file_of(&b, "empty", 0640, 0, 0);
  add_clone(&b, "empty");
  add_end(&b);
  EXPECT_NUMBER(unpack(), 0);
  struct stat st = stat_of("cloned");
  EXPECT_NUMBER(st.st_size, 3 << 20);
  EXPECT(st.st_blocks * 512 < 1 << 20 && (st.st_mode & 07777) == 0640);
  char middle[6];
  cleanup_close int copy = open(in_root("cloned"), O_RDONLY | O_CLOEXEC);
  EXPECT(pread(copy, middle, 6, 1 << 20) == 6 && memcmp(middle, "middle", 6) == 0);
  EXPECT_NUMBER(stat_of("empty").st_size, 0);
  static const struct {
    const char *path;
    int number;
    const char *detail;
  } refused[] = {
    {"nosuch", ENOENT, "open in the source: nosuch"},
    {"out/file", ENOTDIR, "open in the source: out/file"},
    {"a/link", ELOOP, "open in the source: a/link"},
    {"a/../a/file", EINVAL, "open in the source: a/../a/file"},
    {"/a/file", EINVAL, "open in the source: /a/file"},
    {"", EINVAL, "open in the source"},
    {"a/fifo", EINVAL, "not a file in the source: a/fifo"},
    {"empty", ESTALE, "changed in the source: empty"},
  };
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    begin_file_of(&b, "refused", 0644, 0, 3 << 20);
    add_clone(&b, refused[i].path);
    expect_failure(refused[i].number, 1, refused[i].detail);
  }
  begin_file_of(&b, "late", 0644, 0, 3 << 20);
  add_data(&b, "x");
  add_clone(&b, "a/file");
  expect_failure(EPROTO, 2, "a whole file behind other content: late");
  close(source);
  source = -1;
}

int main(void) {
  if (geteuid() != 0) {
    printf("skip: unpack needs root\n");
    return 0;
  }
  make_roots();
  holes_stay_holes();
  content_is_copied_out_of_the_source();
  whole_files_are_cloned_out_of_a_folder();
  remove_roots();
  printf("ok: content of unpack\n");
  return 0;
}
