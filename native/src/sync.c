/* What parent and child tell each other over the socketpair, and the operations of that dialogue. */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "ops.h"
#include "process-stat.h"
#include "report.h"
#include "sys.h"
#include "text.h"

#define MESSAGE_HEADER offsetof(struct message, detail)

int message_send(int socket, const struct message *m) {
  size_t length = MESSAGE_HEADER + strlen(m->detail) + 1;
  ssize_t sent;
  do sent = send(socket, m, length, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -1 : 0;
}

int send_with_fd(int socket, int fd, const void *data, size_t length) {
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control = {0};
  struct iovec part = {(void *)(uintptr_t)data, length};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
  ssize_t sent;
  do sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0) return -1;
  if ((size_t)sent == length) return 0;
  errno = EIO;
  return -1;
}

ssize_t receive_with_fd(int socket, void *data, size_t size, int flags, int *fd) {
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control = {0};
  struct iovec part = {data, size};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
  ssize_t got;
  do got = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  *fd = -1;
  if (got <= 0) return got;
  const struct cmsghdr *first = CMSG_FIRSTHDR(&message);
  if (first != NULL && first->cmsg_type == SCM_RIGHTS) memcpy(fd, CMSG_DATA(first), sizeof *fd);
  return got;
}

static void take_error(struct vm *vm, const struct message *m) {
  vm->child_failed = 1;
  vm->child_failure.stream = 1;
  vm->child_failure.index = m->number;
  vm->child_failure.code = m->code;
  err_set(&vm->child_failure.err, (int)m->error, m->detail, NULL);
}

int message_receive(struct vm *vm, struct message *m, int flags, struct err *e) {
  int socket = slot_fd(vm, SLOT_SYNC, e);
  if (socket < 0) return -1;
  int fd = -1;
  *m = (struct message){0};
  ssize_t got = receive_with_fd(socket, m, sizeof *m, flags, &fd);
  /* A child that was killed with unread messages resets the connection. */
  if (got == 0 || (got < 0 && (errno == ECONNRESET || errno == EPIPE))) {
    m->kind = MESSAGE_END;
    return 0;
  }
  if (got < 0) return err_errno(e, "recvmsg", "messages of the other side");
  if ((size_t)got < MESSAGE_HEADER) return err_set(e, EPROTO, "short message of the other side", NULL);
  m->detail[ERR_DETAIL - 1] = '\0';
  if (m->kind == MESSAGE_PTY && fd >= 0 && !vm->in_child) {
    if (vm->pty_master >= 0) close(vm->pty_master);
    vm->pty_master = fd;
    return 0;
  }
  if (fd >= 0) close(fd);
  if (m->kind == MESSAGE_ERROR && !vm->in_child) take_error(vm, m);
  return 0;
}

void report_child_failure(const struct vm *vm, const struct failure *f) {
  if (vm->reporter >= 0) {
    struct report frame;
    report_failed(&frame, f);
    report_send(vm->reporter, &frame);
    return;
  }
  if (vm->slots[SLOT_SYNC] < 0) return;
  struct message m = {
      .kind = MESSAGE_ERROR, .number = f->index, .code = f->code, .error = (uint32_t)f->err.number, .detail = ""};
  memcpy(m.detail, f->err.detail, ERR_DETAIL);
  message_send(vm->slots[SLOT_SYNC], &m);
}

static pid_t clone_child(uint64_t flags, int cgroup) {
  struct clone_args_v2 args = {.flags = flags, .exit_signal = SIGCHLD};
  size_t size = offsetof(struct clone_args_v2, set_tid); /* the first version: the most kernels know it */
  if (cgroup >= 0) {
    args.flags |= 0x200000000ull; /* CLONE_INTO_CGROUP */
    args.cgroup = (uint64_t)cgroup;
    size = sizeof args;
  }
  pid_t pid = (pid_t)syscall(435, &args, size);
  if (pid >= 0 || errno != ENOSYS || cgroup >= 0) return pid;
  if ((flags & 0x80) != 0) { /* CLONE_NEWTIME lies in the bits where clone(2) has its signal */
    errno = ENOSYS;
    return -1;
  }
  return sys_fork((unsigned long)flags);
}

int op_clone(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  uint64_t flags = read_u64(&r);
  uint32_t slot = read_u32(&r);
  int cgroup = slot == SLOT_NONE ? -1 : slot_fd(vm, slot, e);
  if (slot != SLOT_NONE && cgroup < 0) return -1;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return err_errno(e, "socketpair", NULL);
  pid_t pid = clone_child(flags, cgroup);
  if (pid == 0) {
    signals_reset();
    vm->in_child = 1;
    close(ends[0]);
    if (vm->slots[SLOT_PARENT_ONLY] >= 0) close(vm->slots[SLOT_PARENT_ONLY]);
    vm->slots[SLOT_PARENT_ONLY] = -1;
    return slot_set(vm, SLOT_SYNC, ends[1], e);
  }
  int number = errno;
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return err_set(e, number, "clone", NULL);
  }
  vm->child = pid;
  if (slot_set(vm, SLOT_SYNC, ends[0], e) < 0) return -1;
  struct process_stat stat;
  if (process_stat(vm->proc, pid, &stat) < 0) return err_errno(e, "read /proc/PID/stat of the child", NULL);
  vm->child_starttime = stat.starttime;
  return 0;
}

int op_post(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  int socket = slot_fd(vm, SLOT_SYNC, e);
  if (socket < 0) return -1;
  struct message m = {.kind = MESSAGE_POST, .number = read_u32(&r), .code = (uint32_t)vm->child};
  /* A parent whose child is gone learns why from the child's own report, which vm_launch prefers. */
  return message_send(socket, &m) < 0 ? err_errno(e, "send", "message to the other side") : 0;
}

static int wait_for_post(struct vm *vm, uint32_t number, struct err *e) {
  struct message m;
  do {
    if (message_receive(vm, &m, 0, e) < 0) return -1;
  } while (m.kind == MESSAGE_PTY);
  if (m.kind == MESSAGE_END) return err_set(e, ECONNRESET, "the other side ended", NULL);
  if (m.kind == MESSAGE_ERROR) return err_set(e, (int)m.error, m.detail, NULL);
  if (m.kind != MESSAGE_POST || m.number != number)
    return err_set(e, EPROTO, "another message than the awaited one", NULL);
  if (vm->in_child && m.code != 0) vm->child = (pid_t)m.code;
  return 0;
}

int op_wait(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  return wait_for_post(vm, read_u32(&r), e);
}

/* The daemon has made meanwhile what the rest needs, or (the pipe ends) it could not, or is gone. */
int op_await(struct vm *vm, const struct op *op, struct err *e) {
  (void)op;
  char byte;
  ssize_t got;
  if (vm->word < 0) return err_set(e, EBADF, "nobody to wait for", NULL);
  do got = read(vm->word, &byte, 1);
  while (got < 0 && errno == EINTR);
  if (got < 0) return err_errno(e, "read", "word to go on");
  close(vm->word);
  vm->word = -1;
  return got == 1 ? 0 : err_set(e, ECANCELED, "told not to go on", NULL);
}

/* Waits for a client that connects and sends a byte; one that leaves without has not started the container. */
static int accept_start(int listener, struct err *e) {
  for (;;) {
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (client < 0) return err_errno(e, "accept", "start socket");
    char byte;
    ssize_t got;
    do got = read(client, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got == 1) return client;
    close(client);
  }
}

int op_hold(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  uint32_t slot = read_u32(&r);
  int listener = slot == SLOT_NONE ? -1 : slot_fd(vm, slot, e);
  if (slot != SLOT_NONE && listener < 0) return -1;
  int socket = slot_fd(vm, SLOT_SYNC, e);
  if (socket < 0) return -1;
  struct message m = {.kind = MESSAGE_HOLD, .number = slot == SLOT_NONE};
  if (message_send(socket, &m) < 0) return err_errno(e, "send", "hold message");
  if (slot == SLOT_NONE) return wait_for_post(vm, POST_RELEASE, e);
  int client = accept_start(listener, e);
  if (client < 0) return -1;
  vm->reporter = client;
  close(listener);
  vm->slots[slot] = -1;
  close(socket);
  vm->slots[SLOT_SYNC] = -1;
  return 0;
}
