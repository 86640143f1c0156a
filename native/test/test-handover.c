/* Containers another runtime makes: its child takes its place, or nothing of it is left. The runtime is a shell script. */
#include "shim-client.h"

static struct incoming in;
static char received[1 << 16];

#define NAME_IT "echo $! > /tmp/run/init.pid; "

static uint32_t started(struct daemon *d) {
  expect_event(d->events, &in, EVT_STARTED);
  return read_u32(&in.body);
}

static void fails(const char *script, int number, const char *detail) {
  struct daemon d;
  start_launcher(&d);
  launch_container(&d, 9, &(struct container){.script = script, .flags = SHIM_HANDS_OVER});
  expect_event(d.events, &in, EVT_FAILED);
  CHECK(read_u32(&in.body) == 1 && read_u32(&in.body) == 0xffffffff && read_u32(&in.body) == 0);
  CHECK(read_u32(&in.body) == (uint32_t)number);
  CHECK_CONTAINS(read_string(&in.body), detail);
  CHECK(access("/tmp/run/shim.sock", F_OK) < 0 && access("/tmp/run/pid", F_OK) < 0);
  CHECK_TEXT(read_file("/tmp/log"), "");
  CHECK(launcher_status(&d) == 0);
}

static void the_process_it_made_takes_its_place(void) {
  struct daemon d;
  start_launcher(&d);
  const char *script = "exec 3<&0; (sleep 0.2; cat; exit 5) <&3 & " NAME_IT;
  launch_container(&d, 7,
                   &(struct container){.script = script, .flags = SHIM_HANDS_OVER | SHIM_STDIN | SHIM_STDIN_ONCE});
  uint32_t pid = started(&d);
  CHECK((uint32_t)atoi(read_file("/tmp/run/init.pid")) == pid);
  CHECK((uint32_t)atoi(read_file("/tmp/run/pid")) == pid);
  int fd = connect_shim(CONN_ATTACH, ATTACH_STDIN | ATTACH_STDOUT | ATTACH_RAW);
  CHECK(send(fd, "typed\n", 6, 0) == 6 && shutdown(fd, SHUT_WR) == 0);
  receive_rest(fd, received, sizeof received);
  CHECK_TEXT(received, "typed\n");
  int status = expect_exit(d.events);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 5);
  CHECK_CONTAINS(read_file("/tmp/log"), "{\"log\":\"typed\\n\"");
  CHECK(launcher_status(&d) == 0);
}

/* Its end was there to be seen before anybody knew whose it was. */
static void one_that_has_ended_already_is_not_missed(void) {
  struct daemon d;
  start_launcher(&d);
  const char *script = "(exit 7) & " NAME_IT "exec sleep 0.2";
  launch_container(&d, 1, &(struct container){.script = script, .flags = SHIM_HANDS_OVER});
  started(&d);
  int status = expect_exit(d.events);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void held_before_the_runtime_runs(void) {
  struct daemon d;
  start_launcher(&d);
  const char *script = "(echo out; exit 0) & " NAME_IT;
  launch_container(&d, 1, &(struct container){.script = script, .flags = SHIM_HANDS_OVER, .hold = 1});
  expect_event(d.events, &in, EVT_CREATED);
  uint32_t runtime = read_u32(&in.body);
  int fd = connect_shim(CONN_ATTACH, ATTACH_STDOUT | ATTACH_RAW | ATTACH_RELEASE);
  CHECK(started(&d) != runtime);
  CHECK(expect_exit(d.events) == 0);
  receive_rest(fd, received, sizeof received);
  CHECK_TEXT(received, "out\n");
}

static void a_runtime_that_fails_is_reported_and_not_logged(void) {
  fails("echo noise; echo noise >&2; exit 3", ECANCELED, "the runtime: exited with 3");
}

static void a_killed_runtime_is_reported(void) {
  fails("kill -9 $$", ECANCELED, "the runtime: was killed by signal 9");
}

static void a_runtime_without_a_word_is_refused(void) {
  fails("exit 0", ENOENT, "init.pid");
}

static void a_pid_that_is_none_is_refused(void) {
  fails("echo 12x > /tmp/run/init.pid", EPROTO, "12x");
}

static void somebody_elses_process_is_refused(void) {
  fails("echo 1 > /tmp/run/init.pid", ECHILD, "not its orphan: 1");
}

int main(int argc, char **argv) {
  static const struct test tests[] = {
      TEST(the_process_it_made_takes_its_place),
      TEST(one_that_has_ended_already_is_not_missed),
      TEST(held_before_the_runtime_runs),
      TEST(a_runtime_that_fails_is_reported_and_not_logged),
      TEST(a_killed_runtime_is_reported),
      TEST(a_runtime_without_a_word_is_refused),
      TEST(a_pid_that_is_none_is_refused),
      TEST(somebody_elses_process_is_refused),
  };
  return run_tests(tests, sizeof tests / sizeof *tests, argc, argv);
}
