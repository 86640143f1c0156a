/* The shim's socket: accepts connections, reads what each of them wants to be, and ends them. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "shim.h"
#include "text.h"

#define HELLO_SIZE 8
#define EVENTS_KEPT 16384 /* bytes of events kept for a control client that does not read */

/* Binds RUN/NAME through /proc/self/fd of the folder: its own path may be longer than sun_path. */
int folder_listen(int folder, const char *run_dir, const char *name, int *fd, struct err *e) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct text path = text_over(address.sun_path, sizeof address.sun_path);
  text_fd_path(&path, folder, name);
  *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (*fd < 0) return err_errno(e, "socket", name);
  /* The mode of the socket before bind is the mode of the file: it is never open to others. */
  if (fchmod(*fd, 0600) < 0) return err_errno(e, "chmod", name);
  int bound = bind(*fd, (struct sockaddr *)&address, sizeof address);
  if (bound < 0 && errno == EADDRINUSE) { /* left by a shim that was killed */
    unlinkat(folder, name, 0);
    bound = bind(*fd, (struct sockaddr *)&address, sizeof address);
  }
  if (bound < 0) return err_errno(e, name, run_dir);
  return listen(*fd, CONNECTION_MAX) < 0 ? err_errno(e, "listen", name) : 0;
}

int run_listen(const struct shim *s, const char *name, int *fd, struct err *e) {
  return folder_listen(s->run_fd, s->record.run_dir, name, fd, e);
}

int clients_listen(struct shim *s, struct err *e) {
  return s->listen_fd >= 0 ? 0 : run_listen(s, SHIM_SOCKET, &s->listen_fd, e);
}

static void answer(int fd, int error) {
  uint8_t bytes[4];
  struct writer w = {.at = bytes, .end = bytes + sizeof bytes};
  put_u32(&w, (uint32_t)error);
  send(fd, bytes, sizeof bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Where the log stands: all that was written before is in front of it, all that comes goes to the client. */
static void answer_mark(const struct shim *s, int fd) {
  uint8_t bytes[28];
  struct stat st = {0};
  struct writer w = {.at = bytes, .end = bytes + sizeof bytes};
  if (s->log.fd >= 0) fstat(s->log.fd, &st);
  put_u32(&w, 0);
  put_u64(&w, (uint64_t)st.st_ino);
  put_u64(&w, s->log.size);
  put_u64(&w, unix_time_ns());
  send(fd, bytes, sizeof bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static struct connection *free_connection(struct shim *s) {
  for (int i = 0; i < CONNECTION_MAX; i++)
    if (s->connections[i].fd < 0) return &s->connections[i];
  return NULL;
}

void clients_accept(struct shim *s) {
  for (;;) {
    int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    struct connection *c = free_connection(s);
    if (!c) {
      answer(fd, EUSERS);
      close(fd);
      continue;
    }
    memset(c, 0, sizeof *c);
    c->fd = fd;
    c->events.fd = -1;
    client_ready(s, c, POLLIN); /* the hello is mostly there already */
  }
}

void client_drop(struct shim *s, struct connection *c) {
  if (c->fd < 0) return;
  close(c->fd);
  c->fd = -1;
  if (c->ring) munmap(c->ring, c->ring_size);
  c->ring = NULL;
  buffer_free(&c->events.queue);
  if (c->kind == CONN_ATTACH && c->stdin_open) attach_input_ended(s, c);
  c->kind = 0;
}

static void read_hello(struct shim *s, struct connection *c) {
  ssize_t n = recv(c->fd, c->in + c->have, (size_t)(HELLO_SIZE - c->have), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    client_drop(s, c);
    return;
  }
  c->have = (uint8_t)(c->have + n);
  if (c->have < HELLO_SIZE) return;
  struct reader r = {.at = c->in, .end = c->in + HELLO_SIZE};
  uint32_t magic = read_u32(&r);
  uint16_t what = read_u16(&r);
  int error = EPROTO;
  c->have = 0;
  int marked = (uint8_t)what == CONN_ATTACH_MARKED;
  c->kind = marked ? CONN_ATTACH : (uint8_t)what;
  c->flags = (uint8_t)(what >> 8);
  if (magic == HELLO_MAGIC && c->kind == CONN_ATTACH) error = attach_begin(s, c);
  if (magic == HELLO_MAGIC && c->kind == CONN_CONTROL) error = 0;
  if (marked && !error) {
    answer_mark(s, c->fd);
    attach_carried(s, c);
  } else {
    answer(c->fd, error);
  }
  if (error) {
    client_drop(s, c);
  } else if (c->kind == CONN_CONTROL) {
    c->events.fd = c->fd;
    c->events.limit = EVENTS_KEPT;
  }
}

short client_interest(const struct shim *s, const struct connection *c, int *fd) {
  *fd = c->fd;
  if (c->fd < 0) return 0;
  if (c->kind == CONN_ATTACH) return attach_interest(s, c, fd);
  return (short)(POLLIN | (buffer_used(&c->events.queue) > 0 ? POLLOUT : 0));
}

void client_ready(struct shim *s, struct connection *c, short events) {
  if (c->fd < 0) return;
  if (c->kind == CONN_ATTACH)
    attach_ready(s, c, events);
  else if (c->kind == CONN_CONTROL)
    control_ready(s, c, events);
  else
    read_hello(s, c);
}

/* Nothing more will come for it, and it has everything. */
static int is_served(const struct shim *s, const struct connection *c) {
  int input = c->kind == CONN_ATTACH && c->stdin_open && input_possible(s);
  if (c->hung_up) return !input;
  if (c->kind == CONN_ATTACH) return streams_ended(s) && c->ring_used == 0 && !input;
  return s->state == SHIM_EXITED && buffer_used(&c->events.queue) == 0;
}

/* An attached client that has everything is told so, and stays until it has gone or says that it sends nothing more: to
 * close with its input unread would be a reset, and EPIPE for what it sends next, and might cost it what it has not
 * read yet. */
static int lingers(struct connection *c) {
  if (c->kind != CONN_ATTACH || c->hung_up) return 0;
  if (!c->finished) shutdown(c->fd, SHUT_WR);
  c->finished = 1;
  return 1;
}

int clients_settle(struct shim *s) {
  int left = 0;
  for (int i = 0; i < CONNECTION_MAX; i++) {
    struct connection *c = &s->connections[i];
    if (c->fd < 0) continue;
    int stalled = s->state == SHIM_EXITED && monotonic_ms() - c->progress >= STALL_MS;
    if (stalled || (is_served(s, c) && !lingers(c)))
      client_drop(s, c);
    else
      left++;
  }
  return left;
}
