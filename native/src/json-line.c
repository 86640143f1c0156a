/* JSON escaping of log text, made for speed: sixteen or eight clean bytes at a time, everything else by hand. */
#include "json-line.h"

#include <stdint.h>
#include <string.h>

#define ONES 0x0101010101010101ull
#define HIGH 0x8080808080808080ull

/* Non-zero when a byte of x is zero. */
static inline uint64_t has_zero(uint64_t x) {
  return (x - ONES) & ~x & HIGH;
}

/* Non-zero when one of the eight bytes has to be looked at: control, above ASCII, or one of " & < > \.
 * < and > differ in one bit, " and & too: one comparison serves both. */
static inline uint64_t needs_care(uint64_t w) {
  return (w & HIGH) | ((w - ONES * 0x20) & ~w & HIGH) | has_zero((w | ONES * 0x02) ^ ONES * 0x3e) |
         has_zero((w & ~(ONES * 0x04)) ^ ONES * 0x22) | has_zero(w ^ ONES * 0x5c);
}

typedef signed char sixteen __attribute__((vector_size(16)));

/* The same for sixteen bytes, in the compiler's portable vectors. As signed numbers the bytes above ASCII are below
 * the controls: one comparison for both. */
static inline int needs_care_16(const uint8_t *s) {
  sixteen v;
  uint64_t halves[2];
  memcpy(&v, s, 16);
  sixteen care = (sixteen)((v < 0x20) | ((v | 0x02) == 0x3e) | ((v & ~0x04) == 0x22) | (v == 0x5c));
  memcpy(halves, &care, 16);
  return (halves[0] | halves[1]) != 0;
}

/* Length of the well-formed UTF-8 character (above ASCII) at s, 0 if it is none: RFC 3629, table of section 4. */
static size_t utf8_length(const uint8_t *s, size_t left) {
  uint8_t low = 0x80, high = 0xbf;
  size_t length;
  if (s[0] >= 0xc2 && s[0] <= 0xdf) {
    length = 2;
  } else if (s[0] >= 0xe0 && s[0] <= 0xef) {
    length = 3;
    if (s[0] == 0xe0) low = 0xa0;  /* shorter forms exist */
    if (s[0] == 0xed) high = 0x9f; /* surrogates */
  } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
    length = 4;
    if (s[0] == 0xf0) low = 0x90;
    if (s[0] == 0xf4) high = 0x8f; /* above U+10FFFF */
  } else {
    return 0;
  }
  if (left < length || s[1] < low || s[1] > high) return 0;
  for (size_t i = 2; i < length; i++)
    if ((s[i] & 0xc0) != 0x80) return 0;
  return length;
}

static char *copy(char *out, const void *text, size_t length) {
  memcpy(out, text, length);
  return out + length;
}

static char *escape_ascii(char *out, uint8_t c) {
  static const char hex[] = "0123456789abcdef";
  switch (c) {
    case '\n':
      return copy(out, "\\n", 2);
    case '\r':
      return copy(out, "\\r", 2);
    case '\t':
      return copy(out, "\\t", 2);
    case '"':
      return copy(out, "\\\"", 2);
    case '\\':
      return copy(out, "\\\\", 2);
    default:
      if (c >= 0x20 && c != '<' && c != '>' && c != '&') {
        *out = (char)c;
        return out + 1;
      }
      out = copy(out, "\\u00", 4);
      *out++ = hex[c >> 4];
      *out++ = hex[c & 15];
      return out;
  }
}

char *json_escape(char *out, const char *text, size_t length) {
  const uint8_t *s = (const uint8_t *)text, *end = s + length;
  while (s < end) {
    const uint8_t *stop = end; /* by hand up to here */
    while (end - s >= 16 && !needs_care_16(s)) {
      out = copy(out, s, 16);
      s += 16;
    }
    if (end - s >= 8) {
      uint64_t word;
      memcpy(&word, s, 8);
      if (!needs_care(word)) {
        out = copy(out, &word, 8);
        s += 8;
        continue;
      }
      stop = s + 8;
    }
    while (s < stop) {
      if (*s < 0x80) {
        out = escape_ascii(out, *s++);
        continue;
      }
      size_t n = utf8_length(s, (size_t)(end - s));
      if (n == 0) {
        out = copy(out, "\\ufffd", 6);
        s++;
        continue;
      }
      if (n == 3 && s[0] == 0xe2 && s[1] == 0x80 && (s[2] & 0xfe) == 0xa8) /* U+2028, U+2029 */
        out = copy(out, s[2] & 1 ? "\\u2029" : "\\u2028", 6);
      else
        out = copy(out, s, n);
      s += n;
    }
  }
  return out;
}

size_t utf8_cut(const char *text, size_t length) {
  const uint8_t *s = (const uint8_t *)text;
  for (size_t back = 1; back <= 3 && back <= length; back++) {
    uint8_t c = s[length - back];
    if ((c & 0xc0) == 0x80) continue; /* a continuation: its first byte stands further left */
    size_t want = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    return want > back ? length - back : length;
  }
  return length;
}

static char *two_digits(char *out, unsigned value) {
  *out++ = (char)('0' + value / 10 % 10);
  *out++ = (char)('0' + value % 10);
  return out;
}

void format_time(char *out, const struct timespec *time) {
  /* Days to a civil date, years beginning in March so that the leap day is the last one. Not gmtime_r: it reads files.
   */
  int64_t days = time->tv_sec / 86400;
  unsigned second = (unsigned)(time->tv_sec % 86400);
  days += 719468; /* since 0000-03-01 */
  unsigned era = (unsigned)(days / 146097), day_of_era = (unsigned)(days % 146097);
  unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  unsigned shifted = (5 * day_of_year + 2) / 153; /* 0 is March */
  unsigned day = day_of_year - (153 * shifted + 2) / 5 + 1;
  unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
  unsigned year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  out = two_digits(two_digits(out, year / 100), year % 100);
  *out++ = '-';
  out = two_digits(out, month);
  *out++ = '-';
  out = two_digits(out, day);
  *out++ = 'T';
  out = two_digits(out, second / 3600);
  *out++ = ':';
  out = two_digits(out, second / 60 % 60);
  *out++ = ':';
  out = two_digits(out, second % 60);
  *out++ = '.';
  unsigned nano = (unsigned)time->tv_nsec;
  for (unsigned unit = 100000000; unit > 0; unit /= 10) *out++ = (char)('0' + nano / unit % 10);
  *out = 'Z';
}
