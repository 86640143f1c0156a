/* Operation MOUNT_FS: a new file system, configured option by option (fsopen), or with mount(2) where a kernel has no
 * fsopen or an option is longer than fsconfig takes. */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>

#include "ops.h"
#include "sys.h"
#include "text.h"

#define CONFIG_VALUE_MAX 255 /* kernel: fsconfig copies at most 256 bytes of a string */
#define MOUNT_DATA_MAX 4095  /* kernel: mount(2) copies one page */

struct new_fs {
  int root, target; /* target: an O_PATH fd of the mount point */
  const char *path, *type, *source;
  struct reader options;
  uint32_t count;
  struct mount_change change;
  int copy_up;
};

/* Ends in failure with what the kernel wrote into the context's log, such as "overlay: No changes allowed". */
static int fs_error(int fs, const char *what, const char *subject, struct err *e) {
  int number = errno;
  char log[256];
  TEXT(detail, ERR_DETAIL);
  text_add(&detail, subject);
  ssize_t length;
  while ((length = read(fs, log, sizeof log)) > 0) {
    while (length > 0 && log[length - 1] == '\n') length--;
    size_t skip = length > 2 && log[1] == ' ' ? 2 : 0; /* the level: "e ", "w " or "i " */
    text_add(&detail, "; ");
    text_bytes(&detail, log + skip, (size_t)length - skip);
  }
  return err_set(e, number, what, detail.data);
}

static int configure_option(int fs, const char *option, struct err *e) {
  char key[64];
  const char *equals = strchr(option, '=');
  if (equals == NULL) {
    return sys_fsconfig(fs, CONFIG_FLAG, option, NULL) < 0 ? fs_error(fs, "fsconfig", option, e) : 0;
  }
  size_t length = (size_t)(equals - option);
  if (length >= sizeof key) return err_set(e, EINVAL, "fsconfig", option);
  memcpy(key, option, length);
  key[length] = '\0';
  return sys_fsconfig(fs, CONFIG_STRING, key, equals + 1) < 0 ? fs_error(fs, "fsconfig", option, e) : 0;
}

static int configure(int fs, const struct new_fs *n, struct err *e) {
  struct reader options = n->options;
  if (n->source[0] != '\0' && sys_fsconfig(fs, CONFIG_STRING, "source", n->source) < 0)
    return fs_error(fs, "fsconfig source", n->source, e);
  for (uint32_t i = 0; i < n->count; i++)
    if (configure_option(fs, read_string(&options), e) < 0) return -1;
  return sys_fsconfig(fs, CONFIG_CREATE, NULL, NULL) < 0 ? fs_error(fs, n->type, n->path, e) : 0;
}

/* Copies what the mount point holds into the new file system; from and to: directories that may be O_PATH. */
static int fill(int from, int to, const struct new_fs *n, struct err *e) {
  cleanup_close int source = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (source < 0) return err_errno(e, "open", n->path);
  cleanup_close int target = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (target < 0) return err_errno(e, "open the new file system for", n->path);
  return copy_up(source, target, e);
}

static int mount_new(int fs, const struct new_fs *n, struct err *e) {
  if (configure(fs, n, e) < 0) return -1;
  /* Read-only comes after the copying, and an id map cannot be given to fsmount at all. */
  cleanup_close int mounted = sys_fsmount(fs, n->copy_up ? 0 : (unsigned)n->change.set);
  if (mounted < 0) return fs_error(fs, "fsmount", n->path, e);
  if (n->copy_up && fill(n->target, mounted, n, e) < 0) return -1;
  struct mount_change detached = n->change;
  detached.propagation = 0;
  if (!n->copy_up) detached.set = 0;
  if (mount_change(mounted, &detached, e) < 0) return -1;
  if (sys_move_mount(mounted, n->target) < 0) return err_errno(e, "move_mount", n->path);
  /* After attaching: below a shared mount a new one becomes shared, whatever it was before. */
  return mount_propagate(mounted, n->change.propagation, e);
}

static const struct {
  const char *option;
  unsigned long flag;
} generic_options[] = {
    {"ro", MS_RDONLY},
    {"rw", 0},
    {"sync", MS_SYNCHRONOUS},
    {"async", 0},
    {"mand", 64},
    {"dirsync", MS_DIRSYNC},
    {"lazytime", 1ul << 25},
    {"nolazytime", 0},
};

/* Options that mount(2) wants as flags; -1: the option is the file system's own. */
static long generic_flag(const char *option) {
  for (size_t i = 0; i < sizeof generic_options / sizeof generic_options[0]; i++)
    if (strcmp(option, generic_options[i].option) == 0) return (long)generic_options[i].flag;
  return -1;
}

static int mount_old(const struct new_fs *n, struct err *e) {
  TEXT(data, MOUNT_DATA_MAX + 1);
  TEXT(path, 40);
  struct reader options = n->options;
  /* Read-only comes after the copying. */
  unsigned long flags = attr_to_ms(n->copy_up ? n->change.set & ~(uint64_t)ATTR_RDONLY : n->change.set);
  if (n->change.userns >= 0) return err_set(e, ENOSYS, "idmapped mount", n->path);
  for (uint32_t i = 0; i < n->count; i++) {
    const char *option = read_string(&options);
    long flag = generic_flag(option);
    if (flag >= 0) flags |= (unsigned long)flag;
    if (flag >= 0) continue;
    if (data.length > 0) text_add(&data, ",");
    text_add(&data, option);
  }
  if (data.cut) return err_set(e, E2BIG, "options do not fit into a page", n->path);
  text_fd_path(&path, n->target, "");
  if (mount(n->source, path.data, n->type, flags, data.data) < 0) return err_errno(e, n->type, n->path);
  cleanup_close int mounted = root_open(n->root, n->path, O_PATH, e);
  if (mounted < 0) return -1;
  if (n->copy_up) {
    if (fill(n->target, mounted, n, e) < 0) return -1;
    if (mount_change(mounted, &n->change, e) < 0) return -1;
  }
  return mount_propagate(mounted, n->change.propagation, e);
}

static int has_long_option(struct reader options, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    const char *equals = strchr(read_string(&options), '=');
    if (equals != NULL && strlen(equals + 1) > CONFIG_VALUE_MAX) return 1;
  }
  return 0;
}

/* By mount(2), which needs a place, and a mount namespace where that is nobody else's. */
static int mount_apart_old(struct new_fs *n, struct err *e) {
  if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
    return err_errno(e, "a mount namespace for", n->path);
  cleanup_close int target = root_open(AT_FDCWD, n->path, O_PATH | O_DIRECTORY, e);
  if (target < 0) return -1;
  n->target = target;
  if (mount_old(n, e) < 0) return -1;
  return root_open(AT_FDCWD, n->path, O_PATH | O_DIRECTORY, e);
}

int mount_apart(const char *type, const struct reader *options, uint32_t count, const char *place, int readonly,
                struct err *e) {
  struct new_fs n = {.root = AT_FDCWD, .target = -1, .path = place, .type = type, .source = type, .count = count};
  n.options = *options;
  n.change = (struct mount_change){.set = ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC, .userns = -1};
  if (readonly) n.change.set |= ATTR_RDONLY;
  int fs = has_long_option(n.options, n.count) ? -1 : sys_fsopen(type);
  if (fs < 0 && (has_long_option(n.options, n.count) || errno == ENOSYS)) return mount_apart_old(&n, e);
  cleanup_close int context = fs;
  if (context < 0) return err_errno(e, "fsopen", type);
  if (configure(context, &n, e) < 0) return -1;
  int mounted = sys_fsmount(context, (unsigned)n.change.set);
  return mounted < 0 ? fs_error(context, "fsmount", place, e) : mounted;
}

int op_mount_fs(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  struct new_fs n = {.copy_up = (op->flags & OPF_COPY_UP) != 0};
  n.root = slot_at(vm, read_u32(&r), e);
  if (n.root == -1) return -1;
  n.path = read_string(&r);
  uint32_t create = read_u32(&r);
  n.type = read_string(&r);
  n.source = read_string(&r);
  n.count = read_list(&r, &n.options);
  n.change = (struct mount_change){.userns = -1};
  n.change.set = read_u64(&r);
  n.change.propagation = read_u64(&r);
  uint32_t userns = read_u32(&r);
  if (userns != SLOT_NONE && (n.change.userns = slot_fd(vm, userns, e)) < 0) return -1;
  if (create > ROOT_FILE) return err_set(e, EINVAL, "kind of mount point to make", n.path);
  cleanup_close int target = root_make(n.root, n.path, (enum root_kind)create, e);
  if (target < 0) return -1;
  n.target = target;
  if (has_long_option(n.options, n.count)) return mount_old(&n, e);
  cleanup_close int fs = sys_fsopen(n.type);
  if (fs < 0 && errno == ENOSYS) return mount_old(&n, e);
  if (fs < 0) return err_errno(e, "fsopen", n.type);
  return mount_new(fs, &n, e);
}
