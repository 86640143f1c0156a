/* Attached clients: output to each of them through a bounded ring, and their input to the container's stdin. */
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "shim.h"

#define HEADER_SIZE 8

static uint8_t *map_ring(uint32_t size) {
  void *ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return ring == MAP_FAILED ? NULL : ring;
}

int attach_begin(struct shim *s, struct connection *c) {
  c->ring = map_ring(RING_SIZE);
  if (!c->ring) return ENOMEM;
  c->ring_size = RING_SIZE;
  int error = (c->flags & ATTACH_RELEASE) ? shim_release(s) : 0;
  c->stdin_open = error == 0 && (c->flags & ATTACH_STDIN) != 0;
  return error;
}

static int listens_to(const struct connection *c, const struct stream *out) {
  return c->fd >= 0 && c->kind == CONN_ATTACH && !c->hung_up &&
         (c->flags & (out->number == 2 ? ATTACH_STDERR : ATTACH_STDOUT)) != 0;
}

size_t attach_room(const struct shim *s, const struct stream *out) {
  size_t room = SIZE_MAX;
  for (int i = 0; i < CONNECTION_MAX; i++) {
    const struct connection *c = &s->connections[i];
    if (!listens_to(c, out)) continue;
    size_t left = c->ring_size - c->ring_used;
    left = left > HEADER_SIZE ? left - HEADER_SIZE : 0;
    if (left < room) room = left;
  }
  return room;
}

static void ring_put(struct connection *c, const void *data, size_t length) {
  const uint8_t *from = data;
  while (length > 0) {
    uint32_t at = (c->ring_start + c->ring_used) % c->ring_size;
    size_t step = c->ring_size - at < length ? c->ring_size - at : length;
    memcpy(c->ring + at, from, step);
    c->ring_used += (uint32_t)step;
    from += step;
    length -= step;
  }
}

/* The reader is gone; its input, if any is left, is still taken. */
static void hang_up(struct connection *c) {
  c->hung_up = 1;
  c->ring_used = 0;
}

/* The bytes the socket has taken; none when it is full or gone. */
static size_t send_parts(struct connection *c, struct iovec *parts, size_t count) {
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
  ssize_t n = sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && errno != EAGAIN && errno != EINTR) hang_up(c);
  if (n > 0) c->progress = monotonic_ms();
  return n < 0 ? 0 : (size_t)n;
}

static void ring_send(struct connection *c) {
  while (c->ring_used > 0) {
    uint32_t first = c->ring_size - c->ring_start;
    if (first > c->ring_used) first = c->ring_used;
    struct iovec parts[2] = {{.iov_base = c->ring + c->ring_start, .iov_len = first},
                             {.iov_base = c->ring, .iov_len = c->ring_used - first}};
    size_t sent = send_parts(c, parts, parts[1].iov_len > 0 ? 2 : 1);
    if (sent == 0) return;
    c->ring_start = (c->ring_start + (uint32_t)sent) % c->ring_size;
    c->ring_used -= (uint32_t)sent;
  }
  c->ring_start = 0;
}

/* What the socket does not take at once goes to the ring; attach_room has seen to it that it fits. */
static void client_output(struct connection *c, uint8_t number, const char *text, size_t length) {
  uint8_t header[HEADER_SIZE] = {
      number, 0, 0, 0, (uint8_t)(length >> 24), (uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length};
  size_t header_length = c->flags & ATTACH_RAW ? 0 : HEADER_SIZE, sent = 0;
  struct iovec parts[2] = {{.iov_base = header, .iov_len = header_length},
                           {.iov_base = (char *)(uintptr_t)text, .iov_len = length}};
  if (c->ring_used == 0) sent = send_parts(c, parts, 2);
  if (c->hung_up) return;
  if (sent < header_length) {
    ring_put(c, header + sent, header_length - sent);
    sent = header_length;
  }
  ring_put(c, text + (sent - header_length), length - (sent - header_length));
}

void attach_output(struct shim *s, const struct stream *out, const char *text, size_t length) {
  for (int i = 0; i < CONNECTION_MAX; i++) {
    struct connection *c = &s->connections[i];
    if (listens_to(c, out)) client_output(c, (uint8_t)out->number, text, length);
  }
}

void attach_carried(struct shim *s, struct connection *c) {
  for (int i = 0; i < 2; i++) {
    const struct stream *out = &s->out[i];
    if (out->carried > 0 && listens_to(c, out)) client_output(c, (uint8_t)out->number, out->carry, out->carried);
  }
}

void attach_widen(struct shim *s, size_t more) {
  for (int i = 0; i < CONNECTION_MAX; i++) {
    struct connection *c = &s->connections[i];
    if (c->fd < 0 || c->kind != CONN_ATTACH || c->hung_up) continue;
    uint32_t size = c->ring_size + (uint32_t)(more < 1u << 24 ? more : 1u << 24) + 4096;
    uint8_t *ring = map_ring(size);
    if (!ring) {
      client_drop(s, c);
      continue;
    }
    uint32_t first = c->ring_size - c->ring_start;
    if (first > c->ring_used) first = c->ring_used;
    memcpy(ring, c->ring + c->ring_start, first);
    memcpy(ring + first, c->ring, c->ring_used - first);
    munmap(c->ring, c->ring_size);
    c->ring = ring;
    c->ring_size = size;
    c->ring_start = 0;
  }
}

/* Backpressure: nothing is read from clients while the last of it is still on its way to the container. */
static int wants_input(const struct shim *s, const struct connection *c) {
  return c->stdin_open && s->stdin_fd >= 0 && s->input_end == 0 && !s->stdin_ending;
}

short attach_interest(const struct shim *s, const struct connection *c, int *fd) {
  int input = wants_input(s, c) || c->finished;
  if (c->hung_up && !input) *fd = -1; /* it would be reported for ever */
  return (short)((input ? POLLIN : 0) | (c->ring_used > 0 ? POLLOUT : 0));
}

void attach_input_ended(struct shim *s, struct connection *c) {
  c->stdin_open = 0;
  if ((s->record.flags & SHIM_STDIN_ONCE) || (c->flags & ATTACH_CLOSE_STDIN)) input_end(s);
}

static void read_input(struct shim *s, struct connection *c) {
  ssize_t n = recv(c->fd, s->input, sizeof s->input, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    attach_input_ended(s, c);
    return;
  }
  s->scratch_used = 1;
  s->input_end = (uint32_t)n;
  input_write(s);
}

/* Nobody reads it any more. */
static void discard_input(struct connection *c) {
  char nowhere[4096];
  ssize_t n = recv(c->fd, nowhere, sizeof nowhere, MSG_DONTWAIT);
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) hang_up(c);
}

void attach_ready(struct shim *s, struct connection *c, short events) {
  if (events & (POLLERR | POLLHUP)) hang_up(c);
  if ((events & (POLLIN | POLLHUP | POLLERR)) && wants_input(s, c)) read_input(s, c);
  if ((events & POLLOUT) && !c->hung_up) ring_send(c);
  if ((events & POLLIN) && c->finished) discard_input(c);
}
