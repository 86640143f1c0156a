/* Builds unpack streams for tests. */
#ifndef SKIFF_TEST_UNPACK_STREAM_H
#define SKIFF_TEST_UNPACK_STREAM_H

#include <stdint.h>
#include <string.h>

#include "frame.h"
#include "protocol.h"

struct stream_builder {
  uint8_t bytes[1 << 20];
  struct writer w;
  uint8_t *record; /* the length field of the record in the making */
};

static inline void stream_begin(struct stream_builder *b) {
  b->w = (struct writer){.at = b->bytes, .end = b->bytes + sizeof b->bytes};
}

static inline struct writer *record(struct stream_builder *b, uint16_t kind, uint16_t flags) {
  put_u16(&b->w, kind);
  put_u16(&b->w, flags);
  b->record = b->w.at;
  put_u32(&b->w, 0);
  return &b->w;
}

static inline void record_end(struct stream_builder *b) {
  struct writer length = {.at = b->record, .end = b->record + 4};
  put_u32(&length, (uint32_t)(b->w.at - b->record - 4));
}

#define TEST_TIME 1000000000u /* 2001-09-09T01:46:40Z */

static inline void put_time(struct writer *w) {
  put_u64(w, TEST_TIME);
  put_u32(w, 123456789);
}

static inline void put_entry(struct stream_builder *b, uint16_t kind, const char *path, uint32_t mode, uint32_t uid) {
  struct writer *w = record(b, kind, 0);
  put_string(w, path);
  put_u32(w, mode);
  put_u32(w, uid);
  put_u32(w, uid);
}

static inline void add_dir(struct stream_builder *b, const char *path, uint32_t mode) {
  put_entry(b, UNPACK_DIR, path, mode, 0);
  put_time(&b->w);
  record_end(b);
}

static inline void add_data(struct stream_builder *b, const char *data) {
  struct writer *w = record(b, UNPACK_DATA, 0);
  size_t length = strlen(data);
  memcpy(w->at, data, length);
  w->at += length;
  record_end(b);
}

static inline void add_hole(struct stream_builder *b, uint64_t length) {
  put_u64(record(b, UNPACK_HOLE, 0), length);
  record_end(b);
}

static inline void begin_file_of(struct stream_builder *b, const char *path, uint32_t mode, uint32_t uid,
                                 uint64_t size) {
  put_entry(b, UNPACK_FILE, path, mode, uid);
  put_time(&b->w);
  put_u64(&b->w, size);
  record_end(b);
}

static inline void add_end(struct stream_builder *b) {
  record(b, UNPACK_END, 0);
  record_end(b);
}

static inline void add_file(struct stream_builder *b, const char *path, uint32_t mode, const char *data) {
  begin_file_of(b, path, mode, 0, strlen(data));
  if (*data) add_data(b, data);
  add_end(b);
}

static inline void add_symlink(struct stream_builder *b, const char *path, const char *target) {
  struct writer *w = record(b, UNPACK_SYMLINK, 0);
  put_string(w, path);
  put_string(w, target);
  put_u32(w, 7);
  put_u32(w, 8);
  put_time(w);
  record_end(b);
}

static inline void add_link(struct stream_builder *b, const char *path, const char *existing) {
  struct writer *w = record(b, UNPACK_LINK, 0);
  put_string(w, path);
  put_string(w, existing);
  record_end(b);
}

static inline void add_node(struct stream_builder *b, const char *path, uint32_t mode, uint32_t major, uint32_t minor) {
  put_entry(b, UNPACK_NODE, path, mode, 3);
  put_u32(&b->w, major);
  put_u32(&b->w, minor);
  put_time(&b->w);
  record_end(b);
}

static inline void add_xattr(struct stream_builder *b, uint16_t flags, const char *name, const void *value,
                             size_t size) {
  struct writer *w = record(b, UNPACK_XATTR, flags);
  put_string(w, name);
  put_bytes(w, value, size);
  record_end(b);
}

static inline void add_copy(struct stream_builder *b, uint64_t offset, uint64_t length) {
  struct writer *w = record(b, UNPACK_COPY, 0);
  put_u64(w, offset);
  put_u64(w, length);
  record_end(b);
}

static inline void add_clone(struct stream_builder *b, const char *path) {
  put_string(record(b, UNPACK_CLONE, 0), path);
  record_end(b);
}

static inline void add_sync(struct stream_builder *b) {
  record(b, UNPACK_SYNC, 0);
  record_end(b);
}

/* Sets the flags of the record that was added last; it began at `start`. */
static inline void flag_record(uint8_t *start, uint8_t flags) {
  start[2] = flags;
}

static inline void add_remove(struct stream_builder *b, const char *path) {
  put_string(record(b, UNPACK_REMOVE, 0), path);
  record_end(b);
}

#endif
