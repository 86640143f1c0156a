/* Escaping and time stamps of log lines, against what Go's encoding/json gives. */
#include "check.h"
#include "json-line.h"

struct escape_case {
  const char *text;
  size_t length;
  const char *want;
};
#define CASE(text, want) \
  { text, sizeof(text) - 1, want }

static const struct escape_case cases[] = {
    CASE("", ""),
    CASE("plain text, longer than eight bytes", "plain text, longer than eight bytes"),
    CASE("a\nb\rc\td", "a\\nb\\rc\\td"),
    CASE("\"quoted\" back\\slash", "\\\"quoted\\\" back\\\\slash"),
    CASE("<a href=x>&amp;", "\\u003ca href=x\\u003e\\u0026amp;"),
    CASE("\x00\x01\x08\x0c\x1b[1m\x1f", "\\u0000\\u0001\\u0008\\u000c\\u001b[1m\\u001f"),
    CASE("\x7f", "\x7f"),
    CASE("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
    CASE("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", "\\u2028\\u2029\xe2\x80\xaa"),
    CASE("\xff", "\\ufffd"),
    CASE("\xc0\xaf", "\\ufffd\\ufffd"),
    CASE("\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"),
    CASE("\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"),
    CASE("\xe0\x80\x80", "\\ufffd\\ufffd\\ufffd"),
    CASE("\xe2\x82", "\\ufffd\\ufffd"),
    CASE("\xe2\x82X", "\\ufffd\\ufffdX"),
    CASE("\x80\xc3\xa4", "\\ufffd\xc3\xa4"),
};

static void escapes_like_go(void) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char out[512];
    *json_escape(out, cases[i].text, cases[i].length) = 0;
    EXPECT_TEXT(out, cases[i].want);
  }
}

/* Every special byte at every place of a word, so that the fast path and the slow one agree. */
static void special_bytes_are_found_anywhere(void) {
  for (int c = 0; c < 128; c++) {
    char alone[16];
    char byte = (char)c;
    *json_escape(alone, &byte, 1) = 0;
    for (size_t at = 0; at < 24; at++) {
      char text[24], want[64], out[256];
      memset(text, 'x', sizeof text);
      text[at] = byte;
      snprintf(want, sizeof want, "%.*s%s%.*s", (int)at, text, alone, (int)(sizeof text - at - 1), text + at + 1);
      if (c == 0) memcpy(want + at, "\\u0000", 6);
      *json_escape(out, text, sizeof text) = 0;
      EXPECT_TEXT(out, want);
    }
  }
}

static void cuts_between_characters(void) {
  EXPECT_NUMBER(utf8_cut("abc", 3), 3);
  EXPECT_NUMBER(utf8_cut("ab\xc3", 3), 2);
  EXPECT_NUMBER(utf8_cut("a\xe2\x82", 3), 1);
  EXPECT_NUMBER(utf8_cut("a\xe2\x82\xac", 4), 4);
  EXPECT_NUMBER(utf8_cut("a\xf0\x9f\x98", 4), 1);
  EXPECT_NUMBER(utf8_cut("\x80\x80\x80\x80", 4), 4);
}

static void check_time(time_t seconds, long nanoseconds, const char *want) {
  char out[TIME_LENGTH + 1];
  struct timespec time = {.tv_sec = seconds, .tv_nsec = nanoseconds};
  format_time(out, &time);
  out[TIME_LENGTH] = 0;
  EXPECT_TEXT(out, want);
}

static void formats_times(void) {
  check_time(0, 0, "1970-01-01T00:00:00.000000000Z");
  check_time(951782400, 5, "2000-02-29T00:00:00.000000005Z");
  check_time(1767323045, 123456789, "2026-01-02T03:04:05.123456789Z");
  check_time(4102444799, 999999999, "2099-12-31T23:59:59.999999999Z");
  for (time_t day = 0; day < 80000; day++) { /* against the C library */
    char want[64], date[32];
    time_t at = day * 86400 + day % 86400;
    struct tm tm;
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", gmtime_r(&at, &tm));
    snprintf(want, sizeof want, "%s.000000000Z", date);
    check_time(at, 0, want);
  }
}

int main(void) {
  escapes_like_go();
  special_bytes_are_found_anywhere();
  cuts_between_characters();
  formats_times();
  printf("ok: json-line\n");
  return 0;
}
