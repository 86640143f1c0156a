/* Keeps the helper's own file out of reach of containers: see protect.h. */
#include "protect.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "sys.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int is_protected(int self) {
  struct statvfs fs;
  if (fcntl(self, F_GET_SEALS) == SEALS) return 1;
  return fstatvfs(self, &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0;
}

/* A mount of its own that nobody else sees: costs no memory, but needs the right to mount. */
static int open_behind_mount(int self) {
  struct attr_args readonly = {.set = ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV};
  int tree = sys_open_tree(self, "", TREE_CLONE | TREE_CLOEXEC | AT_EMPTY_PATH);
  if (tree >= 0 && sys_mount_setattr(tree, 0, &readonly) == 0) return tree;
  if (tree >= 0) close(tree);
  return -1;
}

static int open_in_memory(int self) {
  struct stat st;
  int copy = memfd_create("skiff-helper", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (copy < 0) return -1;
  ssize_t moved = fstat(self, &st) == 0 ? 1 : -1;
  for (off_t left = st.st_size; moved > 0 && left > 0; left -= moved) moved = sendfile(copy, self, NULL, (size_t)left);
  if (moved > 0 && fcntl(copy, F_ADD_SEALS, SEALS) == 0) return copy;
  close(copy);
  return -1;
}

int protect_executable(char **argv, struct err *e) {
  cleanup_close int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (self < 0) return err_errno(e, "open", "/proc/self/exe");
  if (is_protected(self)) return 0;
  cleanup_close int mounted = open_behind_mount(self);
  if (mounted >= 0) syscall(SYS_execveat, mounted, "", argv, environ, AT_EMPTY_PATH);
  cleanup_close int copy = open_in_memory(self);
  if (copy >= 0) syscall(SYS_execveat, copy, "", argv, environ, AT_EMPTY_PATH);
  return err_errno(e, "run from a read-only copy of", "/proc/self/exe");
}
