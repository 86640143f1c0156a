/* The launcher's loop: frames on fd 3, a shim per LAUNCH, a process per RUN, children that end, replies in any order.
 */
#include "launcher-parts.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "jobs.h"
#include "protocol.h"
#include "sys.h"

#define FRAME_MAX (64u << 20)
#define KEEP_BUFFER (256u << 10) /* of an empty request buffer */
#define RECEIVE_SPACE 65536u

int complain(const char *message) {
  static const char name[] = "skiff-helper launcher: ";
  if (write_all(2, name, sizeof name - 1) == 0 && write_all(2, message, strlen(message)) == 0) write_all(2, "\n", 1);
  return -1;
}

void set_dispositions(void (*handler)(int)) {
  static const int numbers[] = {SIGPIPE, SIGHUP, SIGINT, SIGTERM};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) signal(numbers[i], handler);
}

/* ---- replies ---- */

void frame_head(struct writer *w, uint32_t rest, uint32_t id, uint16_t type) {
  put_u32(w, rest);
  put_u32(w, id);
  put_u16(w, (uint16_t)(type | REPLY_BIT));
  put_u16(w, 0);
}

int queue_bytes(struct launcher *l, const void *data, size_t length) {
  struct err e;
  if (buffer_reserve(&l->out, length, &e) < 0) return complain(e.detail);
  memcpy(l->out.data + l->out.end, data, length);
  l->out.end += length;
  return 0;
}

static int queue_reply(struct launcher *l, uint32_t id, uint16_t type, const struct writer *body,
                       const uint8_t *start) {
  uint8_t head[FRAME_HEAD];
  struct writer w = {.at = head, .end = head + sizeof head};
  size_t length = (size_t)(body->at - start);
  frame_head(&w, (uint32_t)(length + FRAME_HEAD - 4), id, type);
  return queue_bytes(l, head, sizeof head) < 0 ? -1 : queue_bytes(l, start, length);
}

/* A reply that is an errno, and a second number for LAUNCH and PING. */
static int reply_numbers(struct launcher *l, const struct request *r, int error, uint32_t second) {
  uint8_t bytes[8];
  struct writer w = {.at = bytes, .end = bytes + sizeof bytes};
  put_u32(&w, (uint32_t)error);
  if (r->type == REQ_LAUNCH || r->type == REQ_PING) put_u32(&w, second);
  return queue_reply(l, r->id, r->type, &w, bytes);
}

int reply_unperformed(struct launcher *l, uint32_t id, uint16_t type, int error, const char *detail) {
  uint8_t bytes[256];
  struct writer w = {.at = bytes, .end = bytes + sizeof bytes};
  put_u32(&w, (uint32_t)error);
  if (type == REQ_RUN) {
    put_u32(&w, SLOT_NONE);
    put_u32(&w, 0);
  }
  put_string(&w, type == REQ_RUN ? detail : "");
  return queue_reply(l, id, type, &w, bytes);
}

static int send_replies(struct launcher *l) {
  while (buffer_used(&l->out) > 0) {
    ssize_t n = send(REQUEST_FD, l->out.data + l->out.start, buffer_used(&l->out), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN ? 0 : -1;
    buffer_consume(&l->out, (size_t)n);
  }
  buffer_trim(&l->out, KEEP_BUFFER);
  return 0;
}

/* ---- processes ---- */

void close_others(unsigned first, unsigned keep) {
  if (sys_close_range(first, keep - 1, 0) == 0 && sys_close_range(keep + 1, ~0u, 0) == 0) return;
  for (unsigned fd = first; fd < 1024; fd++)
    if (fd != keep) close((int)fd);
}

static void free_all_but_request(void *context) {
  struct launcher *l = context;
  for (size_t i = 0; i < job_count(l); i++) buffer_free(&job_at(l, i)->reply);
  buffer_free(&l->out);
  buffer_free(&l->jobs);
  buffer_free(&l->shims.entries);
  buffer_free(&l->events.queue);
}

static void free_request(void *context) {
  struct launcher *l = context;
  buffer_free(&l->in);
}

static int launch(struct launcher *l, const struct request *r) {
  pid_t pid = 0;
  int error = shims_launch(&l->shims, &l->home, r->body, &pid);
  return reply_numbers(l, r, error, (uint32_t)pid);
}

static void shim_ended(struct launcher *l, pid_t pid, int status) {
  uint64_t token;
  if (shims_forget(&l->shims, pid, &token) < 0 || status == 0) return;
  struct event ev;
  event_begin(&ev, EVT_SHIM_LOST, token);
  put_u32(&ev.body, (uint32_t)pid);
  put_u32(&ev.body, (uint32_t)status);
  if (outbox_send(&l->events, &ev) < 0) complain("an event could not be sent");
}

static void reap(struct launcher *l) {
  struct signalfd_siginfo info;
  int status;
  pid_t pid;
  while (read(l->signal_fd, &info, sizeof info) > 0) continue;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) shim_ended(l, pid, status);
}

size_t frame_length(const struct buffer *b) {
  struct reader r = {.at = b->data + b->start, .end = b->data + b->end};
  return 4 + (size_t)read_u32(&r);
}

/* ---- requests ---- */

static int dispatch(struct launcher *l, struct request *r) {
  struct reader body = r->body;
  switch (r->type) {
    case REQ_LAUNCH:
      return launch(l, r);
    case REQ_RUN:
    case REQ_NETLINK_QUERY:
    case REQ_SOCKET:
      return start_job(l, r);
    case REQ_SIGNAL: {
      uint32_t pid = read_u32(&body);
      uint64_t starttime = read_u64(&body);
      uint32_t number = read_u32(&body);
      return reply_numbers(l, r, body.failed ? EINVAL : signal_process(pid, starttime, number), 0);
    }
    case REQ_PROCEED: {
      uint64_t token = read_u64(&body);
      uint32_t goes_on = read_u32(&body);
      shims_proceed(&l->shims, token, !body.failed && goes_on);
      return 0;
    }
    case REQ_PING:
      return reply_numbers(l, r, 0, PROTOCOL_VERSION);
    default:
      return complain("a request of an unknown type");
  }
}

/* Performs the whole frames that have arrived. -1: the peer does not speak this protocol. */
static int take_frames(struct launcher *l) {
  struct err e;
  while (buffer_used(&l->in) >= FRAME_HEAD) {
    size_t length = frame_length(&l->in);
    if (length < FRAME_HEAD || length > FRAME_MAX) return complain("a frame of an impossible length");
    if (buffer_used(&l->in) < length) {
      if (buffer_reserve(&l->in, length - buffer_used(&l->in), &e) < 0) return complain(e.detail);
      return 0;
    }
    struct reader r = {.at = l->in.data + l->in.start + 4, .end = l->in.data + l->in.start + length};
    struct request request = {.id = read_u32(&r), .type = read_u16(&r)};
    if (read_u16(&r) != 0) return complain("a malformed frame");
    request.body = r;
    if (dispatch(l, &request) < 0) return -1;
    buffer_consume(&l->in, length);
  }
  buffer_trim(&l->in, KEEP_BUFFER);
  return 0;
}

/* 1: go on, 0: the daemon has closed, -1: malformed. */
static int receive(struct launcher *l) {
  struct err e;
  if (buffer_reserve(&l->in, RECEIVE_SPACE, &e) < 0) return complain(e.detail);
  ssize_t n = recv(REQUEST_FD, l->in.data + l->in.end, l->in.capacity - l->in.end, MSG_DONTWAIT);
  if (n < 0) return errno == EAGAIN || errno == EINTR ? 1 : 0;
  if (n == 0) return 0;
  l->in.end += (size_t)n;
  return take_frames(l) < 0 ? -1 : 1;
}

enum { AT_SIGNAL, AT_REQUEST, AT_EVENTS, AT_JOBS };
#define JOBS_WATCHED 256

static int serve(struct launcher *l) {
  struct pollfd fds[AT_JOBS + JOBS_WATCHED];
  size_t jobs = job_count(l) < JOBS_WATCHED ? job_count(l) : JOBS_WATCHED;
  short request = buffer_used(&l->out) > 0 ? POLLIN | POLLOUT : POLLIN;
  fds[AT_SIGNAL] = (struct pollfd){.fd = l->signal_fd, .events = POLLIN};
  fds[AT_REQUEST] = (struct pollfd){.fd = REQUEST_FD, .events = request};
  fds[AT_EVENTS] = (struct pollfd){.fd = buffer_used(&l->events.queue) > 0 ? EVENT_FD : -1, .events = POLLOUT};
  for (size_t i = 0; i < jobs; i++) fds[AT_JOBS + i] = (struct pollfd){.fd = job_at(l, i)->fd, .events = POLLIN};
  if (poll(fds, AT_JOBS + jobs, -1) < 0) return errno == EINTR ? 1 : complain("poll failed");
  /* From the last one: removing a job moves the last one into its place. */
  for (size_t i = jobs; i-- > 0;)
    if (fds[AT_JOBS + i].revents && job_ready(l, i) < 0) return -1;
  if (fds[AT_SIGNAL].revents) reap(l);
  if (fds[AT_EVENTS].revents && outbox_flush(&l->events) < 0) buffer_free(&l->events.queue);
  int alive = fds[AT_REQUEST].revents & (POLLIN | POLLHUP | POLLERR) ? receive(l) : 1;
  return alive <= 0 ? alive : send_replies(l) < 0 ? 0 : 1;
}

/* Everything is inherited by the shims, so that each of them saves the system calls. */
static int prepare(struct launcher *l) {
  static const char score[] = "-999";
  sigset_t blocked;
  struct stat st;
  if (fstat(REQUEST_FD, &st) < 0 || !S_ISSOCK(st.st_mode)) return complain("fd 3 is not a socket");
  if (fstat(EVENT_FD, &st) < 0 || !S_ISSOCK(st.st_mode)) return complain("fd 4 is not a socket");
  if (fcntl(REQUEST_FD, F_SETFD, FD_CLOEXEC) < 0 || fcntl(EVENT_FD, F_SETFD, FD_CLOEXEC) < 0) return complain("fcntl");
  fcntl(SOCKET_FD, F_SETFD, FD_CLOEXEC); /* there only where sockets will be asked for */
  cleanup_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0) return complain("/dev/null cannot be opened");
  if (chdir("/") < 0) return complain("chdir /");
  umask(022);
  set_dispositions(SIG_IGN);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGCHLD);
  sigprocmask(SIG_BLOCK, &blocked, NULL);
  l->signal_fd = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
  if (l->signal_fd < 0) return complain("signalfd failed");
  cleanup_close int oom = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (oom >= 0 && write(oom, score, sizeof score - 1) < 0) errno = 0; /* not permitted: we live with it */
  return 0;
}

int launcher_main(char *title, size_t title_size) {
  struct launcher l = {.events = {.fd = EVENT_FD, .limit = 1u << 20}};
  l.home = (struct shim_home){.title = title,
                              .title_size = title_size,
                              .event_fd = EVENT_FD,
                              .forget_others = free_all_but_request,
                              .free_request = free_request,
                              .context = &l};
  if (prepare(&l) < 0) return 1;
  for (;;) {
    int alive = serve(&l);
    if (alive <= 0) return alive < 0 ? 1 : 0;
  }
}
