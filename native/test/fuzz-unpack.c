/* Mutated unpack streams, as root, in a tmpfs of their own: the sanitizers judge, and nothing beside the root changes.
 * Usage: fuzz-unpack [INPUTS [SEED]]; an input costs real file operations, so only one of twenty is performed. */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "check.h"
#include "mutate.h"
#include "unpack-stream.h"
#include "unpack.h"

static struct stream_builder b;
static uint8_t input[sizeof b.bytes];
static int source; /* where COPY copies from */

static size_t make_seed(unsigned which) {
  stream_begin(&b);
  add_dir(&b, "a", 0755);
  add_symlink(&b, "out", which & 1 ? "/tmp/beside" : "../../tmp/beside");
  add_symlink(&b, "a/up", "..");
  add_file(&b, "a/b/file", 04755, "some content that is long enough to be cut");
  begin_file_of(&b, "sparse", 0644, 0, 5000);
  add_hole(&b, 4996);
  add_data(&b, "tail");
  add_end(&b);
  add_link(&b, "a/hard", "a/b/file");
  begin_file_of(&b, "copied", 0644, 0, 200);
  add_copy(&b, which & 1 ? 0 : 100, 100);
  add_copy(&b, 5, 100);
  add_end(&b);
  begin_file_of(&b, "cloned", 0644, 0, 200);
  add_clone(&b, which & 1 ? "a/b" : "../a");
  add_end(&b);
  uint8_t *start = b.w.at;
  add_link(&b, "left", which & 2 ? "nowhere" : "copied");
  flag_record(start, UNPACK_LINK_LEAVE_OUT);
  start = b.w.at;
  add_node(&b, "hidden", S_IFCHR, 0, 0);
  flag_record(start, UNPACK_NODE_UNLESS_THERE);
  add_xattr(&b, (uint16_t)(which & 1), "user.name", "value", 5);
  add_file(&b, "out/a/kept", 0600, "x");
  add_node(&b, "a/fifo", S_IFIFO | 0600, 0, 0);
  add_file(&b, "a", 0644, "replaced");
  add_dir(&b, "a/up/again", 0700);
  add_remove(&b, which & 2 ? "out" : "a");
  return (size_t)(b.w.at - b.bytes);
}

/* A stream through a pipe; the writer must not block on one that is not read to its end. */
static void unpack_bytes(size_t length) {
  int ends[2];
  struct err e;
  struct unpacker u;
  EXPECT(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  EXPECT(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) > 0 && write(ends[1], input, length) == (ssize_t)length);
  close(ends[1]);
  if (unpack_open(&u, ends[0], source, "/tmp/root", &e) == 0) unpack_stream(&u, &e);
  unpack_close(&u);
  close(ends[0]);
}

static void check_beside(void) {
  char content[16];
  struct stat st;
  EXPECT(read_whole("/tmp/beside/kept", content, sizeof content) == 4 && strcmp(content, "kept") == 0);
  EXPECT(stat("/tmp/beside", &st) == 0 && (st.st_mode & 07777) == 0700 && st.st_nlink == 2);
  EXPECT(system("test \"$(ls -A /tmp/beside /tmp | tr '\\n' ' ')\" = '/tmp: beside root  /tmp/beside: kept '") == 0);
}

int main(int argc, char **argv) {
  long inputs = (argc > 1 ? atol(argv[1]) : 200000) / 20;
  struct mutator m = {.state = argc > 2 ? (uint64_t)atoll(argv[2]) : 1};
  if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
      mount("tmpfs", "/tmp", "tmpfs", MS_NODEV | MS_NOSUID, "size=64m") < 0) {
    printf("skip: fuzzing unpack needs root\n");
    return 0;
  }
  source = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  EXPECT(source >= 0);
  EXPECT(mkdir("/tmp/beside", 0700) == 0 && system("printf kept > /tmp/beside/kept") == 0);
  for (long i = 0; i < inputs; i++) {
    if (i % 50 == 0) EXPECT(system("rm -rf /tmp/root && mkdir /tmp/root") == 0);
    size_t length = make_seed((unsigned)i);
    memcpy(input, b.bytes, length);
    mutate_bytes(&m, input, &length);
    unpack_bytes(length);
    if (i % 50 == 49) check_beside();
  }
  check_beside();
  printf("ok: fuzz-unpack, %ld inputs\n", inputs);
  return 0;
}
