/* Bytes in and out: growing queues, the writer of frames, event frames and their delivery. See README.md for the
 * shapes. */
#ifndef SKIFF_FRAME_H
#define SKIFF_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* A queue of bytes on a mapping of its own (no heap, so a forked shim can give it back). All zero is an empty one. */
struct buffer {
  uint8_t *data;
  size_t capacity;
  size_t start; /* first byte not yet consumed */
  size_t end;   /* behind the last byte */
};

/* Makes room for that many bytes behind `end`; what was consumed may move. ENOMEM. */
int buffer_reserve(struct buffer *b, size_t room, struct err *e);
/* Takes n bytes off the front. */
void buffer_consume(struct buffer *b, size_t n);
/* Gives the mapping back when the queue is empty and larger than keep. */
void buffer_trim(struct buffer *b, size_t keep);
void buffer_free(struct buffer *b);
static inline size_t buffer_used(const struct buffer *b) {
  return b->end - b->start;
}

/* A cursor that writes little-endian scalars; what does not fit sets failed and is left out. */
struct writer {
  uint8_t *at;
  uint8_t *end;
  int failed;
};

void put_u16(struct writer *w, uint16_t value);
void put_u32(struct writer *w, uint32_t value);
void put_u64(struct writer *w, uint64_t value);
/* u32 length, the bytes, one NUL. */
void put_bytes(struct writer *w, const void *data, size_t length);
void put_string(struct writer *w, const char *text);

/* One event frame in the making. */
struct event {
  struct writer body;
  uint8_t data[1024];
};

void event_begin(struct event *ev, uint16_t type, uint64_t token);

/* Where events go: a stream socket and the frames that could not be sent yet. fd -1: nowhere. */
struct outbox {
  int fd;
  size_t limit; /* of the bytes kept */
  struct buffer queue;
};

/* Sends a finished event, or keeps it when the socket is full. -1: the other end is gone (EPIPE, …) or the queue is
 * full (ENOBUFS). One send per frame, because the socket is shared by many shims and frames must not mix. */
int outbox_send(struct outbox *box, struct event *ev);
/* Sends what was kept as far as it goes. -1: the other end is gone. */
int outbox_flush(struct outbox *box);

/* write(2) until everything is written; EINTR is tried again. */
int write_all(int fd, const void *data, size_t length);

#endif
