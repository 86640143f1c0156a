/* Mutated logs, rendered in this process: the sanitizers judge, and what is dealt with is whole lines that fit.
 * Usage: fuzz-log-read [INPUTS [SEED]]. */
#include "check.h"
#include "log-read.h"
#include "mutate.h"

#define TIME "2026-01-02T03:04:05.123456789Z"
static const char sample[] =
    "{\"log\":\"first\\n\",\"stream\":\"stdout\",\"time\":\"" TIME "\"}\n"
    "{\"log\":\"\\u003ctwo\\u003e \\\"q\\\" \\\\ \\u001b\\ufffd\",\"stream\":\"stderr\",\"time\":\"" TIME "\"}\n"
    "{\"log\":\"\",\"stream\":\"stdout\",\"time\":\"" TIME "\"}\n"
    "{\"log\":\"half a li";

int main(int argc, char **argv) {
  long inputs = argc > 1 ? atol(argv[1]) : 100000;
  struct mutator m = {.state = argc > 2 ? strtoull(argv[2], NULL, 10) : 88172645463325252ull};
  for (long i = 0; i < inputs; i++) {
    static uint8_t bytes[sizeof sample];
    size_t length = sizeof sample - 1, written;
    memcpy(bytes, sample, length);
    mutate_bytes(&m, bytes, &length);
    /* Exact sizes, so that one byte too many is seen. */
    char *block = malloc(length ? length : 1), *out = malloc(length ? length : 1);
    memcpy(block, bytes, length);
    size_t done = log_render(block, length, (unsigned)random_below(&m, 16), out, &written);
    EXPECT(done <= length && written <= done);
    EXPECT(done == 0 || block[done - 1] == '\n');
    free(block);
    free(out);
  }
  printf("ok: %ld logs\n", inputs);
  return 0;
}
