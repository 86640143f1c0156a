/* Every operation once: code, function, where it may stand, the shape of its payload, its own flags. README.md has the
 * meaning. The decoder checks plans against this table, the executor finds the functions in it.
 *
 * Shapes, one letter per field:
 *   u u32   U u64   s string (without NUL)   d data   i data of 8-byte instructions
 *   l list of strings   g list of u32
 *   R slot to read   O slot to read, or none   W slot to write (not the socketpair)   V slot to write, or none */
#ifndef SKIFF_OP_TABLE_H
#define SKIFF_OP_TABLE_H

#include "vm.h"

#define IN_PARENT 1u
#define IN_CHILD 2u
#define IN_BOTH 3u
#define OPF_COMMON (OPF_OPTIONAL | OPF_IGNORE_ENOENT | OPF_IGNORE_EEXIST)
/* Steps of the dialogue between parent and child cannot be left out by one side only. */
#define OPF_STRICT 0u

/* clang-format off */
#define OP_TABLE(X)                                                                           \
  X(MKDIR,        op_mkdir,        IN_BOTH,   "Osu",        OPF_COMMON | OPF_PARENTS)         \
  X(WRITE_FILE,   op_write_file,   IN_BOTH,   "Osduu",      OPF_COMMON)                       \
  X(OPEN,         op_open,         IN_BOTH,   "WOsuuU",     OPF_COMMON)                       \
  X(CLOSE,        op_close,        IN_BOTH,   "W",          OPF_COMMON)                       \
  X(RMDIR,        op_rmdir,        IN_BOTH,   "Os",         OPF_COMMON)                       \
  X(SYMLINK,      op_symlink,      IN_BOTH,   "Oss",        OPF_COMMON)                       \
  X(MKNOD,        op_mknod,        IN_BOTH,   "Osuuuuu",    OPF_COMMON)                       \
  X(MKDIR_IN,     op_mkdir_in,     IN_BOTH,   "Osuuu",      OPF_COMMON)                       \
  X(LISTEN,       op_listen,       IN_PARENT, "Wsu",        OPF_COMMON)                       \
  X(CONNECT,      op_connect,      IN_BOTH,   "Ws",         OPF_COMMON | OPF_DATAGRAM)        \
  X(PIDFD_OPEN,   op_pidfd_open,   IN_PARENT, "WuU",        OPF_COMMON)                       \
  X(SETNS,        op_setns,        IN_BOTH,   "Osu",        OPF_COMMON)                       \
  X(UNSHARE,      op_unshare,      IN_BOTH,   "u",          OPF_COMMON)                       \
  X(CLONE,        op_clone,        IN_PARENT, "UO",         OPF_STRICT)                       \
  X(WRITE_PROC,   op_write_proc,   IN_PARENT, "sd",         OPF_COMMON)                       \
  X(POST,         op_post,         IN_BOTH,   "u",          OPF_STRICT)                       \
  X(WAIT,         op_wait,         IN_BOTH,   "u",          OPF_STRICT)                       \
  X(HOOK,         op_hook,         IN_BOTH,   "sllul",      OPF_COMMON)                       \
  X(HOLD,         op_hold,         IN_CHILD,  "O",          OPF_STRICT)                       \
  X(BPF_DEVICE,   op_bpf_device,   IN_PARENT, "si",         OPF_COMMON | OPF_REPLACE)         \
  X(IDMAP_USERNS, op_idmap_userns, IN_PARENT, "Wss",        OPF_COMMON)                       \
  X(NETLINK,      op_netlink,      IN_BOTH,   "udu",        OPF_COMMON)                       \
  X(DUP,          op_dup,          IN_BOTH,   "RW",         OPF_COMMON)                       \
  X(AWAIT,        op_await,        IN_PARENT, "",           OPF_STRICT)                       \
  X(PROPAGATION,  op_propagation,  IN_BOTH,   "OsU",        OPF_COMMON)                       \
  X(OPEN_TREE,    op_open_tree,    IN_PARENT, "WOsu",       OPF_COMMON)                       \
  X(MOUNT_FS,     op_mount_fs,     IN_BOTH,   "OsusslUUO",  OPF_COMMON | OPF_COPY_UP)         \
  X(MOUNT_BIND,   op_mount_bind,   IN_BOTH,   "OsuOsUUUO",                                    \
    OPF_COMMON | OPF_RECURSIVE | OPF_ATTR_RECURSIVE | OPF_SOURCE_IN_ROOT)                     \
  X(REMOUNT,      op_remount,      IN_BOTH,   "OsUUU",      OPF_COMMON | OPF_ATTR_RECURSIVE)  \
  X(UMOUNT,       op_umount,       IN_BOTH,   "Osu",        OPF_COMMON)                       \
  X(PIVOT,        op_pivot,        IN_CHILD,  "su",         OPF_COMMON)                       \
  X(MASK,         op_mask,         IN_CHILD,  "l",          OPF_COMMON)                       \
  X(READONLY,     op_readonly,     IN_CHILD,  "l",          OPF_COMMON)                       \
  X(SETXATTR,     op_setxattr,     IN_BOTH,   "Ossd",       OPF_COMMON)                       \
  X(HOSTNAME,     op_hostname,     IN_CHILD,  "s",          OPF_COMMON)                       \
  X(DOMAINNAME,   op_domainname,   IN_CHILD,  "s",          OPF_COMMON)                       \
  X(RLIMIT,       op_rlimit,       IN_BOTH,   "uUU",        OPF_COMMON)                       \
  X(CAP_BOUND,    op_cap_bound,    IN_CHILD,  "U",          OPF_COMMON)                       \
  X(USER,         op_user,         IN_CHILD,  "uug",        OPF_COMMON | OPF_NO_SETGROUPS)    \
  X(CAP_SET,      op_cap_set,      IN_CHILD,  "UUUU",       OPF_COMMON)                       \
  X(NO_NEW_PRIVS, op_no_new_privs, IN_CHILD,  "",           OPF_COMMON)                       \
  X(SECCOMP,      op_seccomp,      IN_CHILD,  "uiV",        OPF_COMMON)                       \
  X(UMASK,        op_umask,        IN_CHILD,  "u",          OPF_COMMON)                       \
  X(SETSID,       op_setsid,       IN_CHILD,  "",           OPF_COMMON)                       \
  X(PTY,          op_pty,          IN_CHILD,  "Ruuuus",     OPF_COMMON | OPF_CONSOLE)         \
  X(STDIO,        op_stdio,        IN_CHILD,  "",           OPF_COMMON)                       \
  X(CHDIR,        op_chdir,        IN_CHILD,  "s",          OPF_COMMON)                       \
  X(SCHED,        op_sched,        IN_CHILD,  "uUuuUUU",    OPF_COMMON)                       \
  X(IOPRIO,       op_ioprio,       IN_CHILD,  "u",          OPF_COMMON)                       \
  X(KEYRING,      op_keyring,      IN_CHILD,  "s",          OPF_COMMON)                       \
  X(PERSONALITY,  op_personality,  IN_CHILD,  "u",          OPF_COMMON)                       \
  X(AFFINITY,     op_affinity,     IN_BOTH,   "d",          OPF_COMMON)                       \
  X(MEMPOLICY,    op_mempolicy,    IN_CHILD,  "ud",         OPF_COMMON)                       \
  X(SEND_FD,      op_send_fd,      IN_CHILD,  "RRl",        OPF_COMMON)                       \
  X(CLOSE_FDS,    op_close_fds,    IN_CHILD,  "u",          OPF_COMMON)                       \
  X(FIND_EXEC,    op_find_exec,    IN_CHILD,  "l",          OPF_COMMON)                       \
  X(EXEC,         op_exec,         IN_CHILD,  "lll",        OPF_BLOCK_SIGNALS)                \
  X(DUMPABLE,     op_dumpable,     IN_CHILD,  "u",          OPF_COMMON)                       \
  X(CHOWN_STDIO,  op_chown_stdio,  IN_CHILD,  "u",          OPF_COMMON)
/* clang-format on */

#define OP_DECLARE(name, function, who, shape, flags) int function(struct vm *vm, const struct op *op, struct err *e);
OP_TABLE(OP_DECLARE)
#undef OP_DECLARE

#endif
