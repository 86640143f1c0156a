/* Reads the records of an unpack stream and has them performed. */
#include "unpack.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "frame.h"
#include "ops.h"
#include "protocol.h"

#define INPUT_SIZE (2u << 20) /* at least twice the largest record */
#define RECORD_MAX (1u << 20)
#define RECORD_HEAD 8

/* ---- input ---- */

/* Has n bytes in one piece at input + start, unless the input ends before: then fewer. Gives what is there, -1 on
 * error. */
static ssize_t fill(struct unpacker *u, size_t n, struct err *e) {
  while (u->end - u->start < n) {
    if (u->start > 0) {
      memmove(u->input, u->input + u->start, u->end - u->start);
      u->end -= u->start;
      u->start = 0;
    }
    ssize_t got = read(u->in, u->input + u->end, INPUT_SIZE - u->end);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return err_errno(e, "read the stream", NULL);
    if (got == 0) break;
    u->end += (size_t)got;
  }
  return (ssize_t)(u->end - u->start);
}

/* The next record: 1, 0 at the end of input. The payload stays until the next call. */
static int next_record(struct unpacker *u, uint16_t *kind, uint16_t *flags, struct reader *payload, struct err *e) {
  ssize_t have = fill(u, RECORD_HEAD, e);
  if (have <= 0) return (int)have;
  if (have < RECORD_HEAD) return err_set(e, EPROTO, "the stream ends inside a record", NULL);
  struct reader head = {.at = u->input + u->start, .end = u->input + u->start + RECORD_HEAD};
  *kind = read_u16(&head);
  *flags = read_u16(&head);
  uint32_t length = read_u32(&head);
  if (length > RECORD_MAX) return err_set(e, EMSGSIZE, "a record is too long", NULL);
  have = fill(u, RECORD_HEAD + length, e);
  if (have < 0) return -1;
  if ((size_t)have < RECORD_HEAD + length) return err_set(e, EPROTO, "the stream ends inside a record", NULL);
  payload->at = u->input + u->start + RECORD_HEAD;
  payload->end = payload->at + length;
  payload->failed = 0;
  u->start += RECORD_HEAD + length;
  return 1;
}

int check_payload(const struct reader *r, struct err *e) {
  return r->failed || r->at != r->end ? err_set(e, EPROTO, "a malformed record", NULL) : 0;
}

struct timespec read_time(struct reader *r) {
  int64_t seconds = (int64_t)read_u64(r);
  return (struct timespec){.tv_sec = seconds, .tv_nsec = read_u32(r)};
}

struct attributes read_attributes(struct reader *r) {
  struct attributes a = {.mode = read_u32(r)};
  a.uid = read_u32(r);
  a.gid = read_u32(r);
  return a;
}

/* ---- the stream ---- */

static int sync_all(struct unpacker *u, const struct reader *r, struct err *e) {
  if (check_payload(r, e) < 0) return -1;
  cleanup_close int root = openat(u->tree.root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return root < 0 || syncfs(root) < 0 ? err_errno(e, "sync the file system", NULL) : 0;
}

static int perform_in_file(struct unpacker *u, uint16_t kind, struct reader *r, struct err *e) {
  if (kind == UNPACK_DATA) return write_data(u, r, e);
  if (kind == UNPACK_COPY) return copy_range(u, r, e);
  if (kind == UNPACK_CLONE) return clone_file(u, r, e);
  if (kind == UNPACK_HOLE) return skip_hole(u, r, e);
  if (kind == UNPACK_END) return end_file(u, r, e);
  return err_set(e, EPROTO, "a record inside a file", u->file.path);
}

static int perform(struct unpacker *u, uint16_t kind, uint16_t flags, struct reader *r, struct err *e) {
  if (u->file.fd >= 0) return perform_in_file(u, kind, r, e);
  u->same_kind = (flags & UNPACK_SAME_KIND) != 0;
  if (u->xattrs_used > 0 && (kind == UNPACK_LINK || kind == UNPACK_REMOVE || kind == UNPACK_SYNC))
    return err_set(e, EPROTO, "extended attributes before a record that takes none", NULL);
  switch (kind) {
    case UNPACK_DIR:
      return make_dir(u, flags, r, e);
    case UNPACK_FILE:
      return begin_file(u, r, e);
    case UNPACK_SYMLINK:
      return make_symlink(u, r, e);
    case UNPACK_LINK:
      return make_link(u, flags, r, e);
    case UNPACK_NODE:
      return make_node(u, flags, r, e);
    case UNPACK_XATTR:
      return keep_xattr(u, flags, r, e);
    case UNPACK_REMOVE:
      return remove_entry(u, r, e);
    case UNPACK_SYNC:
      return sync_all(u, r, e);
    default:
      return err_set(e, EPROTO, "an unknown record", NULL);
  }
}

static int perform_all(struct unpacker *u, struct err *e) {
  uint16_t kind = 0, flags = 0;
  struct reader payload;
  for (u->index = 0;; u->index++) {
    int more = next_record(u, &kind, &flags, &payload, e);
    if (more < 0) return -1;
    if (more == 0) break;
    /* The times of folders have to be on the disk too. */
    if (kind == UNPACK_SYNC && u->file.fd < 0 && set_folder_times(u, e) < 0) return -1;
    if (perform(u, kind, flags, &payload, e) < 0) return -1;
  }
  if (u->file.fd >= 0) return err_set(e, EPROTO, "the stream ends inside a file", u->file.path);
  if (u->xattrs_used > 0) return err_set(e, EPROTO, "the stream ends after extended attributes", NULL);
  return set_folder_times(u, e);
}

int unpack_open(struct unpacker *u, int in, int source, const char *root, struct err *e) {
  *u = (struct unpacker){.in = in, .source = source, .can_copy = 1, .can_clone = 1, .file = {.fd = -1}, .tree = {.root = -1, .parent = -1}};
  u->input = mmap(NULL, INPUT_SIZE + XATTRS_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (u->input == MAP_FAILED) return err_errno(e, "map a buffer", NULL);
  u->xattrs = u->input + INPUT_SIZE;
  return tree_open(&u->tree, root, e);
}

int unpack_stream(struct unpacker *u, struct err *e) {
  return perform_all(u, e);
}

void unpack_close(struct unpacker *u) {
  forget_file(u);
  tree_close(&u->tree);
  forget_folders(u);
  free(u->folders);
  free(u->left_out);
  if (u->input != MAP_FAILED) munmap(u->input, INPUT_SIZE + XATTRS_MAX);
}

/* Makes root our own, or the overlay of these options, writable, which is attached nowhere. */
static int enter(const char *root, int count, char **options, struct err *e) {
  uint8_t list[128 << 10];
  struct writer w = {.at = list, .end = list + sizeof list};
  cleanup_close int overlay = -1;
  if (count > 0) {
    for (int i = 0; i < count; i++) put_string(&w, options[i]);
    if (w.failed) return err_set(e, E2BIG, "options", NULL);
    struct reader all = {.at = list, .end = w.at};
    overlay = mount_apart("overlay", &all, (uint32_t)count, root, 0, e);
    if (overlay < 0) return -1;
  }
  int entered = overlay < 0 ? chdir(root) : fchdir(overlay);
  if (entered < 0 || chroot(".") < 0) return err_errno(e, "chroot", root);
  return 0;
}

int unpack_report(int out, const struct unpacker *u, const struct err *failure) {
  uint8_t head[ERR_DETAIL + 32], numbers[4096];
  struct writer w = {.at = head, .end = head + sizeof head};
  put_u32(&w, failure ? (uint32_t)failure->number : 0);
  put_u32(&w, u->index);
  put_string(&w, failure ? failure->detail : "");
  put_u32(&w, (uint32_t)u->left_out_count);
  if (write_all(out, head, (size_t)(w.at - head)) < 0) return -1;
  for (size_t i = 0; i < u->left_out_count;) {
    w = (struct writer){.at = numbers, .end = numbers + sizeof numbers};
    while (i < u->left_out_count && w.end - w.at >= 4) put_u32(&w, u->left_out[i++]);
    if (write_all(out, numbers, (size_t)(w.at - numbers)) < 0) return -1;
  }
  return 0;
}

int unpack_main(int argc, char **argv) {
  struct err e = {0};
  struct unpacker u = {.input = MAP_FAILED, .file = {.fd = -1}, .tree = {.root = -1, .parent = -1}};
  if (argc < 3) return 2;
  umask(0);
  int failed = enter(argv[2], argc - 3, argv + 3, &e) < 0 || unpack_open(&u, 0, 3, "/", &e) < 0 || unpack_stream(&u, &e) < 0;
  int unsaid = unpack_report(1, &u, failed ? &e : NULL) < 0;
  unpack_close(&u);
  return unsaid || failed;
}
