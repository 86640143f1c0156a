/* Owners, modes, extended attributes and times of what an unpack stream makes. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "frame.h"
#include "ops.h"
#include "protocol.h"
#include "unpack.h"

int keep_xattr(struct unpacker *u, uint16_t flags, struct reader *r, struct err *e) {
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

int apply_xattrs(struct unpacker *u, int fd, const char *name, const char *path, struct err *e) {
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

int apply_to_name(struct unpacker *u, const struct place *p, const struct attributes *a, const char *path,
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

int remember_folder(struct unpacker *u, const char *path, struct timespec mtime, struct err *e) {
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

int open_folder(const struct place *p) {
  return openat(p->parent, *p->name ? p->name : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

void forget_folders(struct unpacker *u) {
  for (size_t i = 0; i < u->folder_count; i++) free(u->folders[i].path);
  u->folder_count = 0;
}

int set_folder_times(struct unpacker *u, struct err *e) {
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
