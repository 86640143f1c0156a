/* Unpacking: attributes, replacement, sparse files, and streams that try to get out. Needs root for owners and nodes.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "unpack-folder.h"

static void everything_is_made_with_its_attributes(void) {
  static const uint8_t capability[20] = {0x01, 0, 0, 0x02, 0, 0x20};
  add_dir(&b, "./", 0755);
  add_dir(&b, "usr/", 0700);
  add_xattr(&b, 0, "security.capability", capability, sizeof capability);
  add_xattr(&b, 0, "user.note", "x", 1);
  begin_file_of(&b, "/usr/bin/tool", 04755, 12, 5);
  add_data(&b, "he");
  add_data(&b, "llo");
  add_end(&b);
  add_symlink(&b, "usr/link", "../../nowhere");
  add_link(&b, "usr/hard", "usr/bin/tool");
  add_link(&b, "usr/hard-symlink", "usr/link");
  add_node(&b, "null", S_IFCHR | 0666, 1, 3);
  add_node(&b, "fifo", S_IFIFO | 0640, 0, 0);
  add_file(&b, "usr/empty", 0, "");
  EXPECT_NUMBER(unpack(), 0);
  EXPECT_NUMBER(performed, 15);
  struct stat st = stat_of("usr/bin/tool");
  EXPECT_NUMBER(st.st_mode, S_IFREG | 04755);
  EXPECT_NUMBER(st.st_uid, 12);
  EXPECT_NUMBER(st.st_mtim.tv_sec, TEST_TIME);
  EXPECT_NUMBER(st.st_mtim.tv_nsec, 123456789);
  EXPECT_NUMBER(st.st_nlink, 2);
  expect_content("usr/hard", "hello");
  EXPECT_NUMBER(getxattr(in_root("usr/bin/tool"), "security.capability", content, 64), 20);
  EXPECT_NUMBER(getxattr(in_root("usr/bin/tool"), "user.note", content, 64), 1);
  EXPECT_NUMBER(stat_of("usr/bin").st_mode, S_IFDIR | 0755);
  st = stat_of("usr");
  EXPECT_NUMBER(st.st_mode, S_IFDIR | 0700);
  EXPECT_NUMBER(st.st_mtim.tv_sec, TEST_TIME);
  EXPECT_NUMBER(stat_of(".").st_mtim.tv_sec, TEST_TIME);
  st = stat_of("usr/link");
  EXPECT(S_ISLNK(st.st_mode) && st.st_uid == 7 && st.st_gid == 8 && st.st_mtim.tv_nsec == 123456789);
  EXPECT(S_ISLNK(stat_of("usr/hard-symlink").st_mode));
  st = stat_of("null");
  EXPECT(st.st_mode == (S_IFCHR | 0666) && st.st_rdev == makedev(1, 3) && st.st_uid == 3);
  EXPECT_NUMBER(stat_of("fifo").st_mode, S_IFIFO | 0640);
  EXPECT_NUMBER(stat_of("usr/empty").st_mode, S_IFREG);
}

static void what_stands_there_is_replaced(void) {
  add_dir(&b, "full", 0755);
  add_file(&b, "full/a/b/c/d/e/f", 0644, "deep");
  add_file(&b, "full/a/x", 0644, "x");
  add_symlink(&b, "full/a/up", "../..");
  add_file(&b, "victim", 0600, "kept");
  add_symlink(&b, "points", "victim");
  EXPECT_NUMBER(unpack(), 0);
  add_file(&b, "full", 0644, "now a file");
  add_file(&b, "points", 0644, "new");
  add_dir(&b, "victim", 0711);
  EXPECT_NUMBER(unpack(), 0);
  expect_content("full", "now a file");
  expect_content("points", "new");
  EXPECT_NUMBER(stat_of("victim").st_mode, S_IFDIR | 0711);
  add_file(&b, "victim/inside", 0644, "stays");
  add_symlink(&b, "to-victim", "victim");
  add_dir(&b, "victim", 0755);    /* an existing folder is kept */
  add_dir(&b, "to-victim", 0755); /* a symlink to a folder is not one */
  EXPECT_NUMBER(unpack(), 0);
  expect_content("victim/inside", "stays");
  EXPECT_NUMBER(stat_of("to-victim").st_mode, S_IFDIR | 0755);
}

static void removal_is_deep_and_forgiving(void) {
  char deep[4000] = "deep";
  for (int i = 0; i < 600; i++) strcat(deep, "/d");
  add_dir(&b, deep, 0755);
  add_file(&b, "deep/d/d/file", 0644, "x");
  EXPECT_NUMBER(unpack(), 0);
  add_remove(&b, "deep");
  add_remove(&b, "never/was/here");
  add_remove(&b, "victim/inside/not-a-folder");
  EXPECT_NUMBER(unpack(), 0);
  EXPECT(access(in_root("deep"), F_OK) < 0);
}

static void a_link_to_itself_survives(void) {
  add_file(&b, "self", 0644, "self");
  add_link(&b, "self", "self");
  add_link(&b, "other", "self");
  add_link(&b, "self", "other");
  EXPECT_NUMBER(unpack(), 0);
  expect_content("self", "self");
}

static void paths_stay_inside(void) {
  char target[160];
  add_symlink(&b, "absolute", outside);
  snprintf(target, sizeof target, "../../../../../../../../..%s", outside);
  add_symlink(&b, "relative", target);
  add_symlink(&b, "file-link", "/etc/hosts-of-skiff-test");
  add_file(&b, "../../escape", 0644, "in");
  EXPECT_NUMBER(unpack(), 0);
  expect_content("escape", "in");
  /* Through a symlink to outside: resolved inside, where nothing is. */
  add_file(&b, "absolute/stolen", 0644, "no");
  EXPECT(unpack() != 0);
  add_file(&b, "relative/stolen", 0644, "no");
  EXPECT(unpack() != 0);
  add_link(&b, "grabbed", "absolute/secret");
  EXPECT_NUMBER(unpack(), ENOENT);
  add_remove(&b, "absolute/secret");
  EXPECT_NUMBER(unpack(), 0);
  add_file(&b, "file-link", 0644, "mine"); /* the last component is not followed */
  EXPECT_NUMBER(unpack(), 0);
  EXPECT(S_ISREG(stat_of("file-link").st_mode) && access("/etc/hosts-of-skiff-test", F_OK) < 0);
  add_dir(&b, "absolute", 0777); /* replaces the symlink, leaves its target alone */
  EXPECT_NUMBER(unpack(), 0);
  struct stat st;
  EXPECT(stat(outside, &st) == 0 && (st.st_mode & 0777) == 0700);
  snprintf(target, sizeof target, "%s/secret", outside);
  EXPECT(access(target, F_OK) == 0);
  snprintf(target, sizeof target, "%s/stolen", outside);
  EXPECT(access(target, F_OK) < 0);
}

/* A tree put in the place of a symlink, while its old parent is remembered. */
static void a_replaced_parent_is_seen(void) {
  add_dir(&b, "old/sub", 0755);
  add_symlink(&b, "way", "old");
  add_file(&b, "way/sub/one", 0644, "1");
  add_remove(&b, "way");
  add_file(&b, "way/sub/two", 0644, "2");
  add_remove(&b, "way");
  add_file(&b, "way/sub/three", 0644, "3");
  EXPECT_NUMBER(unpack(), 0);
  expect_content("old/sub/one", "1");
  EXPECT(access(in_root("old/sub/two"), F_OK) < 0 && access(in_root("way/sub/two"), F_OK) < 0);
  expect_content("way/sub/three", "3");
}

static void bad_streams_are_refused(void) {
  add_dir(&b, "ok", 0755);
  add_file(&b, "a/..", 0644, "");
  expect_failure(EINVAL, 1, "path ends in ..: a/..");
  add_file(&b, "", 0644, "");
  expect_failure(EINVAL, 0, "only a folder can be the root");
  begin_file_of(&b, "short", 0644, 0, 10);
  add_data(&b, "five5");
  add_end(&b);
  expect_failure(EPROTO, 2, "less data than announced: short");
  begin_file_of(&b, "long", 0644, 0, 4);
  add_data(&b, "five5");
  expect_failure(EFBIG, 1, "more data than announced: long");
  begin_file_of(&b, "open", 0644, 0, 4);
  expect_failure(EPROTO, 1, "the stream ends inside a file: open");
  begin_file_of(&b, "nested", 0644, 0, 4);
  add_dir(&b, "no", 0755);
  expect_failure(EPROTO, 1, "a record inside a file: nested");
  add_data(&b, "loose");
  expect_failure(EPROTO, 0, "an unknown record");
  add_xattr(&b, 0, "user.x", "", 0);
  add_remove(&b, "ok");
  expect_failure(EPROTO, 1, "extended attributes before a record that takes none");
  add_node(&b, "folder-node", S_IFDIR | 0755, 0, 0);
  expect_failure(EINVAL, 0, "not a node: folder-node");
  add_remove(&b, "/");
  expect_failure(EBUSY, 0, "remove the root: /");
  add_file(&b, "ok/file", 0644, "x");
  add_file(&b, "ok/file/below", 0644, "x");
  expect_failure(ENOTDIR, 3, "open parent folder: ok/file/below");
  add_xattr(&b, 0, "nonsense", "v", 1);
  add_dir(&b, "ok", 0755);
  expect_failure(EOPNOTSUPP, 1, "nonsense: ok");
  add_xattr(&b, 1, "nonsense", "v", 1);
  add_dir(&b, "ok", 0755);
  EXPECT_NUMBER(unpack(), 0);
  add_dir(&b, "ok", 0755);
  b.w.at -= 3;
  expect_failure(EPROTO, 0, "the stream ends inside a record");
  record(&b, UNPACK_DATA, 0);
  memset(b.record, 0xff, 4);
  expect_failure(EMSGSIZE, 0, "a record is too long");
}

static void what_is_there_is_kept_if_asked_for(void) {
  uint8_t value[8];
  add_dir(&b, "kept", 0700);
  uint8_t *start = b.w.at;
  add_xattr(&b, 0, "trusted.overlay.opaque", "y", 1);
  start = b.w.at;
  add_dir(&b, "kept", 0755);
  flag_record(start, UNPACK_DIR_KEEP);
  start = b.w.at;
  add_dir(&b, "made", 0711);
  flag_record(start, UNPACK_DIR_KEEP);
  add_file(&b, "file", 0644, "kept");
  for (int i = 0; i < 2; i++) {
    start = b.w.at;
    add_node(&b, i ? "hidden" : "file", S_IFCHR, 0, 0);
    flag_record(start, UNPACK_NODE_UNLESS_THERE);
  }
  EXPECT_NUMBER(unpack(), 0);
  EXPECT_NUMBER(stat_of("kept").st_mode & 07777, 0700);
  EXPECT_NUMBER(stat_of("made").st_mode & 07777, 0711);
  EXPECT_NUMBER(stat_of("kept").st_mtim.tv_sec, TEST_TIME);
  EXPECT(getxattr(in_root("kept"), "trusted.overlay.opaque", value, sizeof value) == 1 && value[0] == 'y');
  expect_content("file", "kept");
  EXPECT(S_ISCHR(stat_of("hidden").st_mode) && stat_of("hidden").st_rdev == 0);
  start = b.w.at;
  add_dir(&b, "file", 0755);
  flag_record(start, UNPACK_DIR_KEEP);
  expect_failure(ENOTDIR, 0, "open folder: file");
}

static void links_to_nothing_are_left_out_if_asked_for(void) {
  add_file(&b, "real", 0644, "x");
  for (int i = 0; i < 3; i++) {
    uint8_t *start = b.w.at;
    add_link(&b, "left-out/link", i == 0 ? "real" : i == 1 ? "nowhere" : "no/folder/here");
    flag_record(start, UNPACK_LINK_LEAVE_OUT);
  }
  EXPECT_NUMBER(unpack(), 0);
  EXPECT_NUMBER(left_out, 4);
  expect_content("left-out/link", "x");
  add_link(&b, "left-out/again", "nowhere");
  expect_failure(ENOENT, 0, "link to: nowhere");
}

/* The mode itself, chrooted, with its report. */
static void the_mode_reports(void) {
  int input[2], output[2];
  uint8_t report[256];
  add_symlink(&b, "abs", "/sub");
  add_dir(&b, "sub", 0755);
  add_file(&b, "abs/through", 0644, "yes");
  add_file(&b, "x/..", 0644, "");
  EXPECT(pipe(input) == 0 && pipe(output) == 0 && write_all(input[1], b.bytes, (size_t)(b.w.at - b.bytes)) == 0);
  close(input[1]);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(input[0], 0);
    dup2(output[1], 1);
    _exit(unpack_main(3, (char *[]){"skiff-helper", "unpack", root, NULL}));
  }
  close(output[1]);
  ssize_t n = read(output[0], report, sizeof report);
  struct reader r = {.at = report, .end = report + n};
  EXPECT_NUMBER(read_u32(&r), EINVAL);
  EXPECT_NUMBER(read_u32(&r), 5);
  EXPECT_TEXT(read_string(&r), "path ends in ..: x/..");
  expect_content("sub/through", "yes");
  stream_begin(&b);
}

static void kinds_stay_if_asked_for(void) {
  add_dir(&b, "kind", 0755);
  add_file(&b, "kind/file", 0644, "old");
  add_dir(&b, "kind/dir", 0755);
  uint8_t *start = b.w.at;
  add_file(&b, "kind/file", 0644, "new");
  flag_record(start, UNPACK_SAME_KIND);
  start = b.w.at;
  add_dir(&b, "kind/dir", 0700);
  flag_record(start, UNPACK_SAME_KIND);
  EXPECT_NUMBER(unpack(), 0);
  expect_content("kind/file", "new");
  EXPECT_NUMBER(stat_of("kind/dir").st_mode, S_IFDIR | 0700);
  start = b.w.at;
  add_symlink(&b, "kind/dir", "file");
  flag_record(start, UNPACK_SAME_KIND);
  EXPECT_NUMBER(unpack(), EISDIR);
  start = b.w.at;
  add_dir(&b, "kind/file", 0755);
  flag_record(start, UNPACK_SAME_KIND);
  EXPECT_NUMBER(unpack(), ENOTDIR);
  expect_content("kind/file", "new");
}

int main(void) {
  if (geteuid() != 0) {
    printf("skip: unpack needs root\n");
    return 0;
  }
  make_roots();
  everything_is_made_with_its_attributes();
  what_stands_there_is_replaced();
  removal_is_deep_and_forgiving();
  a_link_to_itself_survives();
  paths_stay_inside();
  a_replaced_parent_is_seen();
  bad_streams_are_refused();
  what_is_there_is_kept_if_asked_for();
  kinds_stay_if_asked_for();
  links_to_nothing_are_left_out_if_asked_for();
  the_mode_reports();
  remove_roots();
  printf("ok: unpack\n");
  return 0;
}
