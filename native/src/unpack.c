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
    int tolerable = (flags & UNPACK_XATTR_OPTIONAL) && (errno == ENOTSUP || errno == EPERM);
    if (failed < 0 && !tolerable) return err_errno(e, key, path);
  }
  u->xattrs_used = 0;
  return 0;
}

int apply_to_open(struct unpacker *u, int fd, const struct attributes *a, const char *path, struct err *e) {
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

static void forget_folders(struct unpacker *u) {
  for (size_t i = 0; i < u->folder_count; i++) free(u->folders[i].path);
  u->folder_count = 0;
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
  forget_folders(u);
  return 0;
}

/* ---- entries ---- */

int place_entry(struct unpacker *u, const char *path, struct place *place, struct err *e) {
  if (tree_place(&u->tree, path, 1, place, e) < 0) return -1;
  return *place->name ? 0 : err_set(e, EINVAL, "only a folder can be the root", path);
}

static int make_folder(struct unpacker *u, uint16_t flags, struct reader *r, struct err *e) {
  struct place place;
  const char *path = read_string(r);
  struct attributes a = read_attributes(r);
  a.mtime = read_time(r);
  if (check_payload(r, e) < 0 || tree_place(&u->tree, path, 1, &place, e) < 0) return -1;
  int made = *place.name ? mkdirat(place.parent, place.name, 0700) : 0;
  if (made < 0 && errno != EEXIST) return err_errno(e, "make folder", path);
  int keep = made < 0 && (flags & UNPACK_DIR_KEEP);
  int fd = open_folder(&place);
  if (fd < 0 && u->same_kind && (errno == ENOTDIR || errno == ELOOP))
    return err_set(e, ENOTDIR, "a file is there already", path);
  if (fd < 0 && !keep && (errno == ENOTDIR || errno == ELOOP)) { /* something else has this name */
    if (tree_remove(&u->tree, &place, path, e) < 0) return -1;
    if (mkdirat(place.parent, place.name, 0700) < 0) return err_errno(e, "make folder", path);
    fd = open_folder(&place);
  }
  cleanup_close int opened = fd;
  if (opened < 0) return err_errno(e, "open folder", path);
  if (keep) return apply_xattrs(u, opened, NULL, path, e);
  if (apply_to_open(u, opened, &a, path, e) < 0) return -1;
  return remember_folder(u, path, a.mtime, e);
}

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

int create(struct unpacker *u, struct creation *c, const struct place *p, const char *path, struct err *e) {
  if (create_once(c, p) == 0) return 0;
  if (errno != EEXIST) return err_errno(e, "make", path);
  struct stat there;
  if (u->same_kind && fstatat(p->parent, p->name, &there, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(there.st_mode))
    return err_set(e, EISDIR, "a folder is there already", path);
  if (tree_remove(&u->tree, p, path, e) < 0) return -1;
  return create_once(c, p) < 0 ? err_errno(e, "make", path) : 0;
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

static int make_node(struct unpacker *u, uint16_t flags, struct reader *r, struct err *e) {
  struct place place;
  const char *path = read_string(r);
  struct attributes a = read_attributes(r);
  uint32_t major_number = read_u32(r), minor_number = read_u32(r);
  a.mtime = read_time(r);
  struct creation c = {.kind = UNPACK_NODE, .mode = a.mode, .device = makedev(major_number, minor_number)};
  if (check_payload(r, e) < 0 || place_entry(u, path, &place, e) < 0) return -1;
  if (S_ISREG(a.mode) || S_ISDIR(a.mode) || S_ISLNK(a.mode) || !(a.mode & S_IFMT))
    return err_set(e, EINVAL, "not a node", path);
  struct stat there;
  if ((flags & UNPACK_NODE_UNLESS_THERE) && fstatat(place.parent, place.name, &there, AT_SYMLINK_NOFOLLOW) == 0) {
    u->xattrs_used = 0;
    return 0;
  }
  if (create(u, &c, &place, path, e) < 0) return -1;
  return apply_to_name(u, &place, &a, path, e);
}

static int leave_out(struct unpacker *u, struct err *e) {
  if (u->left_out_count == u->left_out_capacity) {
    size_t capacity = u->left_out_capacity ? 2 * u->left_out_capacity : 64;
    void *grown = reallocarray(u->left_out, capacity, sizeof *u->left_out);
    if (!grown) return err_errno(e, "remember a link", NULL);
    u->left_out = grown;
    u->left_out_capacity = capacity;
  }
  u->left_out[u->left_out_count++] = u->index;
  return 0;
}

static int make_link(struct unpacker *u, uint16_t flags, struct reader *r, struct err *e) {
  struct place place, existing;
  struct stat old, new;
  const char *path = read_string(r), *target = read_string(r);
  int may_miss = flags & UNPACK_LINK_LEAVE_OUT;
  if (check_payload(r, e) < 0) return -1;
  if (tree_place(&u->tree, target, 0, &existing, e) < 0)
    return may_miss && (e->number == ENOENT || e->number == ENOTDIR) ? leave_out(u, e) : -1;
  /* The tree keeps one parent only. */
  cleanup_close int kept = fcntl(existing.parent, F_DUPFD_CLOEXEC, 0);
  if (kept < 0) return err_errno(e, "link to", target);
  existing.parent = kept;
  if (fstatat(kept, existing.name, &old, AT_SYMLINK_NOFOLLOW) < 0)
    return may_miss && errno == ENOENT ? leave_out(u, e) : err_errno(e, "link to", target);
  struct creation c = {.kind = UNPACK_LINK, .existing = &existing};
  if (place_entry(u, path, &place, e) < 0) return -1;
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
      return make_folder(u, flags, r, e);
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
