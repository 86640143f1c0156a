/* The executor: performs a stream operation by operation, and follows the child until it is held, runs or has failed.
 */
#include "vm.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ops.h"
#include "process-stat.h"
#include "text.h"

#define PROGRESS_SIZE 4096

typedef int op_function(struct vm *vm, const struct op *op, struct err *e);

#define OP_ENTRY(name, function, who, shape, flags) [OP_##name] = function,
static op_function *const functions[] = {OP_TABLE(OP_ENTRY)};
#undef OP_ENTRY

void vm_init(struct vm *vm) {
  *vm = (struct vm){.pty_master = -1, .proc = -1, .word = -1, .reporter = -1};
  for (uint32_t i = 0; i < SLOT_COUNT; i++) vm->slots[i] = -1;
}

int slot_fd(const struct vm *vm, uint32_t slot, struct err *e) {
  if (slot < SLOT_COUNT && vm->slots[slot] >= 0) return vm->slots[slot];
  TEXT(number, 24);
  text_number(&number, slot);
  return err_set(e, EBADF, "empty slot", number.data);
}

int slot_at(const struct vm *vm, uint32_t slot, struct err *e) {
  return slot == SLOT_NONE ? AT_FDCWD : slot_fd(vm, slot, e);
}

int slot_set(struct vm *vm, uint32_t slot, int fd, struct err *e) {
  if (fd < 0) return -1;
  if (fd <= STDERR_FILENO) { /* one of the standard three was closed: it belongs to the program, not to a plan */
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(fd);
    if (moved < 0) return err_errno(e, "fcntl", "F_DUPFD_CLOEXEC");
    fd = moved;
  }
  if (vm->slots[slot] >= 0) close(vm->slots[slot]);
  vm->slots[slot] = fd;
  vm->tree[slot] = 0;
  return 0;
}

void signals_reset(void) {
  struct sigaction plain = {.sa_handler = SIG_DFL};
  for (int number = 1; number < NSIG; number++) sigaction(number, &plain, NULL); /* KILL and STOP refuse */
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

int wait_for(pid_t pid, int *status) {
  pid_t got;
  do got = waitpid(pid, status, 0);
  while (got < 0 && errno == EINTR);
  return got == pid ? 0 : -1;
}

void text_status(struct text *t, int status) {
  text_add(t, WIFSIGNALED(status) ? "was killed by signal " : "exited with ");
  text_number(t, (uint64_t)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)));
}

int child_pid_text(const struct vm *vm, struct text *t, struct err *e) {
  if (vm->child > 0) {
    text_number(t, (uint64_t)vm->child);
    return 0;
  }
  /* The child before a WAIT: "self" of the /proc opened before CLONE is its pid in the parent's namespace. */
  char self[24];
  ssize_t length = vm->in_child ? readlinkat(vm->proc, "self", self, sizeof self) : -1;
  if (length <= 0) return err_set(e, ESRCH, "no child yet", NULL);
  text_bytes(t, self, (size_t)length);
  return 0;
}

static int ignored(const struct op *op, int number) {
  if ((op->flags & OPF_OPTIONAL) != 0) return 1;
  if ((op->flags & OPF_IGNORE_ENOENT) != 0 && number == ENOENT) return 1;
  return (op->flags & OPF_IGNORE_EEXIST) != 0 && number == EEXIST;
}

/* Performs a stream to its end or first failure. In the child it comes back from CLONE at once, to begin its own. */
static int perform(struct vm *vm, struct reader stream, struct failure *f) {
  struct op op;
  for (uint32_t index = 0; plan_next(&stream, &op); index++) {
    f->index = index;
    f->code = op.code;
    if (vm->in_child) *vm->progress = (struct progress){index, op.code};
    int result = functions[op.code](vm, &op, &f->err);
    if (result < 0 && !ignored(&op, f->err.number)) return -1;
    if (vm->in_child && f->stream == 0) return result;
  }
  return 0;
}

static void child_main(struct vm *vm, struct reader stream, const struct failure *clone_failure)
    __attribute__((noreturn));
static void child_main(struct vm *vm, struct reader stream, const struct failure *clone_failure) {
  struct failure f = {.stream = 1};
  if (clone_failure != NULL) {
    f.err = clone_failure->err;
  } else if (perform(vm, stream, &f) == 0) {
    err_set(&f.err, EPROTO, "child stream ended without exec", NULL); /* the decoder does not let this happen */
  }
  report_child_failure(vm, &f);
  _exit(1);
}

static int prepare(struct vm *vm, struct failure *f) {
  if (vm->proc < 0) vm->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (vm->proc < 0) return err_errno(&f->err, "open", "/proc");
  vm->progress = mmap(NULL, PROGRESS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (vm->progress == MAP_FAILED) {
    vm->progress = NULL;
    return err_errno(&f->err, "mmap", "page shared with the child");
  }
  vm->umask = umask(0);
  return 0;
}

/* Kills and reaps the child. A failure that it reported itself came first: it replaces what the parent saw of it. */
static int abandon(struct vm *vm, struct failure *f) {
  struct message m = {.kind = MESSAGE_POST};
  struct err ignore;
  while (vm->child > 0 && !vm->child_failed && m.kind != MESSAGE_END && vm->slots[SLOT_SYNC] >= 0)
    if (message_receive(vm, &m, MSG_DONTWAIT, &ignore) < 0) break;
  if (vm->child > 0) {
    int status;
    kill(vm->child, SIGKILL);
    wait_for(vm->child, &status);
    vm->child = 0;
  }
  if (vm->child_failed) *f = vm->child_failure;
  return -1;
}

/* The child's end of the socketpair is closed: by exec, or because it died. The kernel keeps which of both. */
static int ended(struct vm *vm, struct failure *f) {
  struct process_stat stat;
  if (process_stat(vm->proc, vm->child, &stat) == 0 && (stat.flags & PROCESS_NOT_EXECED) == 0) {
    close(vm->slots[SLOT_SYNC]);
    vm->slots[SLOT_SYNC] = -1;
    return 0;
  }
  int status = 0;
  TEXT(how, 64);
  kill(vm->child, SIGKILL);
  if (wait_for(vm->child, &status) == 0) text_status(&how, status);
  vm->child = 0;
  f->stream = 1;
  f->index = vm->progress->index;
  f->code = vm->progress->code;
  return err_set(&f->err, ECANCELED, "the process ended before its program ran", how.data);
}

/* Reads the child's messages until it is held (when that may still come) or its stream has ended. */
static int follow(struct vm *vm, int may_hold, enum vm_state *state, struct failure *f) {
  struct message m;
  for (;;) {
    f->stream = 1;
    if (message_receive(vm, &m, 0, &f->err) < 0) return abandon(vm, f);
    if (m.kind == MESSAGE_PTY) continue;
    if (m.kind == MESSAGE_END) {
      *state = VM_EXECED;
      return ended(vm, f);
    }
    if (m.kind == MESSAGE_HOLD && may_hold) {
      *state = VM_HELD;
      vm->held_by_parent = m.number != 0;
      return 0;
    }
    if (m.kind != MESSAGE_ERROR) err_set(&f->err, EPROTO, "message of the child that nobody awaits", NULL);
    return abandon(vm, f);
  }
}

int vm_launch(struct vm *vm, const struct plan *plan, enum vm_state *state, struct failure *f) {
  *f = (struct failure){0};
  if (prepare(vm, f) < 0) return -1;
  int result = perform(vm, plan->parent, f);
  if (vm->in_child) child_main(vm, plan->child, result < 0 ? f : NULL);
  umask(vm->umask);
  if (result < 0) return abandon(vm, f);
  *state = VM_BATCH_DONE;
  return vm->child == 0 ? 0 : follow(vm, 1, state, f);
}

int vm_release(struct vm *vm, struct failure *f) {
  *f = (struct failure){.stream = 1};
  struct message m = {.kind = MESSAGE_POST, .number = POST_RELEASE, .code = (uint32_t)vm->child};
  int socket = slot_fd(vm, SLOT_SYNC, &f->err);
  if (socket < 0) return -1;
  if (message_send(socket, &m) == 0 || errno == EPIPE || errno == ECONNRESET) return 0; /* vm_finish tells its end */
  return err_errno(&f->err, "send", "release to the held process");
}

int vm_finish(struct vm *vm, struct failure *f) {
  enum vm_state state;
  *f = (struct failure){0};
  return follow(vm, 0, &state, f);
}

void vm_close(struct vm *vm) {
  for (uint32_t i = 0; i < SLOT_COUNT; i++) {
    if (vm->slots[i] >= 0) close(vm->slots[i]);
    vm->slots[i] = -1;
  }
  int *own[] = {&vm->pty_master, &vm->proc, &vm->word, &vm->reporter};
  for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
    if (*own[i] >= 0) close(*own[i]);
    *own[i] = -1;
  }
  if (vm->progress != NULL) munmap(vm->progress, PROGRESS_SIZE);
  vm->progress = NULL;
}
