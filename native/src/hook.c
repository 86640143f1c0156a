/* Operation HOOK: runs a program beside the container and waits for it. Its input and its messages are files in memory:
 * nothing has to be fed or drained while it runs, and one that leaves a process behind does not keep us. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "ops.h"
#include "sys.h"
#include "text.h"

#define TAIL 256
#define POLL_MS 2 /* between two looks where there is no pidfd */

struct hook {
  const char *path;
  struct vector argv, env;
  int input, messages;
};

static int write_whole(int fd, const char *data, size_t length) {
  while (length > 0) {
    ssize_t written = write(fd, data, length);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return -1;
    data += written;
    length -= (size_t)written;
  }
  return 0;
}

static int make_input(const struct vm *vm, struct reader *parts, uint32_t count, int fd, struct err *e) {
  TEXT(pid, 24);
  if (count > 1 && child_pid_text(vm, &pid, e) < 0) return -1;
  for (uint32_t i = 0; i < count; i++) {
    const char *part = read_string(parts);
    if ((i > 0 && write_whole(fd, pid.data, pid.length) < 0) || write_whole(fd, part, strlen(part)) < 0)
      return err_errno(e, "write", "a hook's input");
  }
  return lseek(fd, 0, SEEK_SET) < 0 ? err_errno(e, "seek", "a hook's input") : 0;
}

static void hook_main(const struct vm *vm, const struct hook *h, int exec_error) __attribute__((noreturn));
static void hook_main(const struct vm *vm, const struct hook *h, int exec_error) {
  struct err ignore;
  signals_reset();
  umask(vm->umask);
  int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (dup2(h->input, STDIN_FILENO) >= 0 && dup2(null >= 0 ? null : h->messages, STDOUT_FILENO) >= 0 &&
      dup2(h->messages, STDERR_FILENO) >= 0 && close_range_on_exec(vm, STDERR_FILENO + 1, &ignore) == 0)
    execve(h->path, h->argv.items, h->env.items);
  int number = errno;
  if (write(exec_error, &number, sizeof number) < 0) _exit(126);
  _exit(127);
}

static uint64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* 1: it has ended; 0: the time is over. */
static int wait_until(pid_t pid, uint32_t timeout_ms, int *status) {
  if (timeout_ms == 0) return wait_for(pid, status) == 0;
  cleanup_close int pidfd = sys_pidfd_open(pid);
  struct pollfd watched = {pidfd, POLLIN, 0};
  uint64_t end = now_ms() + timeout_ms;
  for (;;) {
    if (waitpid(pid, status, WNOHANG) == pid) return 1;
    uint64_t now = now_ms();
    if (now >= end) return 0;
    uint64_t left = pidfd < 0 ? POLL_MS : end - now;
    poll(&watched, 1, left > 0x7fffffff ? 0x7fffffff : (int)left);
  }
}

static int hook_failed(const struct hook *h, int number, const char *how, struct err *e) {
  TEXT(detail, ERR_DETAIL);
  char tail[TAIL];
  text_add(&detail, h->path);
  text_add(&detail, " ");
  text_add(&detail, how);
  off_t size = lseek(h->messages, 0, SEEK_END);
  ssize_t got = pread(h->messages, tail, sizeof tail, size > TAIL ? size - TAIL : 0);
  while (got > 0 && (tail[got - 1] == '\n' || tail[got - 1] == '\0')) got--;
  if (got > 0) {
    text_add(&detail, ": ");
    text_bytes(&detail, tail, (size_t)got);
  }
  return err_set(e, number, "hook", detail.data);
}

static int run_hook(const struct vm *vm, const struct hook *h, uint32_t timeout_ms, struct err *e) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return err_errno(e, "pipe", h->path);
  cleanup_close int reading = ends[0];
  pid_t pid = sys_fork(0);
  if (pid == 0) hook_main(vm, h, ends[1]);
  int number = errno;
  close(ends[1]);
  if (pid < 0) return err_set(e, number, "fork", h->path);
  int status = 0;
  ssize_t got;
  do got = read(reading, &number, sizeof number);
  while (got < 0 && errno == EINTR);
  if (got == (ssize_t)sizeof number) { /* otherwise exec has closed the pipe */
    wait_for(pid, &status);
    return err_set(e, number, "exec hook", h->path);
  }
  if (!wait_until(pid, timeout_ms, &status)) {
    kill(pid, SIGKILL);
    wait_for(pid, &status);
    return hook_failed(h, ETIMEDOUT, "took too long", e);
  }
  if (status == 0) return 0;
  TEXT(how, 64);
  text_status(&how, status);
  return hook_failed(h, ECHILD, how.data, e);
}

int op_hook(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  struct reader items;
  struct hook h = {.path = read_string(&r)};
  cleanup_close int input = memfd_create("hook-input", MFD_CLOEXEC);
  if (input < 0) return err_errno(e, "memfd_create", h.path);
  cleanup_close int messages = memfd_create("hook-messages", MFD_CLOEXEC);
  if (messages < 0) return err_errno(e, "memfd_create", h.path);
  h.input = input;
  h.messages = messages;
  uint32_t count = read_list(&r, &items);
  if (vector_make(&items, count, &h.argv, e) < 0) return -1;
  count = read_list(&r, &items);
  if (vector_make(&items, count, &h.env, e) < 0) {
    vector_free(&h.argv);
    return -1;
  }
  uint32_t timeout_ms = read_u32(&r);
  count = read_list(&r, &items);
  int result = make_input(vm, &items, count, input, e);
  if (result == 0) result = run_hook(vm, &h, timeout_ms, e);
  vector_free(&h.argv);
  vector_free(&h.env);
  return result;
}
