/* Builds binary plans for tests: op(b, OP_X, flags, "usl", …) with one letter per field.
 *   u uint32   U uint64   s const char *   d const void *, size_t   l const char *[] ending in NULL   g size_t,
 * uint32[] */
#ifndef SKIFF_TEST_PLAN_BUILDER_H
#define SKIFF_TEST_PLAN_BUILDER_H

#include <stdarg.h>
#include <string.h>

#include "plan.h"

#define LIST(...) ((const char *[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

struct builder {
  uint8_t bytes[1 << 16];
  size_t length;
  uint32_t ops[2];
  int stream;
};

static inline void put_number(struct builder *b, uint64_t value, int size) {
  for (int i = 0; i < size; i++) b->bytes[b->length++] = (uint8_t)(value >> (8 * i));
}

static inline void put_at(struct builder *b, size_t at, uint32_t value) {
  size_t end = b->length;
  b->length = at;
  put_number(b, value, 4);
  b->length = end;
}

static inline void put_bytes(struct builder *b, const void *data, size_t length) {
  put_number(b, length, 4);
  memcpy(b->bytes + b->length, data, length);
  b->length += length;
  put_number(b, 0, 1);
}

static inline void plan_begin(struct builder *b) {
  b->length = 0;
  b->stream = 0;
  b->ops[0] = b->ops[1] = 0;
  put_number(b, PLAN_MAGIC, 4);
  put_number(b, 0, 8);
  put_number(b, 0, 4);
}

static inline void child_begin(struct builder *b) {
  b->stream = 1;
}

static inline void put_list(struct builder *b, const char **items) {
  uint32_t count = 0;
  while (items[count] != NULL) count++;
  put_number(b, count, 4);
  for (uint32_t i = 0; i < count; i++) put_bytes(b, items[i], strlen(items[i]));
}

static inline void put_group_list(struct builder *b, size_t count, const uint32_t *numbers) {
  put_number(b, count, 4);
  for (size_t i = 0; i < count; i++) put_number(b, numbers[i], 4);
}

static inline void put_fields(struct builder *b, const char *fields, va_list values) {
  for (; *fields != '\0'; fields++) {
    if (*fields == 'u') put_number(b, va_arg(values, uint32_t), 4);
    if (*fields == 'U') put_number(b, va_arg(values, uint64_t), 8);
    if (*fields == 'l') put_list(b, va_arg(values, const char **));
    if (*fields == 's') {
      const char *s = va_arg(values, const char *);
      put_bytes(b, s, strlen(s));
    }
    if (*fields == 'd' || *fields == 'g') {
      const void *data = *fields == 'd' ? va_arg(values, const void *) : NULL;
      size_t length = va_arg(values, size_t);
      if (*fields == 'd') put_bytes(b, data, length);
      if (*fields == 'g') put_group_list(b, length, va_arg(values, const uint32_t *));
    }
  }
}

static inline void op(struct builder *b, uint16_t code, uint16_t flags, const char *fields, ...) {
  va_list values;
  put_number(b, code, 2);
  put_number(b, flags, 2);
  size_t size_at = b->length;
  put_number(b, 0, 4);
  va_start(values, fields);
  put_fields(b, fields, values);
  va_end(values);
  put_at(b, size_at, (uint32_t)(b->length - size_at - 4));
  b->ops[b->stream]++;
}

static inline void plan_end(struct builder *b) {
  put_at(b, 4, (uint32_t)b->length);
  put_at(b, 8, b->ops[0]);
  put_at(b, 12, b->ops[1]);
}

#endif
