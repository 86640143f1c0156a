/* What an unpack stream makes besides files: folders, symlinks, nodes, links; and what it removes. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "frame.h"
#include "ops.h"
#include "protocol.h"
#include "unpack.h"

int place_entry(struct unpacker *u, const char *path, struct place *place, struct err *e) {
  if (tree_place(&u->tree, path, 1, place, e) < 0) return -1;
  return *place->name ? 0 : err_set(e, EINVAL, "only a folder can be the root", path);
}

int make_dir(struct unpacker *u, uint16_t flags, struct reader *r, struct err *e) {
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

int make_symlink(struct unpacker *u, struct reader *r, struct err *e) {
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

int make_node(struct unpacker *u, uint16_t flags, struct reader *r, struct err *e) {
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

int make_link(struct unpacker *u, uint16_t flags, struct reader *r, struct err *e) {
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

int remove_entry(struct unpacker *u, struct reader *r, struct err *e) {
  struct place place;
  const char *path = read_string(r);
  if (check_payload(r, e) < 0) return -1;
  if (tree_place(&u->tree, path, 0, &place, e) < 0) return e->number == ENOENT || e->number == ENOTDIR ? 0 : -1;
  return tree_remove(&u->tree, &place, path, e);
}
