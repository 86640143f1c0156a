/* Control connections: the daemon's commands to a running shim, and the events it gets in return. */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "shim.h"

#define FRAME_HEAD 12 /* length, type, zero, id */

void shim_announce(struct shim *s, struct event *ev) {
  if (outbox_send(&s->events, ev) < 0 && errno != ENOBUFS) s->events.fd = -1; /* the daemon is gone: we go on */
  for (int i = 0; i < CONNECTION_MAX; i++) {
    struct connection *c = &s->connections[i];
    if (c->fd >= 0 && c->kind == CONN_CONTROL && outbox_send(&c->events, ev) < 0) client_drop(s, c);
  }
}

static int signal_container(struct shim *s, int number) {
  if (s->pid <= 0 || s->exited) return ESRCH;
  return kill(s->pid, number) < 0 ? errno : 0; /* not reaped yet, so the number is still its own */
}

int shim_release(struct shim *s) {
  struct failure f;
  if (s->state != SHIM_CREATED || s->released || !s->vm.held_by_parent) return EINVAL;
  if (vm_release(&s->vm, &f) < 0) return f.err.number;
  s->released = 1;
  return 0;
}

/* Everything the container has written so far is in the file afterwards. */
static int flush_streams(struct shim *s) {
  for (int i = 0; i < 2; i++)
    while (stream_pump(s, &s->out[i], READ_MAX) == READ_MAX) continue;
  log_flush(&s->log);
  return s->log.lost > 0 ? s->log.lost_errno : 0;
}

static int perform(struct shim *s, uint16_t type, struct reader *body) {
  struct err e;
  uint32_t first = 0, second = 0;
  uint64_t inode = 0, nonce = 0;
  if (type == CTL_SIGNAL || type == CTL_RESIZE) first = read_u32(body);
  if (type == CTL_RESIZE) second = read_u32(body);
  if (type == CTL_COMPRESSED) {
    inode = read_u64(body);
    nonce = read_u64(body);
  }
  if (body->failed) return EPROTO;
  switch (type) {
    case CTL_SIGNAL:
      return signal_container(s, (int)first);
    case CTL_RESIZE:
      return terminal_resize(s, first, second);
    case CTL_CLOSE_STDIN:
      input_end(s);
      return 0;
    case CTL_RELEASE:
      return shim_release(s);
    case CTL_ROTATE:
      return log_rotate(&s->log, &e) < 0 ? e.number : 0;
    case CTL_FLUSH_LOG:
      return flush_streams(s);
    case CTL_COMPRESSED:
      return log_put_compressed(&s->log, inode, nonce, &e) < 0 ? e.number : 0;
    default:
      return EOPNOTSUPP;
  }
}

static void put_status(struct shim *s, struct event *ev) {
  event_begin(ev, EVT_STATUS, s->token);
  put_u32(&ev->body, s->state);
  put_u32(&ev->body, (uint32_t)s->pid);
  put_u64(&ev->body, s->starttime);
  put_u32(&ev->body, (uint32_t)s->wait_status);
  put_u64(&ev->body, s->exit_time);
  put_u32(&ev->body, (uint32_t)s->oom.kills);
}

static void handle(struct shim *s, struct connection *c, const uint8_t *frame, size_t length) {
  struct reader r = {.at = frame + 4, .end = frame + length};
  uint16_t type = read_u16(&r);
  read_u16(&r);
  uint32_t id = read_u32(&r);
  struct event ev;
  if (type == CTL_STATUS) {
    put_status(s, &ev);
  } else {
    int error = perform(s, type, &r);
    event_begin(&ev, EVT_DONE, s->token);
    put_u32(&ev.body, id);
    put_u32(&ev.body, (uint32_t)error);
  }
  if (c->fd >= 0 && outbox_send(&c->events, &ev) < 0) client_drop(s, c);
}

void control_ready(struct shim *s, struct connection *c, short events) {
  if ((events & POLLOUT) && outbox_flush(&c->events) == 0) c->progress = monotonic_ms();
  if (!(events & (POLLIN | POLLHUP | POLLERR))) return;
  ssize_t n = recv(c->fd, c->in + c->have, sizeof c->in - c->have, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    client_drop(s, c);
    return;
  }
  c->have = (uint8_t)(c->have + n);
  while (c->have >= 4 && c->fd >= 0) {
    struct reader r = {.at = c->in, .end = c->in + 4};
    size_t length = 4 + (size_t)read_u32(&r);
    if (length < FRAME_HEAD || length > sizeof c->in) {
      client_drop(s, c);
      return;
    }
    if (c->have < length) return;
    handle(s, c, c->in, length);
    c->have = (uint8_t)(c->have - length);
    memmove(c->in, c->in + length, c->have);
  }
}
