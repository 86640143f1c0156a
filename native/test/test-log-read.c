/* Reading a log back: what the shim has written, and where it stops for what it has not. */
#include "check.h"
#include "json-line.h"
#include "log-read.h"

#define TIME "2026-01-02T03:04:05.123456789Z"
#define LINE(text, stream) "{\"log\":\"" text "\",\"stream\":\"" stream "\",\"time\":\"" TIME "\"}\n"

struct render_case {
  const char *block;
  unsigned wish;
  const char *want;
  size_t length; /* of want */
  size_t left;   /* bytes that are not dealt with */
};
#define CASE(block, wish, want, left) \
  { block, wish, want, sizeof(want) - 1, left }
#define ODD(block) \
  { block, BOTH, "", 0, sizeof(block) - 1 }
#define BOTH (LOG_STDOUT | LOG_STDERR)

static const struct render_case cases[] = {
    CASE("", BOTH, "", 0),
    CASE(LINE("one\\n", "stdout"), BOTH, "\1\0\0\0\0\0\0\4one\n", 0),
    CASE(LINE("one\\n", "stderr") LINE("", "stdout"), BOTH, "\2\0\0\0\0\0\0\4one\n\1\0\0\0\0\0\0\0", 0),
    CASE(LINE("a\\n", "stdout") LINE("b\\n", "stderr"), LOG_STDERR, "\2\0\0\0\0\0\0\2b\n", 0),
    CASE(LINE("a\\n", "stdout") LINE("b\\n", "stderr"), LOG_STDOUT | LOG_RAW, "a\n", 0),
    CASE(LINE("a\\n", "stdout"), BOTH | LOG_RAW | LOG_TIMESTAMPS, TIME " a\n", 0),
    CASE(LINE("a", "stdout"), BOTH | LOG_TIMESTAMPS, "\1\0\0\0\0\0\0\x20" TIME " a", 0),
    CASE(LINE("\\u003c\\u001b[1m\\u0000\\u2028\\u00e4\\ufffd\\\"\\\\\\/\\b\\f\\r\\t", "stdout"), BOTH | LOG_RAW,
         "<\x1b[1m\0\xe2\x80\xa8\xc3\xa4\xef\xbf\xbd\"\\/\b\f\r\t", 0),
    CASE(LINE("\xc3\xa4\xff", "stdout"), BOTH | LOG_RAW, "\xc3\xa4\xff", 0),
    /* Not whole yet. */
    CASE(LINE("a", "stdout") "{\"log\":\"", BOTH | LOG_RAW, "a", 8),
    /* None of the shim's. */
    CASE(LINE("a", "stdout") "\n" LINE("b", "stdout"), BOTH | LOG_RAW, "a", 1 + sizeof LINE("b", "stdout") - 1),
    ODD(LINE("\\ud83d\\ude00", "stdout")),
    ODD(LINE("\\u003C", "stdout")),
    ODD(LINE("\\x", "stdout")),
    ODD(LINE("\\u12", "stdout")),
    ODD(LINE("\\", "stdout")),
    ODD(LINE("a\"b", "stdout")),
    ODD(LINE("a", "stdin!")),
    ODD("{\"log\":\"a\",\"stream\":\"stdout\",\"time\":\"2026-01-02T03:04:05\",\"t\":\"789Z\"}\n"),
    ODD("{\"log\":\"a\",\"stream\":\"stdout\",\"attrs\":{\"a\":\"b\"},\"time\":\"" TIME "\"}\n"),
    ODD("{\"log\":\"\",\"stream\":\"stdout\",\"time\":\"" TIME "\"} \n"),
};

static void lines_become_frames(void) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct render_case *c = &cases[i];
    size_t length = strlen(c->block), written;
    /* Exactly as large as it is promised to need. */
    char *block = malloc(length + 1), *out = malloc(length + 1);
    memcpy(block, c->block, length);
    EXPECT_NUMBER(length - log_render(block, length, c->wish, out, &written), c->left);
    EXPECT_NUMBER(written, c->length);
    EXPECT(memcmp(out, c->want, c->length) == 0);
    free(block);
    free(out);
  }
}

/* What the shim escapes is given back, for every character there is. */
static void every_character_comes_back(void) {
  static char block[512], out[512];
  for (unsigned code = 1; code < 0x10000; code++) {
    if (code >= 0xd800 && code < 0xe000) continue;
    char text[4];
    size_t length = 0, written;
    if (code < 0x80) text[length++] = (char)code;
    else if (code < 0x800) text[length++] = (char)(0xc0 | code >> 6);
    else {
      text[length++] = (char)(0xe0 | code >> 12);
      text[length++] = (char)(0x80 | (code >> 6 & 0x3f));
    }
    if (code >= 0x80) text[length++] = (char)(0x80 | (code & 0x3f));
    char *at = stpcpy(block, "{\"log\":\"");
    at = json_escape(at, text, length);
    at = stpcpy(at, "\",\"stream\":\"stdout\",\"time\":\"" TIME "\"}\n");
    size_t size = (size_t)(at - block);
    EXPECT_NUMBER(log_render(block, size, LOG_STDOUT | LOG_RAW, out, &written), size);
    EXPECT(written == length && memcmp(out, text, length) == 0);
  }
}

int main(void) {
  lines_become_frames();
  every_character_comes_back();
  printf("ok: log-read\n");
  return 0;
}
