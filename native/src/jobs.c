/* RUN, NETLINK_QUERY, SOCKET and SIGNAL: what the launcher does besides launching. */
#include "jobs.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "ops.h"
#include "process-stat.h"
#include "sys.h"
#include "vm.h"

#define REPLY_SPACE (ERR_DETAIL + 64u)
#define RECEIVE_SPACE 65536u
#define NETLINK_SECONDS 10
#define NETLINK_BUFFER (1 << 20)

static struct writer reply_writer(struct buffer *reply) {
  struct err e;
  if (buffer_reserve(reply, REPLY_SPACE, &e) < 0) return (struct writer){.failed = 1};
  return (struct writer){.at = reply->data + reply->end, .end = reply->data + reply->capacity};
}

static int makes_process(const struct plan *plan) {
  struct reader stream = plan->parent;
  struct op op;
  while (plan_next(&stream, &op))
    if (op.code == OP_CLONE) return 1;
  return plan->child_ops > 0;
}

static int perform(const void *data, size_t length, struct failure *f) {
  struct plan plan;
  struct vm vm;
  enum vm_state state;
  if (plan_decode(data, length, &plan, &f->err) < 0) return -1;
  if (makes_process(&plan)) return err_set(&f->err, EINVAL, "a batch must not make a process", NULL);
  vm_init(&vm);
  return vm_launch(&vm, &plan, &state, f);
}

void job_run(const void *plan, size_t length, struct buffer *reply) {
  struct failure f = {.index = SLOT_NONE};
  int failed = perform(plan, length, &f) < 0;
  struct writer w = reply_writer(reply);
  put_u32(&w, failed ? (uint32_t)f.err.number : 0);
  put_u32(&w, failed ? f.index : 0);
  put_u32(&w, failed ? f.code : 0);
  put_string(&w, failed ? f.err.detail : "");
  if (!w.failed) reply->end = (size_t)(w.at - reply->data);
}

/* ---- netlink ---- */

/* Copies the head of the message at *at (which may lie anywhere in memory) and moves past it: 1, or 0 where no whole
 * message stands. */
static int next_message(const uint8_t *data, size_t length, size_t *at, struct nlmsghdr *head) {
  if (length < *at || length - *at < sizeof *head) return 0;
  memcpy(head, data + *at, sizeof *head);
  if (head->nlmsg_len < sizeof *head || head->nlmsg_len > length - *at) return 0;
  *at += NLMSG_ALIGN(head->nlmsg_len);
  return 1;
}

/* How many ends (NLMSG_DONE, an acknowledgement, an error) the kernel will send for these requests. */
static int ends_expected(const uint8_t *data, size_t length) {
  struct nlmsghdr head;
  int ends = 0;
  for (size_t at = 0; next_message(data, length, &at, &head);)
    if ((head.nlmsg_flags & NLM_F_ACK) || (head.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP) ends++;
  return ends;
}

/* Counts the ends in a datagram; -1 and errno for an error of the kernel. A query without ACK or dump ends with its
 * only answer. */
static int count_ends(const uint8_t *data, size_t length, int expected) {
  struct nlmsghdr head;
  int ends = 0;
  for (size_t at = 0, start = 0; next_message(data, length, &at, &head); start = at) {
    int error = 0;
    int is_error = head.nlmsg_type == NLMSG_ERROR && head.nlmsg_len >= NLMSG_LENGTH(sizeof error);
    if (is_error) memcpy(&error, data + start + NLMSG_HDRLEN, sizeof error);
    if (error) {
      errno = -error;
      return -1;
    }
    int only_answer = expected == 0 && !(head.nlmsg_flags & NLM_F_MULTI);
    if (head.nlmsg_type == NLMSG_DONE || head.nlmsg_type == NLMSG_ERROR || only_answer) ends++;
  }
  return ends;
}

static int receive_all(int fd, struct buffer *reply, int expected) {
  struct err e;
  int ends = 0;
  do {
    if (buffer_reserve(reply, RECEIVE_SPACE, &e) < 0) return e.number;
    ssize_t n = recv(fd, reply->data + reply->end, RECEIVE_SPACE, MSG_TRUNC);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN ? ETIMEDOUT : errno;
    if ((size_t)n > RECEIVE_SPACE) return EMSGSIZE;
    int more = count_ends(reply->data + reply->end, (size_t)n, expected);
    int error = more < 0 ? errno : 0;
    reply->end += (size_t)n;
    if (more < 0) return error;
    ends += more;
  } while (ends < expected || ends == 0);
  return 0;
}

static int query(struct reader *request, struct buffer *reply) {
  const char *path = read_string(request);
  uint32_t protocol = read_u32(request);
  struct bytes messages = read_data(request);
  if (request->failed || messages.length < sizeof(struct nlmsghdr)) return EINVAL;
  if (*path) {
    cleanup_close int ns = open(path, O_RDONLY | O_CLOEXEC);
    if (ns < 0 || setns(ns, CLONE_NEWNET) < 0) return errno;
  }
  cleanup_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, (int)protocol);
  if (fd < 0) return errno;
  int size = NETLINK_BUFFER;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  struct timeval patience = {.tv_sec = NETLINK_SECONDS};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  if (sendto(fd, messages.data, messages.length, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0) return errno;
  return receive_all(fd, reply, ends_expected((const uint8_t *)messages.data, messages.length));
}

void job_netlink(struct reader *request, struct buffer *reply) {
  size_t start = reply->end;
  struct err e;
  if (buffer_reserve(reply, REPLY_SPACE, &e) < 0) return;
  reply->end += 8; /* errno and length, known at the end */
  int error = query(request, reply);
  struct writer w = {.at = reply->data + start, .end = reply->data + start + 8};
  put_u32(&w, (uint32_t)error);
  put_u32(&w, (uint32_t)(reply->end - start - 8));
  if (buffer_reserve(reply, 1, &e) == 0) reply->data[reply->end++] = 0;
}

/* ---- sockets ---- */

/* What the other end has said in answer to earlier ones: nobody waits for it, but it takes space. */
static void drain(int channel) {
  char bytes[4096];
  while (recv(channel, bytes, sizeof bytes, MSG_DONTWAIT) > 0) continue;
}

static int make_socket(struct reader *request, int channel, struct sockaddr_storage *address, socklen_t *length) {
  const char *path = read_string(request);
  int type = (int)read_u32(request);
  struct bytes wanted = read_data(request);
  struct bytes message = read_data(request);
  if (request->failed || wanted.length < sizeof(sa_family_t) || wanted.length > sizeof *address) return EINVAL;
  memcpy(address, wanted.data, wanted.length);
  if (*path) {
    cleanup_close int ns = open(path, O_RDONLY | O_CLOEXEC);
    if (ns < 0 || setns(ns, CLONE_NEWNET) < 0) return errno;
  }
  cleanup_close int fd = socket(address->ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  const int on = 1;
  if (type == SOCK_STREAM && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) return errno;
  if (bind(fd, (struct sockaddr *)address, (socklen_t)wanted.length) < 0) return errno;
  if (type == SOCK_STREAM && listen(fd, SOMAXCONN) < 0) return errno;
  *length = sizeof *address;
  if (getsockname(fd, (struct sockaddr *)address, length) < 0) return errno;
  drain(channel);
  return send_with_fd(channel, fd, message.data, message.length) < 0 ? errno : 0;
}

void job_socket(struct reader *request, int channel, struct buffer *reply) {
  struct sockaddr_storage address = {0};
  socklen_t length = 0;
  struct err e;
  int error = make_socket(request, channel, &address, &length);
  if (buffer_reserve(reply, REPLY_SPACE, &e) < 0) return;
  struct writer w = {.at = reply->data + reply->end, .end = reply->data + reply->capacity};
  put_u32(&w, (uint32_t)error);
  put_bytes(&w, &address, error ? 0 : length);
  if (!w.failed) reply->end = (size_t)(w.at - reply->data);
}

/* ---- signals ---- */

int signal_process(uint32_t pid, uint64_t starttime, uint32_t number) {
  struct process_stat now;
  if (pid == 0 || pid > INT32_MAX) return ESRCH;
  cleanup_close int fd = sys_pidfd_open((pid_t)pid);
  if (fd < 0 && errno != ENOSYS) return errno;
  cleanup_close int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (starttime != 0 && (process_stat(proc, (pid_t)pid, &now) < 0 || now.starttime != starttime)) return ESRCH;
  long failed = fd < 0 ? kill((pid_t)pid, (int)number) : syscall(424 /* pidfd_send_signal */, fd, number, NULL, 0);
  return failed < 0 ? errno : 0;
}
