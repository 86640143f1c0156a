/* System calls that older C libraries do not wrap, under sys_NAME, and the constants that come with them.
 * Numbers from 424 up are the same on every architecture. */
#ifndef SKIFF_SYS_H
#define SKIFF_SYS_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

#define TREE_CLONE 1u
#define TREE_CLOEXEC ((unsigned)O_CLOEXEC)
#define MOVE_FD_TO_FD 0x44u /* MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH */
#define FS_CLOEXEC 1u       /* FSOPEN_CLOEXEC, FSMOUNT_CLOEXEC */
#define CONFIG_FLAG 0u
#define CONFIG_STRING 1u
#define CONFIG_CREATE 6u
#define ATTR_RDONLY 0x1u
#define ATTR_NOSUID 0x2u
#define ATTR_NODEV 0x4u
#define ATTR_NOEXEC 0x8u
#define ATTR_ATIME 0x70u
#define ATTR_NOATIME 0x10u
#define ATTR_STRICTATIME 0x20u
#define ATTR_NODIRATIME 0x80u
#define ATTR_IDMAP 0x100000u
#define ATTR_NOSYMFOLLOW 0x200000u
#define IN_ROOT 0x10u /* RESOLVE_IN_ROOT */
#define RANGE_CLOEXEC 4u

struct open_args {
  uint64_t flags, mode, resolve;
};

struct attr_args {
  uint64_t set, clear, propagation, userns;
};

struct clone_args_v2 {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

static inline int sys_openat2(int dir, const char *path, struct open_args *how) {
  return (int)syscall(437, dir, path, how, sizeof *how);
}
static inline int sys_open_tree(int dir, const char *path, unsigned flags) {
  return (int)syscall(428, dir, path, flags);
}
static inline int sys_move_mount(int from, int to) {
  return (int)syscall(429, from, "", to, "", MOVE_FD_TO_FD);
}
static inline int sys_fsopen(const char *type) {
  return (int)syscall(430, type, FS_CLOEXEC);
}
static inline int sys_fsconfig(int fs, unsigned command, const char *key, const char *value) {
  return (int)syscall(431, fs, command, key, value, 0);
}
static inline int sys_fsmount(int fs, unsigned attr) {
  return (int)syscall(432, fs, FS_CLOEXEC, attr);
}
static inline int sys_mount_setattr(int dir, unsigned flags, struct attr_args *args) {
  return (int)syscall(442, dir, "", AT_EMPTY_PATH | flags, args, sizeof *args);
}
static inline int sys_pidfd_open(pid_t pid) {
  return (int)syscall(434, pid, 0);
}
static inline int sys_close_range(unsigned first, unsigned last, unsigned flags) {
  return (int)syscall(436, first, last, flags);
}
static inline int sys_quotactl_fd(int fd, int command, uint32_t id, void *data) {
  return (int)syscall(443, fd, command, id, data);
}
static inline pid_t sys_clone3(struct clone_args_v2 *args) {
  return (pid_t)syscall(435, args, sizeof *args);
}
/* fork without the C library's handlers, for processes that must not touch the heap; extra: namespace flags. */
static inline pid_t sys_fork(unsigned long extra) {
  return (pid_t)syscall(SYS_clone, extra | 17 /* SIGCHLD */, 0, 0, 0, 0);
}

#endif
