/* Reads the records of an unpack stream and makes files, folders, links and nodes of them. */
#include "unpack.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "frame.h"
#include "protocol.h"

#define INPUT_SIZE (2u << 20) /* at least twice the largest record */
#define RECORD_MAX (1u << 20)
#define RECORD_HEAD 8
#define OPTIONAL_XATTR 1u

/* A folder whose time is set at the end, because what is put into it changes it. */
struct folder_time {
  char *path;
  struct timespec mtime;
};

/* The file that is being written. */
struct open_file {
  int fd; /* -1: none */
  char *path;
  struct attributes attributes;
  uint64_t size, written;
  int ends_in_hole;
};

struct unpacker {
  int in;
  uint8_t *input; /* INPUT_SIZE bytes */
  size_t start, end;
  struct tree tree;
  struct open_file file;
  struct folder_time *folders;
  size_t folder_count, folder_capacity;
  uint8_t *xattrs; /* of the next entry: payloads of XATTR records, each behind u32 length, u32 flags */
  size_t xattrs_used;
};

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

static int check_payload(const struct reader *r, struct err *e) {
  return r->failed || r->at != r->end ? err_set(e, EPROTO, "a malformed record", NULL) : 0;
}

static struct timespec read_time(struct reader *r) {
  int64_t seconds = (int64_t)read_u64(r);
  return (struct timespec){.tv_sec = seconds, .tv_nsec = read_u32(r)};
}

static struct attributes read_attributes(struct reader *r) {
  struct attributes a = {.mode = read_u32(r)};
  a.uid = read_u32(r);
  a.gid = read_u32(r);
  return a;
}

/* ---- attributes ---- */

/* Puts the waiting extended attributes on an open file, or on name in the current folder when fd is -1. */
static int apply_xattrs(struct unpacker *u, int fd, const char *name, const char *path, struct err *e) {
  struct reader r = {.at = u->xattrs, .end = u->xattrs + u->xattrs_used};
  while (r.at < r.end) {
    uint32_t length = read_u32(&r), flags = read_u32(&r);
    struct reader payload = {.at = r.at, .end = r.at + length};
    const char *key = read_string(&payload);
    struct bytes value = read_data(&payload);
    r.at += length;
    int failed =
        fd >= 0 ? fsetxattr(fd, key, value.data, value.length, 0) : lsetxattr(name, key, value.data, value.length, 0);
    int tolerable = (flags & OPTIONAL_XATTR) && (errno == ENOTSUP || errno == EPERM);
    if (failed < 0 && !tolerable) return err_errno(e, key, path);
  }
  u->xattrs_used = 0;
  return 0;
}

/* Owner before mode (chown clears setuid), both before xattrs (it clears security.capability too). */
static int apply_to_open(struct unpacker *u, int fd, const struct attributes *a, const char *path, struct err *e) {
  if (fchown(fd, a->uid, a->gid) < 0) return err_errno(e, "chown", path);
  if (fchmod(fd, a->mode & 07777) < 0) return err_errno(e, "chmod", path);
  return apply_xattrs(u, fd, NULL, path, e);
}

/* For what cannot be opened: symlinks and nodes. */
static int apply_to_name(struct unpacker *u, const struct place *p, const struct attributes *a, const char *path,
                         struct err *e) {
  const struct timespec times[2] = {a->mtime, a->mtime};
  if (fchownat(p->parent, p->name, a->uid, a->gid, AT_SYMLINK_NOFOLLOW) < 0) return err_errno(e, "chown", path);
  if (!S_ISLNK(a->mode) && fchmodat(p->parent, p->name, a->mode & 07777, 0) < 0) return err_errno(e, "chmod", path);
  if (u->xattrs_used > 0) {
    if (fchdir(p->parent) < 0) return err_errno(e, "chdir to the parent", path);
    int failed = apply_xattrs(u, -1, p->name, path, e);
    if (fchdir(u->tree.root) < 0 && !failed) return err_errno(e, "chdir to the root", path);
    if (failed) return -1;
  }
  if (utimensat(p->parent, p->name, times, AT_SYMLINK_NOFOLLOW) < 0) return err_errno(e, "set times", path);
  return 0;
}

static int remember_folder(struct unpacker *u, const char *path, struct timespec mtime, struct err *e) {
  if (u->folder_count == u->folder_capacity) {
    size_t capacity = u->folder_capacity ? 2 * u->folder_capacity : 256;
    void *grown = reallocarray(u->folders, capacity, sizeof *u->folders);
    if (!grown) return err_errno(e, "remember a folder", path);
    u->folders = grown;
    u->folder_capacity = capacity;
  }
  char *copy = strdup(path);
  if (!copy) return err_errno(e, "remember a folder", path);
  u->folders[u->folder_count++] = (struct folder_time){.path = copy, .mtime = mtime};
  return 0;
}

static int open_folder(const struct place *p) {
  return openat(p->parent, *p->name ? p->name : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The times of all folders, which may have been replaced in the meantime. */
static int set_folder_times(struct unpacker *u, struct err *e) {
  for (size_t i = 0; i < u->folder_count; i++) {
    struct place place;
    const struct folder_time *f = &u->folders[i];
    const struct timespec times[2] = {f->mtime, f->mtime};
    int placed = tree_place(&u->tree, f->path, 0, &place, e);
    cleanup_close int fd = placed < 0 ? -1 : open_folder(&place);
    int error = placed < 0 ? e->number : errno;
    if (fd < 0 && (error == ENOENT || error == ENOTDIR || error == ELOOP)) continue;
    if (fd < 0 || futimens(fd, times) < 0) return err_errno(e, "set times", f->path);
  }
  return 0;
}

/* ---- entries ---- */

static int place_entry(struct unpacker *u, const char *path, struct place *place, struct err *e) {
  if (tree_place(&u->tree, path, 1, place, e) < 0) return -1;
  return *place->name ? 0 : err_set(e, EINVAL, "only a folder can be the root", path);
}

static int make_folder(struct unpacker *u, struct reader *r, struct err *e) {
  struct place place;
  const char *path = read_string(r);
  struct attributes a = read_attributes(r);
  a.mtime = read_time(r);
  if (check_payload(r, e) < 0 || tree_place(&u->tree, path, 1, &place, e) < 0) return -1;
  int made = *place.name ? mkdirat(place.parent, place.name, 0700) : 0;
  if (made < 0 && errno != EEXIST) return err_errno(e, "make folder", path);
  int fd = open_folder(&place);
  if (fd < 0 && (errno == ENOTDIR || errno == ELOOP)) { /* something else has this name */
    if (tree_remove(&u->tree, &place, path, e) < 0) return -1;
    if (mkdirat(place.parent, place.name, 0700) < 0) return err_errno(e, "make folder", path);
    fd = open_folder(&place);
  }
  cleanup_close int opened = fd;
  if (opened < 0) return err_errno(e, "open folder", path);
  if (apply_to_open(u, opened, &a, path, e) < 0) return -1;
  return remember_folder(u, path, a.mtime, e);
}

/* What may be made at a place where something may stand already. Gives 0 or -1 with errno. */
struct creation {
  uint16_t kind;
  uint32_t mode;
  dev_t device;
  const char *target;
  const struct place *existing;
  int fd; /* result of FILE */
};

static int create_once(struct creation *c, const struct place *p) {
  switch (c->kind) {
    case UNPACK_FILE:
      c->fd = openat(p->parent, p->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
      return c->fd < 0 ? -1 : 0;
    case UNPACK_SYMLINK:
      return symlinkat(c->target, p->parent, p->name);
    case UNPACK_LINK:
      return linkat(c->existing->parent, c->existing->name, p->parent, p->name, 0);
    default:
      return mknodat(p->parent, p->name, c->mode, c->device);
  }
}

static int create(struct unpacker *u, struct creation *c, const struct place *p, const char *path, struct err *e) {
  if (create_once(c, p) == 0) return 0;
  if (errno != EEXIST) return err_errno(e, "make", path);
  if (tree_remove(&u->tree, p, path, e) < 0) return -1;
  return create_once(c, p) < 0 ? err_errno(e, "make", path) : 0;
}

static int begin_file(struct unpacker *u, struct reader *r, struct err *e) {
  struct place place;
  struct creation c = {.kind = UNPACK_FILE, .fd = -1};
  const char *path = read_string(r);
  struct attributes a = read_attributes(r);
  a.mtime = read_time(r);
  uint64_t size = read_u64(r);
  if (check_payload(r, e) < 0 || place_entry(u, path, &place, e) < 0) return -1;
  if (create(u, &c, &place, path, e) < 0) return -1;
  u->file = (struct open_file){.fd = c.fd, .path = strdup(path), .attributes = a, .size = size};
  return u->file.path ? 0 : err_errno(e, "make", path);
}

static int write_data(struct unpacker *u, const struct reader *data, struct err *e) {
  struct open_file *f = &u->file;
  size_t length = (size_t)(data->end - data->at);
  if (length > f->size - f->written) return err_set(e, EFBIG, "more data than announced", f->path);
  if (write_all(f->fd, data->at, length) < 0) return err_errno(e, "write", f->path);
  f->written += length;
  if (length > 0) f->ends_in_hole = 0;
  return 0;
}

static int skip_hole(struct unpacker *u, struct reader *r, struct err *e) {
  struct open_file *f = &u->file;
  uint64_t length = read_u64(r);
  if (check_payload(r, e) < 0) return -1;
  if (length > f->size - f->written) return err_set(e, EFBIG, "more data than announced", f->path);
  if (lseek(f->fd, (off_t)length, SEEK_CUR) < 0) return err_errno(e, "seek", f->path);
  f->written += length;
  if (length > 0) f->ends_in_hole = 1;
  return 0;
}

static void forget_file(struct unpacker *u) {
  close_fd(&u->file.fd);
  free(u->file.path);
  u->file = (struct open_file){.fd = -1};
}

static int end_file(struct unpacker *u, struct reader *r, struct err *e) {
  struct open_file *f = &u->file;
  const struct timespec times[2] = {f->attributes.mtime, f->attributes.mtime};
  if (check_payload(r, e) < 0) return -1;
  if (f->written != f->size) return err_set(e, EPROTO, "less data than announced", f->path);
  if (f->ends_in_hole && ftruncate(f->fd, (off_t)f->size) < 0) return err_errno(e, "set size", f->path);
  if (apply_to_open(u, f->fd, &f->attributes, f->path, e) < 0) return -1;
  if (futimens(f->fd, times) < 0) return err_errno(e, "set times", f->path);
  forget_file(u);
  return 0;
}

static int make_symlink(struct unpacker *u, struct reader *r, struct err *e) {
  struct place place;
  const char *path = read_string(r);
  struct creation c = {.kind = UNPACK_SYMLINK, .target = read_string(r)};
  struct attributes a = {.mode = S_IFLNK, .uid = read_u32(r)};
  a.gid = read_u32(r);
  a.mtime = read_time(r);
  if (check_payload(r, e) < 0 || place_entry(u, path, &place, e) < 0) return -1;
  if (create(u, &c, &place, path, e) < 0) return -1;
  return apply_to_name(u, &place, &a, path, e);
}

static int make_node(struct unpacker *u, struct reader *r, struct err *e) {
  struct place place;
  const char *path = read_string(r);
  struct attributes a = read_attributes(r);
  uint32_t major_number = read_u32(r), minor_number = read_u32(r);
  a.mtime = read_time(r);
  struct creation c = {.kind = UNPACK_NODE, .mode = a.mode, .device = makedev(major_number, minor_number)};
  if (check_payload(r, e) < 0 || place_entry(u, path, &place, e) < 0) return -1;
  if (S_ISREG(a.mode) || S_ISDIR(a.mode) || S_ISLNK(a.mode) || !(a.mode & S_IFMT))
    return err_set(e, EINVAL, "not a node", path);
  if (create(u, &c, &place, path, e) < 0) return -1;
  return apply_to_name(u, &place, &a, path, e);
}

static int make_link(struct unpacker *u, struct reader *r, struct err *e) {
  struct place place, existing;
  struct stat old, new;
  const char *path = read_string(r), *target = read_string(r);
  if (check_payload(r, e) < 0 || tree_place(&u->tree, target, 0, &existing, e) < 0) return -1;
  /* The tree keeps one parent only. */
  cleanup_close int kept = fcntl(existing.parent, F_DUPFD_CLOEXEC, 0);
  if (kept < 0) return err_errno(e, "link to", target);
  existing.parent = kept;
  struct creation c = {.kind = UNPACK_LINK, .existing = &existing};
  if (place_entry(u, path, &place, e) < 0) return -1;
  if (fstatat(kept, existing.name, &old, AT_SYMLINK_NOFOLLOW) < 0) return err_errno(e, "link to", target);
  if (fstatat(place.parent, place.name, &new, AT_SYMLINK_NOFOLLOW) == 0 && old.st_dev == new.st_dev &&
      old.st_ino == new.st_ino)
    return 0; /* replacing it would remove the only copy */
  return create(u, &c, &place, path, e);
}

static int remove_entry(struct unpacker *u, struct reader *r, struct err *e) {
  struct place place;
  const char *path = read_string(r);
  if (check_payload(r, e) < 0) return -1;
  if (tree_place(&u->tree, path, 0, &place, e) < 0) return e->number == ENOENT || e->number == ENOTDIR ? 0 : -1;
  return tree_remove(&u->tree, &place, path, e);
}

static int keep_xattr(struct unpacker *u, uint16_t flags, struct reader *r, struct err *e) {
  const uint8_t *payload = r->at;
  size_t length = (size_t)(r->end - payload);
  read_string(r);
  read_data(r);
  if (check_payload(r, e) < 0) return -1;
  if (length + 8 > XATTRS_MAX - u->xattrs_used) return err_set(e, E2BIG, "too many extended attributes", NULL);
  struct writer w = {.at = u->xattrs + u->xattrs_used, .end = u->xattrs + XATTRS_MAX};
  put_u32(&w, (uint32_t)length);
  put_u32(&w, flags);
  memcpy(w.at, payload, length);
  u->xattrs_used += length + 8;
  return 0;
}

/* ---- the stream ---- */

static int perform_in_file(struct unpacker *u, uint16_t kind, struct reader *r, struct err *e) {
  if (kind == UNPACK_DATA) return write_data(u, r, e);
  if (kind == UNPACK_HOLE) return skip_hole(u, r, e);
  if (kind == UNPACK_END) return end_file(u, r, e);
  return err_set(e, EPROTO, "a record inside a file", u->file.path);
}

static int perform(struct unpacker *u, uint16_t kind, uint16_t flags, struct reader *r, struct err *e) {
  if (u->file.fd >= 0) return perform_in_file(u, kind, r, e);
  if (u->xattrs_used > 0 && (kind == UNPACK_LINK || kind == UNPACK_REMOVE))
    return err_set(e, EPROTO, "extended attributes before a record that takes none", NULL);
  switch (kind) {
    case UNPACK_DIR:
      return make_folder(u, r, e);
    case UNPACK_FILE:
      return begin_file(u, r, e);
    case UNPACK_SYMLINK:
      return make_symlink(u, r, e);
    case UNPACK_LINK:
      return make_link(u, r, e);
    case UNPACK_NODE:
      return make_node(u, r, e);
    case UNPACK_XATTR:
      return keep_xattr(u, flags, r, e);
    case UNPACK_REMOVE:
      return remove_entry(u, r, e);
    default:
      return err_set(e, EPROTO, "an unknown record", NULL);
  }
}

static int perform_all(struct unpacker *u, uint32_t *index, struct err *e) {
  uint16_t kind = 0, flags = 0;
  struct reader payload;
  for (*index = 0;; ++*index) {
    int more = next_record(u, &kind, &flags, &payload, e);
    if (more < 0) return -1;
    if (more == 0) break;
    if (perform(u, kind, flags, &payload, e) < 0) return -1;
  }
  if (u->file.fd >= 0) return err_set(e, EPROTO, "the stream ends inside a file", u->file.path);
  if (u->xattrs_used > 0) return err_set(e, EPROTO, "the stream ends after extended attributes", NULL);
  return set_folder_times(u, e);
}

int unpack_stream(int in, const char *root, uint32_t *index, struct err *e) {
  struct unpacker u = {.in = in, .file = {.fd = -1}};
  size_t space = INPUT_SIZE + XATTRS_MAX;
  *index = 0;
  u.input = mmap(NULL, space, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (u.input == MAP_FAILED) return err_errno(e, "map a buffer", NULL);
  u.xattrs = u.input + INPUT_SIZE;
  int failed = tree_open(&u.tree, root, e) < 0 || perform_all(&u, index, e) < 0;
  forget_file(&u);
  tree_close(&u.tree);
  for (size_t i = 0; i < u.folder_count; i++) free(u.folders[i].path);
  free(u.folders);
  munmap(u.input, space);
  return failed ? -1 : 0;
}

static int enter(const char *root, struct err *e) {
  if (chdir(root) < 0 || chroot(".") < 0) return err_errno(e, "chroot", root);
  return 0;
}

int unpack_main(int argc, char **argv) {
  struct err e = {0};
  uint32_t index = 0;
  uint8_t report[ERR_DETAIL + 16];
  if (argc != 3) return 2;
  umask(0);
  int failed = enter(argv[2], &e) < 0 || unpack_stream(0, "/", &index, &e) < 0;
  struct writer w = {.at = report, .end = report + sizeof report};
  put_u32(&w, failed ? (uint32_t)e.number : 0);
  put_u32(&w, index);
  put_string(&w, failed ? e.detail : "");
  return write_all(1, report, (size_t)(w.at - report)) < 0 || failed;
}
