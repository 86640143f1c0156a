/* Operations that turn a prepared folder into the process's root, and cover parts of it. */
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "ops.h"
#include "sys.h"
#include "text.h"

enum pivot_how { HOW_PIVOT, HOW_MOVE, HOW_CHROOT };

/* pivot_root(2), "pivot_root(".", ".")": the old root ends up on top of the new one at /, and is taken off there. */
static int pivot(int new_root, const char *path, struct err *e) {
  cleanup_close int old_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (old_root < 0) return err_errno(e, "open", "/");
  if (fchdir(new_root) < 0) return err_errno(e, "chdir", path);
  if (syscall(SYS_pivot_root, ".", ".") < 0) return err_errno(e, "pivot_root", path);
  if (fchdir(old_root) < 0) return err_errno(e, "chdir", "old root");
  /* Otherwise the unmounts below would propagate to the host where its mounts are shared. */
  if (mount(NULL, ".", NULL, MS_SLAVE | MS_REC, NULL) < 0) return err_errno(e, "make slave", "old root");
  if (umount2(".", MNT_DETACH) < 0) return err_errno(e, "umount", "old root");
  return chdir("/") < 0 ? err_errno(e, "chdir", "/") : 0;
}

int op_pivot(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  const char *path = read_string(&r);
  uint32_t how = read_u32(&r);
  (void)vm;
  cleanup_close int new_root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (new_root < 0) return err_errno(e, "open", path);
  if (how == HOW_PIVOT) return pivot(new_root, path, e);
  if (how > HOW_CHROOT) return err_set(e, EINVAL, "way of changing the root", path);
  if (fchdir(new_root) < 0) return err_errno(e, "chdir", path);
  if (how == HOW_MOVE && mount(".", "/", NULL, MS_MOVE, NULL) < 0) return err_errno(e, "move mount to /", path);
  if (chroot(".") < 0) return err_errno(e, "chroot", path);
  return chdir("/") < 0 ? err_errno(e, "chdir", "/") : 0;
}

/* The container's /dev/null, which must be just that: an image could have put a link to anything there. */
static int open_null(struct err *e) {
  struct stat st;
  int fd = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return err_set(e, errno == ENOENT ? ENODEV : errno, "open", "/dev/null");
  if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)) return fd;
  close(fd);
  return err_set(e, ENODEV, "not the null device", "/dev/null");
}

static int mask_file(int target, const char *path, struct err *e) {
  cleanup_close int null = open_null(e);
  if (null < 0) return -1;
  cleanup_close int tree = tree_clone(null, "", 0);
  if (tree >= 0 && sys_move_mount(tree, target) == 0) return 0;
  if (errno != ENOSYS) return err_errno(e, "mask", path);
  TEXT(from, 40);
  TEXT(to, 40);
  text_fd_path(&from, null, "");
  text_fd_path(&to, target, "");
  return mount(from.data, to.data, NULL, MS_BIND, NULL) < 0 ? err_errno(e, "mask", path) : 0;
}

static int new_empty(void) {
  cleanup_close int fs = sys_fsopen("tmpfs");
  if (fs < 0 || sys_fsconfig(fs, CONFIG_FLAG, "ro", NULL) < 0 || sys_fsconfig(fs, CONFIG_CREATE, NULL, NULL) < 0)
    return -1;
  return sys_fsmount(fs, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC);
}

/* All masked directories show the same empty tmpfs: the first one mounts it (empty is -1), the others clone it. */
static int mask_directory(int target, const char *path, int *empty, struct err *e) {
  cleanup_close int clone = *empty >= 0 ? tree_clone(*empty, "", 0) : -1;
  int tree = *empty >= 0 ? clone : new_empty();
  if (*empty < 0) *empty = tree;
  if (tree >= 0 && sys_move_mount(tree, target) == 0) return 0;
  if (errno != ENOSYS) return err_errno(e, "mask", path);
  TEXT(to, 40);
  text_fd_path(&to, target, "");
  unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  return mount("tmpfs", to.data, "tmpfs", flags, NULL) < 0 ? err_errno(e, "mask", path) : 0;
}

static int is_missing(int number) {
  return number == ENOENT || number == ENOTDIR;
}

int op_mask(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  struct reader paths;
  uint32_t count = read_list(&r, &paths);
  cleanup_close int empty = -1;
  (void)vm;
  for (uint32_t i = 0; i < count; i++) {
    const char *path = read_string(&paths);
    struct stat st;
    cleanup_close int target = open(path, O_PATH | O_CLOEXEC);
    if (target < 0 && is_missing(errno)) continue;
    if (target < 0 || fstat(target, &st) < 0) return err_errno(e, "open", path);
    int result = S_ISDIR(st.st_mode) ? mask_directory(target, path, &empty, e) : mask_file(target, path, e);
    if (result < 0) return -1;
  }
  return 0;
}

static int bind_readonly(const char *path, int target, struct err *e) {
  const struct mount_change change = {.set = ATTR_RDONLY, .userns = -1}; /* what the clone has otherwise stays */
  cleanup_close int tree = tree_clone(target, "", 1);
  if (tree >= 0) {
    if (mount_change(tree, &change, e) < 0) return err_set(e, e->number, "make read-only", path);
    return sys_move_mount(tree, target) < 0 ? err_errno(e, "make read-only", path) : 0;
  }
  TEXT(self, 40);
  text_fd_path(&self, target, "");
  if (errno != ENOSYS) return err_errno(e, "make read-only", path);
  if (mount(self.data, self.data, NULL, MS_BIND | MS_REC, NULL) < 0) return err_errno(e, "make read-only", path);
  cleanup_close int mounted = open(path, O_PATH | O_CLOEXEC);
  if (mounted < 0) return err_errno(e, "open", path);
  return mount_change(mounted, &change, e) < 0 ? err_set(e, e->number, "make read-only", path) : 0;
}

int op_readonly(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  struct reader paths;
  uint32_t count = read_list(&r, &paths);
  (void)vm;
  for (uint32_t i = 0; i < count; i++) {
    const char *path = read_string(&paths);
    cleanup_close int target = open(path, O_PATH | O_CLOEXEC);
    if (target < 0 && is_missing(errno)) continue;
    if (target < 0) return err_errno(e, "open", path);
    if (bind_readonly(path, target, e) < 0) return -1;
  }
  return 0;
}
