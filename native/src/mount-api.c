/* The mount API by file descriptors, and what mount(2) can do of it where a kernel does not have it. */
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#include "ops.h"
#include "sys.h"
#include "text.h"

/* statfs(2) has the flags of a mount in bits of its own from 0x400 up. */
#define ST_KEEP 0xfu
#define ST_NOATIME_BIT 0x400
#define ST_NODIRATIME_BIT 0x800
#define ST_RELATIME_BIT 0x1000
#define ST_NOSYMFOLLOW_BIT 0x2000

int tree_clone(int dir, const char *path, int recursive) {
  unsigned flags = TREE_CLONE | TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? (unsigned)AT_RECURSIVE : 0);
  return sys_open_tree(dir, path, flags);
}

unsigned long attr_to_ms(uint64_t attr) {
  unsigned long ms = attr & (ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC); /* the same bits */
  if ((attr & ATTR_NODIRATIME) != 0) ms |= MS_NODIRATIME;
  if ((attr & ATTR_NOSYMFOLLOW) != 0) ms |= MS_NOSYMFOLLOW;
  if ((attr & ATTR_ATIME) == ATTR_NOATIME) return ms | MS_NOATIME;
  return ms | ((attr & ATTR_ATIME) == ATTR_STRICTATIME ? MS_STRICTATIME : MS_RELATIME);
}

int mount_current_attr(int fd, uint64_t *attr) {
  struct statfs st;
  if (fstatfs(fd, &st) < 0) return -1;
  *attr = (uint64_t)st.f_flags & ST_KEEP;
  if ((st.f_flags & ST_NODIRATIME_BIT) != 0) *attr |= ATTR_NODIRATIME;
  if ((st.f_flags & ST_NOSYMFOLLOW_BIT) != 0) *attr |= ATTR_NOSYMFOLLOW;
  if ((st.f_flags & ST_NOATIME_BIT) != 0)
    *attr |= ATTR_NOATIME;
  else if ((st.f_flags & ST_RELATIME_BIT) == 0)
    *attr |= ATTR_STRICTATIME;
  return 0;
}

/* A remount with mount(2) replaces all flags, so those that stay have to be said again. */
static int change_by_remount(int fd, const struct mount_change *c, const char *path) {
  uint64_t attr;
  if (c->userns >= 0 || c->recursive) {
    errno = ENOSYS;
    return -1;
  }
  if (mount_current_attr(fd, &attr) < 0) return -1;
  unsigned long flags = attr_to_ms((attr & ~c->clear) | c->set);
  return mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | flags, NULL);
}

int mount_propagate(int fd, uint64_t propagation, struct err *e) {
  TEXT(path, 40);
  if (propagation == 0) return 0;
  text_fd_path(&path, fd, "");
  struct attr_args args = {.propagation = propagation & ~(uint64_t)MS_REC};
  unsigned recursive = (propagation & MS_REC) != 0 ? (unsigned)AT_RECURSIVE : 0;
  if (sys_mount_setattr(fd, recursive, &args) == 0) return 0;
  if (errno == ENOSYS && mount(NULL, path.data, NULL, (unsigned long)propagation, NULL) == 0) return 0;
  return err_errno(e, "set propagation", NULL);
}

int mount_change(int fd, const struct mount_change *c, struct err *e) {
  if ((c->set | c->clear) != 0 || c->userns >= 0) {
    TEXT(path, 40);
    text_fd_path(&path, fd, "");
    struct attr_args args = {.set = c->set, .clear = c->clear};
    if (c->userns >= 0) {
      args.set |= ATTR_IDMAP;
      args.userns = (uint64_t)c->userns;
    }
    int result = sys_mount_setattr(fd, c->recursive ? (unsigned)AT_RECURSIVE : 0, &args);
    if (result < 0 && errno == ENOSYS) result = change_by_remount(fd, c, path.data);
    if (result < 0) return err_errno(e, "set mount attributes", NULL);
  }
  return mount_propagate(fd, c->propagation, e);
}
