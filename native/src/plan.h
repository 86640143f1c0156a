/* The binary plan: operation codes (compared with src/runtime/plan/op.ts by a test) and the decoder. See README.md. */
#ifndef SKIFF_PLAN_H
#define SKIFF_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define PLAN_MAGIC 0x504b5331u
#define SLOT_COUNT 256
#define SLOT_NONE 0xffffffffu
#define SLOT_SYNC 0
#define SLOT_STDIN 1
#define SLOT_STDOUT 2
#define SLOT_STDERR 3
#define SLOT_FIRST_FREE 8

#define POST_RELEASE 0xffffffffu

enum op_code {
  OP_MKDIR = 1,
  OP_WRITE_FILE = 2,
  OP_OPEN = 3,
  OP_CLOSE = 4,
  OP_RMDIR = 5,
  OP_SYMLINK = 6,
  OP_MKNOD = 7,
  OP_MKDIR_IN = 8,
  OP_LISTEN = 10,
  OP_CONNECT = 11,
  OP_PIDFD_OPEN = 12,
  OP_SETNS = 13,
  OP_UNSHARE = 14,
  OP_CLONE = 15,
  OP_WRITE_PROC = 16,
  OP_POST = 17,
  OP_WAIT = 18,
  OP_HOOK = 19,
  OP_HOLD = 20,
  OP_BPF_DEVICE = 21,
  OP_IDMAP_USERNS = 22,
  OP_NETLINK = 23,
  OP_DUP = 24,
  OP_AWAIT = 25,
  OP_PROPAGATION = 30,
  OP_OPEN_TREE = 31,
  OP_MOUNT_FS = 32,
  OP_MOUNT_BIND = 33,
  OP_REMOUNT = 34,
  OP_UMOUNT = 35,
  OP_PIVOT = 36,
  OP_MASK = 37,
  OP_READONLY = 38,
  OP_SETXATTR = 39,
  OP_HOSTNAME = 40,
  OP_DOMAINNAME = 41,
  OP_RLIMIT = 42,
  OP_CAP_BOUND = 43,
  OP_USER = 44,
  OP_CAP_SET = 45,
  OP_NO_NEW_PRIVS = 46,
  OP_SECCOMP = 47,
  OP_UMASK = 48,
  OP_SETSID = 49,
  OP_PTY = 50,
  OP_STDIO = 51,
  OP_CHDIR = 52,
  OP_SCHED = 53,
  OP_IOPRIO = 54,
  OP_KEYRING = 55,
  OP_PERSONALITY = 56,
  OP_AFFINITY = 57,
  OP_MEMPOLICY = 58,
  OP_SEND_FD = 59,
  OP_CLOSE_FDS = 60,
  OP_FIND_EXEC = 61,
  OP_EXEC = 62,
  OP_DUMPABLE = 64,
  OP_CHOWN_STDIO = 65,
};

/* Flags of every operation. */
#define OPF_OPTIONAL 1u
#define OPF_IGNORE_ENOENT 2u
#define OPF_IGNORE_EEXIST 4u
/* Flags of single operations. */
#define OPF_PARENTS 0x10u        /* MKDIR */
#define OPF_DATAGRAM 0x10u       /* CONNECT */
#define OPF_REPLACE 0x10u        /* BPF_DEVICE */
#define OPF_COPY_UP 0x10u        /* MOUNT_FS */
#define OPF_RECURSIVE 0x10u      /* MOUNT_BIND */
#define OPF_ATTR_RECURSIVE 0x20u /* MOUNT_BIND, REMOUNT */
#define OPF_SOURCE_IN_ROOT 0x40u /* MOUNT_BIND */
#define OPF_NO_SETGROUPS 0x10u   /* USER */
#define OPF_CONSOLE 0x10u        /* PTY */
#define OPF_BLOCK_SIGNALS 0x10u  /* EXEC */

/* A cursor over bytes that came from outside; every read is checked, a failed one makes all later ones fail too. */
struct reader {
  const uint8_t *at;
  const uint8_t *end;
  int failed;
};

struct bytes {
  const char *data; /* NUL-terminated in place */
  uint32_t length;
};

uint16_t read_u16(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
struct bytes read_data(struct reader *r);  /* may contain NUL */
const char *read_string(struct reader *r); /* must not; NULL on failure */
/* A list of strings: count, and a reader standing at its first item; r moves past it. */
uint32_t read_list(struct reader *r, struct reader *items);

struct op {
  uint16_t code;
  uint16_t flags;
  struct reader payload;
};

struct plan {
  struct reader parent; /* stands at the first op */
  struct reader child;
  uint32_t parent_ops;
  uint32_t child_ops;
};

/* Checks the header, and every op's code, shape and slots, before anything is performed. */
int plan_decode(const void *data, size_t length, struct plan *plan, struct err *e);
/* The next op of a stream; 0 when it has ended. */
int plan_next(struct reader *stream, struct op *op);

#endif
