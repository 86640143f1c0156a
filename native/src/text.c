/* Text in fixed buffers: see text.h. */
#include "text.h"

#include <string.h>

struct text text_over(char *buffer, size_t size) {
  buffer[0] = '\0';
  return (struct text){.data = buffer, .size = size, .length = 0, .cut = 0};
}

void text_bytes(struct text *t, const char *data, size_t length) {
  size_t room = t->size - 1 - t->length;
  if (length > room) {
    length = room;
    t->cut = 1;
  }
  memcpy(t->data + t->length, data, length);
  t->length += length;
  t->data[t->length] = '\0';
}

void text_add(struct text *t, const char *s) {
  text_bytes(t, s, strlen(s));
}

void text_number(struct text *t, uint64_t n) {
  char digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = (char)('0' + n % 10);
    n /= 10;
  } while (n > 0);
  text_bytes(t, digits + at, sizeof digits - at);
}

void text_fd_path(struct text *t, int fd, const char *rest) {
  text_add(t, "/proc/self/fd/");
  text_number(t, (uint64_t)fd);
  if (rest[0] == '\0') return;
  if (rest[0] != '/') text_add(t, "/");
  text_add(t, rest);
}
