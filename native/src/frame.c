/* Growing byte queues, little-endian writers, and events that wait for room in their socket. */
#include "frame.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define PAGE 4096u

int buffer_reserve(struct buffer *b, size_t room, struct err *e) {
  if (b->capacity - b->end >= room && b->data) return 0;
  if (b->start > 0) {
    memmove(b->data, b->data + b->start, buffer_used(b));
    b->end -= b->start;
    b->start = 0;
    if (b->capacity - b->end >= room) return 0;
  }
  size_t capacity = b->capacity ? b->capacity : PAGE;
  while (capacity - b->end < room) {
    if (capacity > SIZE_MAX / 2) return err_set(e, ENOMEM, "grow a buffer", NULL);
    capacity *= 2;
  }
  void *data = b->data ? mremap(b->data, b->capacity, capacity, MREMAP_MAYMOVE)
                       : mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return err_errno(e, "grow a buffer", NULL);
  b->data = data;
  b->capacity = capacity;
  return 0;
}

void buffer_consume(struct buffer *b, size_t n) {
  b->start += n;
  if (b->start >= b->end) b->start = b->end = 0;
}

void buffer_trim(struct buffer *b, size_t keep) {
  if (b->start == b->end && b->capacity > keep) buffer_free(b);
}

void buffer_free(struct buffer *b) {
  if (b->data) munmap(b->data, b->capacity);
  memset(b, 0, sizeof *b);
}

static void put(struct writer *w, const void *data, size_t length) {
  if ((size_t)(w->end - w->at) < length) {
    w->failed = 1;
    return;
  }
  memcpy(w->at, data, length);
  w->at += length;
}

static void put_little_endian(struct writer *w, uint64_t value, size_t length) {
  uint8_t bytes[8];
  for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)(value >> (8 * i));
  put(w, bytes, length);
}

void put_u16(struct writer *w, uint16_t value) {
  put_little_endian(w, value, 2);
}
void put_u32(struct writer *w, uint32_t value) {
  put_little_endian(w, value, 4);
}
void put_u64(struct writer *w, uint64_t value) {
  put_little_endian(w, value, 8);
}

void put_bytes(struct writer *w, const void *data, size_t length) {
  if ((size_t)(w->end - w->at) < length + 5) {
    w->failed = 1;
    return;
  }
  put_u32(w, (uint32_t)length);
  put(w, data, length);
  put(w, "", 1);
}

void put_string(struct writer *w, const char *text) {
  put_bytes(w, text, strlen(text));
}

void event_begin(struct event *ev, uint16_t type, uint64_t token) {
  ev->body = (struct writer){.at = ev->data, .end = ev->data + sizeof ev->data};
  put_u32(&ev->body, 0); /* the length is set when it is sent */
  put_u16(&ev->body, type);
  put_u16(&ev->body, 0);
  put_u64(&ev->body, token);
}

/* 1 sent, 0 no room now, -1 gone. A frame is far below half the socket's buffer: it goes whole or not at all. */
static int send_frame(int fd, const void *data, size_t length) {
  for (;;) {
    ssize_t n = send(fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n == (ssize_t)length) return 1;
    if (n >= 0) {
      errno = EPIPE; /* half a frame: the stream cannot be understood any more */
      return -1;
    }
    if (errno == EAGAIN) return 0;
    if (errno != EINTR) return -1;
  }
}

static uint32_t frame_length(const uint8_t *p) {
  return 4 + ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
}

int outbox_flush(struct outbox *box) {
  while (buffer_used(&box->queue) > 0) {
    const uint8_t *frame = box->queue.data + box->queue.start;
    uint32_t length = frame_length(frame);
    int sent = send_frame(box->fd, frame, length);
    if (sent <= 0) return sent;
    buffer_consume(&box->queue, length);
  }
  buffer_trim(&box->queue, 0);
  return 0;
}

int outbox_send(struct outbox *box, struct event *ev) {
  if (box->fd < 0) return 0;
  size_t length = (size_t)(ev->body.at - ev->data);
  struct writer head = {.at = ev->data, .end = ev->data + 4};
  put_u32(&head, (uint32_t)length - 4);
  if (outbox_flush(box) < 0) return -1;
  if (buffer_used(&box->queue) == 0) {
    int sent = send_frame(box->fd, ev->data, length);
    if (sent != 0) return sent > 0 ? 0 : -1;
  }
  struct err e;
  if (buffer_used(&box->queue) + length > box->limit || buffer_reserve(&box->queue, length, &e) < 0) {
    errno = ENOBUFS;
    return -1;
  }
  memcpy(box->queue.data + box->queue.end, ev->data, length);
  box->queue.end += length;
  return 0;
}

int write_all(int fd, const void *data, size_t length) {
  const uint8_t *at = data;
  while (length > 0) {
    ssize_t n = write(fd, at, length);
    if (n < 0) {
      if (errno == EINTR) continue;
      return -1;
    }
    at += n;
    length -= (size_t)n;
  }
  return 0;
}
