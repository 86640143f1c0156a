/* Operations on existing mounts: open a tree, bind it elsewhere, change attributes and propagation, unmount. */
#include <fcntl.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "ops.h"
#include "sys.h"
#include "text.h"

#define CREATE_LIKE_SOURCE 3

struct bind {
  int root;
  const char *path;
  uint32_t create;
  int source; /* where source_path starts, or itself when that is empty */
  const char *source_path;
  int tree;      /* source is a detached mount that nobody has attached yet */
  int recursive; /* the submounts too */
  struct mount_change change;
};

/* A path for the calls that know none relative to an fd. */
static int full_path(int at, const char *path, struct text *out, struct err *e) {
  if (at == AT_FDCWD)
    text_add(out, path);
  else
    text_fd_path(out, at, path);
  return out->cut ? err_set(e, ENAMETOOLONG, "path", path) : 0;
}

int op_propagation(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  TEXT(full, PATH_MAX);
  int at = slot_at(vm, read_u32(&r), e);
  if (at == -1) return -1;
  const char *path = read_string(&r);
  if (full_path(at, path, &full, e) < 0) return -1;
  return mount(NULL, full.data, NULL, (unsigned long)read_u64(&r), NULL) < 0 ? err_errno(e, "set propagation", path)
                                                                             : 0;
}

int op_umount(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  TEXT(full, PATH_MAX);
  int at = slot_at(vm, read_u32(&r), e);
  if (at == -1) return -1;
  const char *path = read_string(&r);
  if (full_path(at, path, &full, e) < 0) return -1;
  return umount2(full.data, (int)read_u32(&r)) < 0 ? err_errno(e, "umount", path) : 0;
}

int op_open_tree(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  uint32_t slot = read_u32(&r);
  int at = slot_at(vm, read_u32(&r), e);
  if (at == -1) return -1;
  const char *path = read_string(&r);
  uint32_t flags = read_u32(&r);
  int fd = sys_open_tree(at, path, flags | TREE_CLOEXEC);
  int tree = fd >= 0 && (flags & TREE_CLONE) != 0;
  if (fd < 0 && errno == ENOSYS) fd = openat(at, path[0] == '\0' ? "." : path, O_PATH | O_CLOEXEC);
  if (fd < 0) return err_errno(e, "open_tree", path);
  if (slot_set(vm, slot, fd, e) < 0) return -1;
  vm->tree[slot] = (unsigned char)tree;
  return 0;
}

static struct mount_change read_change(struct reader *r) {
  struct mount_change c = {.userns = -1};
  c.set = read_u64(r);
  c.clear = read_u64(r);
  c.propagation = read_u64(r);
  return c;
}

int op_remount(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  int root = slot_at(vm, read_u32(&r), e);
  if (root == -1) return -1;
  const char *path = read_string(&r);
  struct mount_change change = read_change(&r);
  change.recursive = (op->flags & OPF_ATTR_RECURSIVE) != 0;
  cleanup_close int fd = root_open(root, path, O_PATH, e);
  if (fd < 0) return -1;
  return mount_change(fd, &change, e) < 0 ? err_set(e, e->number, "remount", path) : 0;
}

static int make_target(const struct bind *b, int source, struct err *e) {
  uint32_t create = b->create;
  struct stat st;
  if (create == CREATE_LIKE_SOURCE) {
    if (fstat(source, &st) < 0) return err_errno(e, "stat the source of", b->path);
    create = S_ISDIR(st.st_mode) ? ROOT_DIR : ROOT_FILE;
  }
  if (create > ROOT_FILE) return err_set(e, EINVAL, "kind of mount point to make", b->path);
  return root_make(b->root, b->path, (enum root_kind)create, e);
}

static int bind_old(const struct bind *b, struct err *e) {
  TEXT(from, 40);
  TEXT(to, 40);
  int at = b->source_path[0] == '\0' ? b->source : openat(b->source, b->source_path, O_PATH | O_CLOEXEC);
  if (at < 0) return err_errno(e, "open", b->source_path);
  cleanup_close int opened = b->source_path[0] == '\0' ? -1 : at;
  cleanup_close int target = make_target(b, at, e);
  if (target < 0) return -1;
  text_fd_path(&from, at, "");
  text_fd_path(&to, target, "");
  if (mount(from.data, to.data, NULL, MS_BIND | (b->recursive ? (unsigned long)MS_REC : 0), NULL) < 0)
    return err_errno(e, "bind", b->path);
  cleanup_close int mounted = root_open(b->root, b->path, O_PATH, e);
  if (mounted < 0) return -1;
  return mount_change(mounted, &b->change, e);
}

static int attach(const struct bind *b, int tree, struct err *e) {
  struct mount_change detached = b->change;
  detached.propagation = 0;
  cleanup_close int target = make_target(b, tree, e);
  if (target < 0) return -1;
  if (mount_change(tree, &detached, e) < 0) return err_set(e, e->number, "set mount attributes", b->path);
  if (sys_move_mount(tree, target) < 0) return err_errno(e, "move_mount", b->path);
  return mount_propagate(tree, b->change.propagation, e);
}

static int bind(struct bind *b, struct err *e) {
  if (b->tree) return attach(b, b->source, e);
  cleanup_close int tree = tree_clone(b->source, b->source_path, b->recursive);
  if (tree >= 0) return attach(b, tree, e);
  if (errno == ENOSYS) return bind_old(b, e);
  return err_errno(e, "open_tree", b->source_path[0] == '\0' ? b->path : b->source_path);
}

int op_mount_bind(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  struct bind b = {.recursive = (op->flags & OPF_RECURSIVE) != 0};
  b.root = slot_at(vm, read_u32(&r), e);
  if (b.root == -1) return -1;
  b.path = read_string(&r);
  b.create = read_u32(&r);
  uint32_t slot = read_u32(&r);
  b.source = slot_at(vm, slot, e);
  if (b.source == -1) return -1;
  b.source_path = read_string(&r);
  b.change = read_change(&r);
  b.change.recursive = (op->flags & OPF_ATTR_RECURSIVE) != 0;
  uint32_t userns = read_u32(&r);
  if (userns != SLOT_NONE && (b.change.userns = slot_fd(vm, userns, e)) < 0) return -1;
  cleanup_close int inside = -1;
  if ((op->flags & OPF_SOURCE_IN_ROOT) != 0) {
    if ((inside = root_open(b.root, b.source_path, O_PATH, e)) < 0) return -1;
    b.source = inside;
    b.source_path = "";
  } else if (slot != SLOT_NONE) {
    b.tree = vm->tree[slot] && b.source_path[0] == '\0';
  }
  if (bind(&b, e) < 0) return -1;
  if (b.tree) vm->tree[slot] = 0; /* attached now: another bind of this slot clones it */
  return 0;
}
