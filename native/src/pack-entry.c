/* What an entry of a tree is: attributes, target, extended attributes, content without its holes. */
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "pack.h"
#include "protocol.h"

#define XATTR_LIST_MAX (64u << 10) /* kernel: the longest list there is */
#define XATTRS_MAX (256u << 10)    /* as unpack takes them */
#define DATA_MAX (256u << 10)
#define SECTOR 512

/* One attribute into w; nothing where it has gone in the meantime. */
static int put_xattr(struct writer *w, const char *name, const char *key, uint32_t *count, struct err *e) {
  struct writer start = *w;
  put_string(w, key);
  struct writer length = {.at = w->at, .end = w->at + 4};
  if (w->failed || w->end - w->at < 5) return err_set(e, E2BIG, "extended attributes", key);
  size_t room = (size_t)(w->end - w->at) - 5;
  ssize_t got = lgetxattr(name, key, w->at + 4, room);
  if (got < 0 && errno == ENODATA) {
    *w = start;
    return 0;
  }
  if (got < 0) return err_errno(e, "getxattr", key);
  put_u32(&length, (uint32_t)got);
  w->at += 4 + got;
  *w->at++ = 0;
  ++*count;
  return 0;
}

static int put_xattrs(struct writer *w, const char *name, struct err *e) {
  char list[XATTR_LIST_MAX];
  uint32_t count = 0;
  struct writer number = {.at = w->at, .end = w->at + 4};
  struct writer limited = {.at = w->at + 4, .end = w->at + XATTRS_MAX};
  ssize_t length = llistxattr(name, list, sizeof list);
  if (length < 0 && errno != ENOTSUP && errno != ENOENT) return err_errno(e, "listxattr", name);
  for (const char *key = list; key < list + length; key += strlen(key) + 1)
    if (put_xattr(&limited, name, key, &count, e) < 0) return -1;
  put_u32(&number, count);
  w->at = limited.at;
  return 0;
}

static int put_entry(struct packer *p, const char *name, const struct stat *st, const char *existing, struct err *e) {
  char target[PACK_PATH_MAX] = "";
  if (S_ISLNK(st->st_mode)) {
    ssize_t length = readlink(name, target, sizeof target - 1);
    if (length < 0) return errno == ENOENT ? 0 : err_errno(e, "readlink", p->path);
    target[length] = 0;
  }
  struct writer w = pack_begin(p, existing ? PACK_LINK : PACK_ENTRY, e);
  if (w.failed) return -1;
  if (existing) put_string(&w, existing);
  put_string(&w, p->path);
  put_u32(&w, st->st_mode);
  put_u32(&w, st->st_uid);
  put_u32(&w, st->st_gid);
  put_u64(&w, (uint64_t)st->st_size);
  put_u64(&w, (uint64_t)st->st_mtim.tv_sec);
  put_u32(&w, (uint32_t)st->st_mtim.tv_nsec);
  put_u32(&w, major(st->st_rdev));
  put_u32(&w, minor(st->st_rdev));
  put_string(&w, target);
  if (put_xattrs(&w, name, e) < 0) return -1;
  pack_end(p, &w);
  return 0;
}

static int put_hole(struct packer *p, off_t length, struct err *e) {
  struct writer w = pack_begin(p, PACK_HOLE, e);
  if (w.failed) return -1;
  put_u64(&w, (uint64_t)length);
  pack_end(p, &w);
  return 0;
}

/* A file that has become shorter in the meantime ends in a hole: its length has been told already. */
static int put_data(struct packer *p, int fd, off_t from, off_t to, struct err *e) {
  while (from < to) {
    struct writer w = pack_begin(p, PACK_DATA, e);
    if (w.failed) return -1;
    size_t length = to - from < (off_t)DATA_MAX ? (size_t)(to - from) : DATA_MAX;
    ssize_t got;
    do got = pread(fd, w.at, length, from);
    while (got < 0 && errno == EINTR);
    if (got < 0) return err_errno(e, "read", p->path);
    if (got == 0) return put_hole(p, to - from, e);
    w.at += got;
    pack_end(p, &w);
    from += got;
  }
  return 0;
}

static int put_content(struct packer *p, int fd, const struct stat *st, struct err *e) {
  off_t size = st->st_size;
  int may_have_holes = st->st_blocks < size / SECTOR;
  for (off_t at = 0; at < size;) {
    off_t data = may_have_holes ? lseek(fd, at, SEEK_DATA) : at;
    if (data < 0 && errno == ENXIO) data = size; /* nothing but a hole */
    if (data < 0) data = at;                     /* a file system that does not tell */
    if (data > size) data = size;
    if (data > at && put_hole(p, data - at, e) < 0) return -1;
    off_t hole = data < size && may_have_holes ? lseek(fd, data, SEEK_HOLE) : size;
    if (hole <= data || hole > size) hole = size;
    if (put_data(p, fd, data, hole, e) < 0) return -1;
    at = hole;
  }
  struct writer w = pack_begin(p, PACK_END, e);
  if (w.failed) return -1;
  pack_end(p, &w);
  return 0;
}

int pack_entry(struct packer *p, int dir, const char *name, const struct stat *st, struct err *e) {
  struct stat now;
  if (!S_ISREG(st->st_mode) || !p->wants_content) return put_entry(p, name, st, NULL, e);
  /* Not blocking, for a fifo may have taken the file's place. Only its owner may ask for the time to stay. */
  const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  int opened = openat(dir, name, flags | O_NOATIME);
  if (opened < 0 && errno == EPERM) opened = openat(dir, name, flags);
  cleanup_close int fd = opened;
  if (fd < 0) return errno == ENOENT || errno == ELOOP ? 0 : err_errno(e, "open", p->path);
  if (fstat(fd, &now) < 0) return err_errno(e, "stat", p->path);
  if (!S_ISREG(now.st_mode)) return 0;
  if (put_entry(p, name, &now, NULL, e) < 0) return -1;
  return put_content(p, fd, &now, e);
}

int pack_link(struct packer *p, const char *name, const struct stat *st, const char *existing, struct err *e) {
  return put_entry(p, name, st, existing, e);
}
