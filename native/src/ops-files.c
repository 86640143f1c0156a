/* Operations on files and slots: make, write, open, close, links, device nodes, extended attributes. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>

#include "ops.h"
#include "sys.h"
#include "text.h"

#define BUSY_TRIES 50
#define BUSY_PAUSE_NS 2000000

static int is_directory(int at, const char *path) {
  struct stat st;
  return fstatat(at, path, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static int make_parents(int at, const char *path, mode_t mode) {
  char work[PATH_MAX];
  if (strlen(path) >= sizeof work) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(work, path);
  for (char *slash = work + 1; work[0] != '\0' && (slash = strchr(slash, '/')) != NULL; slash++) {
    *slash = '\0';
    if (mkdirat(at, work, 0755) < 0 && errno != EEXIST) return -1;
    *slash = '/';
  }
  return mkdirat(at, path, mode);
}

int op_mkdir(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  int at = slot_at(vm, read_u32(&r), e);
  if (at == -1) return -1;
  const char *path = read_string(&r);
  mode_t mode = read_u32(&r);
  if (mkdirat(at, path, mode) == 0) return 0;
  int parents = (op->flags & OPF_PARENTS) != 0;
  if (parents && errno == ENOENT && make_parents(at, path, mode) == 0) return 0;
  if (parents && errno == EEXIST && is_directory(at, path)) return 0;
  return err_errno(e, "mkdir", path);
}

int op_write_file(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  int at = slot_at(vm, read_u32(&r), e);
  if (at == -1) return -1;
  const char *path = read_string(&r);
  struct bytes data = read_data(&r);
  uint32_t oflags = read_u32(&r);
  int to_slot = path[0] == '\0'; /* the slot holds the file itself */
  cleanup_close int fd = to_slot ? -1 : openat(at, path, (int)oflags | O_CLOEXEC | O_NOCTTY, (mode_t)read_u32(&r));
  if (!to_slot && fd < 0) return err_errno(e, "open", path);
  ssize_t written = write(to_slot ? at : fd, data.data, data.length);
  if (written < 0) return err_errno(e, "write", path);
  return (size_t)written == data.length ? 0 : err_set(e, EIO, "short write", path);
}

int op_open(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  uint32_t slot = read_u32(&r);
  int at = slot_at(vm, read_u32(&r), e);
  if (at == -1) return -1;
  const char *path = read_string(&r);
  struct open_args how = {.flags = read_u32(&r) | O_CLOEXEC};
  how.mode = read_u32(&r);
  how.resolve = read_u64(&r);
  if ((how.flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) == 0) how.mode = 0; /* openat2 refuses what open ignores */
  int fd = sys_openat2(at, path, &how);
  if (fd < 0 && errno == ENOSYS && how.resolve == 0) fd = openat(at, path, (int)how.flags, (mode_t)how.mode);
  if (fd < 0) return err_errno(e, "open", path);
  return slot_set(vm, slot, fd, e);
}

int op_close(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  uint32_t slot = read_u32(&r);
  int fd = slot_fd(vm, slot, e);
  if (fd < 0) return -1;
  vm->slots[slot] = -1;
  return close(fd) < 0 ? err_errno(e, "close", NULL) : 0;
}

int op_dup(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  uint32_t from = read_u32(&r);
  uint32_t to = read_u32(&r);
  int fd = slot_fd(vm, from, e);
  if (fd < 0) return -1;
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (copy < 0) return err_errno(e, "fcntl", "F_DUPFD_CLOEXEC");
  unsigned char tree = vm->tree[from];
  if (slot_set(vm, to, copy, e) < 0) return -1;
  vm->tree[to] = tree;
  return 0;
}

int op_rmdir(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  int at = slot_at(vm, read_u32(&r), e);
  if (at == -1) return -1;
  const char *path = read_string(&r);
  const struct timespec pause = {0, BUSY_PAUSE_NS};
  /* kernel: a cgroup stays busy for a moment after its last process has been reaped. */
  for (int i = 0; unlinkat(at, path, AT_REMOVEDIR) < 0; i++) {
    if (errno != EBUSY || i == BUSY_TRIES) return err_errno(e, "rmdir", path);
    nanosleep(&pause, NULL);
  }
  return 0;
}

int op_symlink(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  char name[NAME_MAX + 1];
  char existing[PATH_MAX];
  int root = slot_at(vm, read_u32(&r), e);
  if (root == -1) return -1;
  const char *target = read_string(&r);
  const char *path = read_string(&r);
  cleanup_close int parent = root_parent(root, path, name, e);
  if (parent < 0) return -1;
  if (symlinkat(target, parent, name) == 0) return 0;
  if (errno != EEXIST) return err_errno(e, "symlink", path);
  ssize_t length = readlinkat(parent, name, existing, sizeof existing);
  if (length == (ssize_t)strlen(target) && memcmp(existing, target, (size_t)length) == 0) return 0;
  return err_set(e, EEXIST, "symlink", path);
}

int op_mknod(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  char name[NAME_MAX + 1];
  int root = slot_at(vm, read_u32(&r), e);
  if (root == -1) return -1;
  const char *path = read_string(&r);
  mode_t mode = read_u32(&r);
  uint32_t major_number = read_u32(&r);
  dev_t device = makedev(major_number, read_u32(&r));
  uid_t uid = read_u32(&r);
  gid_t gid = read_u32(&r);
  cleanup_close int parent = root_parent(root, path, name, e);
  if (parent < 0) return -1;
  if (mknodat(parent, name, mode, device) < 0) {
    struct stat st;
    if (errno != EEXIST) return err_errno(e, "mknod", path);
    int devices = S_ISCHR(mode) || S_ISBLK(mode);
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || (st.st_mode & S_IFMT) != (mode & S_IFMT) ||
        (devices && st.st_rdev != device))
      return err_set(e, EEXIST, "mknod", path);
  }
  return fchownat(parent, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ? err_errno(e, "chown", path) : 0;
}

int op_mkdir_in(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  char name[NAME_MAX + 1];
  int root = slot_at(vm, read_u32(&r), e);
  if (root == -1) return -1;
  const char *path = read_string(&r);
  mode_t mode = read_u32(&r);
  uid_t uid = read_u32(&r);
  gid_t gid = read_u32(&r);
  struct err none;
  cleanup_close int existing = root_open(root, path, O_PATH | O_DIRECTORY, &none);
  if (existing >= 0) return 0;
  if (none.number != ENOENT) return err_set(e, none.number, "mkdir", path);
  cleanup_close int parent = root_parent(root, path, name, e);
  if (parent < 0) return -1;
  if (mkdirat(parent, name, mode) == 0)
    return fchownat(parent, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ? err_errno(e, "chown", path) : 0;
  if (errno != EEXIST) return err_errno(e, "mkdir", path);
  /* A dangling symlink: what it points to is made, inside the root. */
  cleanup_close int made = root_make(root, path, ROOT_DIR, e);
  if (made < 0) return -1;
  TEXT(proc_path, 40);
  text_fd_path(&proc_path, made, "");
  if (chown(proc_path.data, uid, gid) < 0) return err_errno(e, "chown", path);
  return chmod(proc_path.data, mode) < 0 ? err_errno(e, "chmod", path) : 0;
}

int op_setxattr(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  int root = slot_at(vm, read_u32(&r), e);
  if (root == -1) return -1;
  const char *path = read_string(&r);
  const char *name = read_string(&r);
  struct bytes value = read_data(&r);
  cleanup_close int fd = root_open(root, path, O_PATH | O_NOFOLLOW, e);
  if (fd < 0) return -1;
  /* The magic link leads to the opened file itself, so a symlink gets the attribute, not its target. */
  TEXT(proc_path, 40);
  text_fd_path(&proc_path, fd, "");
  return setxattr(proc_path.data, name, value.data, value.length, 0) < 0 ? err_errno(e, "setxattr", path) : 0;
}
