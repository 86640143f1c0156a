/* Text in fixed buffers without heap and printf: paths under /proc/self/fd, numbers in messages. Cut when full. */
#ifndef SKIFF_TEXT_H
#define SKIFF_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
  char *data; /* always NUL-terminated */
  size_t size;
  size_t length;
  int cut; /* something did not fit */
};

#define TEXT(name, bytes)    \
  char name##_buffer[bytes]; \
  struct text name = text_over(name##_buffer, sizeof name##_buffer)

struct text text_over(char *buffer, size_t size);
void text_add(struct text *t, const char *s);
void text_bytes(struct text *t, const char *data, size_t length);
void text_number(struct text *t, uint64_t n);
/* Gives "/proc/self/fd/N" followed by "/rest" where rest is not empty. */
void text_fd_path(struct text *t, int fd, const char *rest);

#endif
