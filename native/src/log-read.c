/* Reads a log back: known by its ends, a line's text goes into its frame, unescaped. All that looks different is left to
 * the daemon, which parses it: what a line may be is decided there. */
#include "log-read.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"
#include "text.h"

#define HEAD "{\"log\":\""
#define OUTPUT "\",\"stream\":\"stdout\",\"time\":\""
#define ERRORS "\",\"stream\":\"stderr\",\"time\":\""
#define TIME_BYTES (sizeof "2026-01-02T03:04:05.123456789Z" - 1)
#define END "\"}"
#define LENGTH(literal) (sizeof(literal) - 1)
#define TAIL_BYTES (LENGTH(OUTPUT) + TIME_BYTES + LENGTH(END))
#define FRAME_BYTES 8
#define BUFFER_BYTES (1u << 20) /* a line that is longer is left to the daemon */
#define READ_BYTES (128u << 10) /* at once, so that it is still in the cache when it is looked at */

/* 0-9a-f, as the shim writes them; others are left to the daemon. */
static int hex(const char *at, unsigned *value) {
  *value = 0;
  for (int i = 0; i < 4; i++) {
    unsigned char c = (unsigned char)at[i];
    unsigned digit = c >= '0' && c <= '9' ? c - 48u : c >= 'a' && c <= 'f' ? c - 87u : 16u;
    if (digit > 15) return -1;
    *value = *value << 4 | digit;
  }
  return 0;
}

static char *put_utf8(char *to, unsigned code) {
  if (code < 0x80) {
    *to++ = (char)code;
  } else if (code < 0x800) {
    *to++ = (char)(0xc0 | code >> 6);
    *to++ = (char)(0x80 | (code & 0x3f));
  } else {
    *to++ = (char)(0xe0 | code >> 12);
    *to++ = (char)(0x80 | (code >> 6 & 0x3f));
    *to++ = (char)(0x80 | (code & 0x3f));
  }
  return to;
}

static int letter(char escaped) {
  switch (escaped) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'b': return '\b';
    case 'f': return '\f';
    case '"':
    case '\\':
    case '/': return escaped;
    default: return -1;
  }
}

/* The text between two quotes, unescaped. NULL: it is none of the shim's. */
static char *put_text(char *to, const char *from, const char *end) {
  while (from < end) {
    const char *escape = memchr(from, '\\', (size_t)(end - from));
    size_t plain = (size_t)((escape ? escape : end) - from);
    if (memchr(from, '"', plain)) return NULL;
    memcpy(to, from, plain);
    to += plain;
    if (!escape) return to;
    if (end - escape < 2) return NULL;
    unsigned code;
    if (escape[1] == 'u') {
      /* A half of a surrogate pair is no character. */
      if (end - escape < 6 || hex(escape + 2, &code) < 0 || (code >= 0xd800 && code < 0xe000)) return NULL;
      to = put_utf8(to, code);
      from = escape + 6;
      continue;
    }
    int byte = letter(escape[1]);
    if (byte < 0) return NULL;
    *to++ = (char)byte;
    from = escape + 2;
  }
  return to;
}

static int is_at(const char *place, const char *what, size_t length) {
  return memcmp(place, what, length) == 0;
}

/* One line without its end. NULL: it is none of the shim's. */
static char *put_line(char *to, const char *line, size_t length, unsigned wish) {
  if (length < LENGTH(HEAD) + TAIL_BYTES || !is_at(line, HEAD, LENGTH(HEAD))) return NULL;
  const char *end = line + length - TAIL_BYTES, *time = end + LENGTH(OUTPUT);
  int is_output = is_at(end, OUTPUT, LENGTH(OUTPUT));
  if (!is_output && !is_at(end, ERRORS, LENGTH(ERRORS))) return NULL;
  if (!is_at(time + TIME_BYTES, END, LENGTH(END)) || time[TIME_BYTES - 1] != 'Z') return NULL;
  if (memchr(time, '"', TIME_BYTES) || memchr(time, '\\', TIME_BYTES)) return NULL;
  char *frame = to;
  if (!(wish & LOG_RAW)) to += FRAME_BYTES;
  if (wish & LOG_TIMESTAMPS) {
    memcpy(to, time, TIME_BYTES);
    to += TIME_BYTES;
    *to++ = ' ';
  }
  to = put_text(to, line + LENGTH(HEAD), end);
  if (!to) return NULL;
  if (!(wish & (is_output ? LOG_STDOUT : LOG_STDERR))) return frame;
  if (wish & LOG_RAW) return to;
  uint32_t size = (uint32_t)(to - frame - FRAME_BYTES);
  const char head[FRAME_BYTES] = {is_output ? 1 : 2, 0, 0, 0, (char)(size >> 24), (char)(size >> 16), (char)(size >> 8),
                                  (char)size};
  memcpy(frame, head, sizeof head);
  return to;
}

size_t log_render(const char *block, size_t length, unsigned wish, char *out, size_t *written) {
  char *to = out;
  size_t done = 0;
  while (done < length) {
    const char *line = block + done, *newline = memchr(line, '\n', length - done);
    char *next = newline ? put_line(to, line, (size_t)(newline - line), wish) : NULL;
    if (!next) break;
    to = next;
    done += (size_t)(newline - line) + 1;
  }
  *written = (size_t)(to - out);
  return done;
}

static int number(const char *text, uint64_t *value) {
  *value = 0;
  size_t digits = strspn(text, "0123456789");
  if (digits == 0 || digits > 18 || text[digits]) return -1;
  for (; *text; text++) *value = *value * 10 + (uint64_t)(*text - '0');
  return 0;
}

/* How far it came: the daemon goes on from there. */
static int tell(uint64_t offset) {
  TEXT(line, 24);
  text_number(&line, offset);
  return write_all(2, line.data, line.length) < 0;
}

int log_main(char **argv) {
  static char in[BUFFER_BYTES], out[BUFFER_BYTES];
  uint64_t at, end, wish;
  if (number(argv[1], &at) < 0 || number(argv[2], &end) < 0 || number(argv[3], &wish) < 0) return 2;
  size_t held = 0; /* behind `at`, read and not dealt with */
  for (;;) {
    size_t room = sizeof in - held, left = (size_t)(end > at + held ? end - at - held : 0);
    size_t size = room < READ_BYTES ? room : READ_BYTES;
    if (size > left) size = left;
    ssize_t got = size > 0 ? pread(0, in + held, size, (off_t)(at + held)) : 0;
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return tell(at);
    held += (size_t)got;
    size_t written, done = log_render(in, held, (unsigned)wish, out, &written);
    if (write_all(1, out, written) < 0) return 1;
    at += done;
    held -= done;
    memmove(in, in + done, held);
    /* A whole line is left, of whatever kind: not ours. */
    if (memchr(in, '\n', held)) return tell(at);
  }
}
