/* Operations on the process itself: scheduling, session, working directory, descriptors, and the final exec. */
#include <signal.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/stat.h>

#include "ops.h"
#include "sys.h"

#define IOPRIO_PROCESS 1
#define MASK_WORDS 128 /* 8192 processors or nodes */

int op_sched(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  struct {
    uint32_t size, policy;
    uint64_t flags;
    uint32_t nice, priority;
    uint64_t runtime, deadline, period;
  } attr = {.size = sizeof attr};
  (void)vm;
  attr.policy = read_u32(&r);
  attr.flags = read_u64(&r);
  attr.nice = read_u32(&r);
  attr.priority = read_u32(&r);
  attr.runtime = read_u64(&r);
  attr.deadline = read_u64(&r);
  attr.period = read_u64(&r);
  return syscall(SYS_sched_setattr, 0, &attr, 0) < 0 ? err_errno(e, "sched_setattr", NULL) : 0;
}

int op_ioprio(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  (void)vm;
  return syscall(SYS_ioprio_set, IOPRIO_PROCESS, 0, read_u32(&r)) < 0 ? err_errno(e, "ioprio_set", NULL) : 0;
}

int op_personality(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  (void)vm;
  return personality(read_u32(&r)) < 0 ? err_errno(e, "personality", NULL) : 0;
}

static int copy_mask(struct bytes mask, unsigned long words[MASK_WORDS], const char *what, struct err *e) {
  if (mask.length > MASK_WORDS * sizeof words[0]) return err_set(e, EINVAL, what, "mask too long");
  memset(words, 0, MASK_WORDS * sizeof words[0]);
  memcpy(words, mask.data, mask.length);
  return 0;
}

int op_affinity(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  unsigned long words[MASK_WORDS];
  (void)vm;
  if (copy_mask(read_data(&r), words, "sched_setaffinity", e) < 0) return -1;
  return syscall(SYS_sched_setaffinity, 0, sizeof words, words) < 0 ? err_errno(e, "sched_setaffinity", NULL) : 0;
}

int op_mempolicy(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  unsigned long words[MASK_WORDS];
  uint32_t mode = read_u32(&r);
  struct bytes mask = read_data(&r);
  (void)vm;
  if (copy_mask(mask, words, "set_mempolicy", e) < 0) return -1;
  /* kernel: set_mempolicy reads one bit less than it is told; no mask at all is how modes without nodes want it. */
  unsigned long bits = mask.length == 0 ? 0 : (unsigned long)mask.length * 8 + 1;
  return syscall(SYS_set_mempolicy, mode, bits == 0 ? NULL : words, bits) < 0 ? err_errno(e, "set_mempolicy", NULL) : 0;
}

int op_setsid(struct vm *vm, const struct op *op, struct err *e) {
  (void)vm;
  (void)op;
  return setsid() < 0 ? err_errno(e, "setsid", NULL) : 0;
}

int op_stdio(struct vm *vm, const struct op *op, struct err *e) {
  (void)op;
  for (int fd = 0; fd <= STDERR_FILENO; fd++) {
    int from = vm->slots[SLOT_STDIN + fd];
    if (from >= 0 && dup2(from, fd) < 0) return err_errno(e, "dup2", NULL);
  }
  return 0;
}

int op_chown_stdio(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  uid_t uid = read_u32(&r);
  (void)vm;
  for (int fd = 0; fd <= STDERR_FILENO; fd++) {
    struct stat st;
    if (fstat(fd, &st) < 0) {
      if (errno == EBADF) continue;
      return err_errno(e, "fstat", "stdio");
    }
    /* Devices such as /dev/null are everybody's; only streams made for this container change hands. */
    if (st.st_uid == uid || !(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))) continue;
    /* Files of another user namespace or on a read-only file system stay as they are, as with runc. */
    if (fchown(fd, uid, (gid_t)-1) < 0 && errno != EINVAL && errno != EPERM && errno != EROFS) {
      return err_errno(e, "fchown", "stdio");
    }
  }
  return 0;
}

int op_chdir(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  const char *path = read_string(&r);
  char now[PATH_MAX];
  (void)vm;
  if (chdir(path) < 0) return err_errno(e, "chdir", path);
  /* A path through /proc/self/fd could lead to a folder of the host that an fd of the plan still holds: the kernel says
   * "(unreachable)" of a directory outside of the root. */
  long length = syscall(SYS_getcwd, now, sizeof now);
  if (length > 0 && now[0] == '/') return 0;
  if (chdir("/") < 0) return err_errno(e, "chdir", "/"); /* OPTIONAL goes on from here */
  return err_set(e, ENOENT, "working directory is outside of the root", path);
}

/* Where close_range is missing: the list of the own fds, read from the /proc kept from before the plan. */
static int cloexec_one_by_one(const struct vm *vm, unsigned first, struct err *e) {
  char buffer[1024] __attribute__((aligned(8)));
  cleanup_close int fds = openat(vm->proc, "self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fds < 0) return err_errno(e, "open", "/proc/self/fd");
  ssize_t got;
  while ((got = getdents64(fds, buffer, sizeof buffer)) > 0) {
    const struct dirent64 *entry;
    for (char *at = buffer; at < buffer + got; at += entry->d_reclen) {
      entry = (const struct dirent64 *)(const void *)at;
      unsigned fd = 0;
      for (const char *digit = entry->d_name; *digit >= '0' && *digit <= '9'; digit++)
        fd = fd * 10 + (unsigned)(*digit - '0');
      if (fd >= first) fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    }
  }
  return got < 0 ? err_errno(e, "read directory", "/proc/self/fd") : 0;
}

int close_range_on_exec(const struct vm *vm, unsigned first, struct err *e) {
  if (sys_close_range(first, ~0u, RANGE_CLOEXEC) == 0) return 0;
  if (errno != ENOSYS && errno != EINVAL) return err_errno(e, "close_range", NULL);
  return cloexec_one_by_one(vm, first, e);
}

int op_close_fds(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  uint32_t keep = read_u32(&r);
  if (keep > (uint32_t)vm->preserve_fds) return err_set(e, EINVAL, "more fds to keep than were handed over", NULL);
  if (close_range_on_exec(vm, STDERR_FILENO + 1 + keep, e) < 0) return -1;
  for (uint32_t i = 0; i < keep; i++)
    if (fcntl((int)(STDERR_FILENO + 1 + i), F_SETFD, 0) < 0) return err_errno(e, "fcntl", "preserved fd");
  return 0;
}

int vector_make(struct reader *items, uint32_t count, struct vector *v, struct err *e) {
  v->size = ((size_t)count + 1) * sizeof(char *);
  v->items = mmap(NULL, v->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (v->items == MAP_FAILED) return err_errno(e, "mmap", "argument vector");
  for (uint32_t i = 0; i < count; i++) v->items[i] = (char *)(uintptr_t)read_string(items);
  return 0;
}

void vector_free(struct vector *v) {
  munmap(v->items, v->size);
}

/* 0 or the errno that execve would give, without trying. */
static int executable(const char *path) {
  struct stat st;
  if (stat(path, &st) < 0) return errno;
  if (!S_ISREG(st.st_mode)) return EACCES;
  return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

int op_find_exec(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  struct reader candidates;
  uint32_t count = read_list(&r, &candidates);
  const char *first = "";
  int number = ENOENT;
  for (uint32_t i = 0; i < count; i++) {
    const char *path = read_string(&candidates);
    if (i == 0) first = path;
    int result = executable(path);
    if (result == EACCES) number = EACCES;
    if (result != 0) continue;
    vm->program = path;
    return 0;
  }
  return err_set(e, number, "find program", first);
}

int op_exec(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  struct reader candidates;
  struct reader strings;
  struct vector argv;
  struct vector env;
  uint32_t count = read_list(&r, &candidates);
  uint32_t arguments = read_list(&r, &strings);
  if (vector_make(&strings, arguments, &argv, e) < 0) return -1;
  uint32_t variables = read_list(&r, &strings);
  if (vector_make(&strings, variables, &env, e) < 0) return -1;
  umask(vm->umask);
  if (op->flags & OPF_BLOCK_SIGNALS) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
  }
  if (vm->program != NULL) {
    execve(vm->program, argv.items, env.items);
    return err_errno(e, "exec", vm->program);
  }
  const char *first = "";
  int number = ENOENT;
  for (uint32_t i = 0; i < count; i++) {
    const char *path = read_string(&candidates);
    if (i == 0) first = path;
    execve(path, argv.items, env.items);
    if (errno == EACCES) number = EACCES;
    if (errno != EACCES && errno != ENOENT && errno != ENOTDIR) return err_errno(e, "exec", path);
  }
  return err_set(e, number, "exec", first);
}
