/* The life of containers as the daemon sees it: launches, events, logs, attached clients, commands, and bad ends. */
#include <sys/ioctl.h>

#include "shim-client.h"

static struct incoming in;
static char received[4 << 20];

static void a_program_starts_and_exits(void) {
  struct daemon d;
  start_launcher(&d);
  launch_container(&d, 7, &(struct container){.script = "exit 3"});
  expect_event(d.events, &in, EVT_STARTED);
  CHECK(in.token == 7);
  uint32_t pid = read_u32(&in.body);
  uint64_t starttime = read_u64(&in.body);
  CHECK(pid > 1 && starttime > 0 && in.body.at == in.body.end && !in.body.failed);
  expect_event(d.events, &in, EVT_EXIT);
  CHECK(in.token == 7);
  uint32_t status = read_u32(&in.body);
  uint64_t time = read_u64(&in.body);
  CHECK(WIFEXITED((int)status) && WEXITSTATUS((int)status) == 3);
  CHECK(time > 1700000000000000000ull && read_u32(&in.body) == 0);
  char want[128];
  snprintf(want, sizeof want, "%u %llu 0\n", status, (unsigned long long)time);
  CHECK_TEXT(read_file("/tmp/run/exit"), want);
  snprintf(want, sizeof want, "%u %llu\n", pid, (unsigned long long)starttime);
  CHECK_TEXT(read_file("/tmp/run/pid"), want);
  CHECK(access("/tmp/run/shim.sock", F_OK) < 0 && access("/tmp/run/exit.tmp", F_OK) < 0);
  CHECK(launcher_status(&d) == 0);
}

static void output_is_logged_to_the_end(void) {
  struct daemon d;
  start_launcher(&d);
  launch_container(&d, 1, &(struct container){.script = "echo one; echo '<two>' >&2; printf three"});
  expect_event(d.events, &in, EVT_STARTED);
  CHECK(expect_exit(d.events) == 0);
  const char *log = read_file("/tmp/log");
  CHECK_CONTAINS(log, "{\"log\":\"one\\n\",\"stream\":\"stdout\",\"time\":\"20");
  CHECK_CONTAINS(log, "{\"log\":\"\\u003ctwo\\u003e\\n\",\"stream\":\"stderr\",\"time\":\"20");
  CHECK_CONTAINS(log, "{\"log\":\"three\",\"stream\":\"stdout\",\"time\":\"20");
}

/* A character that arrives in two reads; a line that does. */
static void lines_and_characters_survive_split_reads(void) {
  struct daemon d;
  start_launcher(&d);
  launch_container(
      &d, 1, &(struct container){.script = "printf 'ab\\342'; sleep 0.1; printf '\\202\\254'; sleep 0.1; echo cd"});
  expect_event(d.events, &in, EVT_STARTED);
  CHECK(expect_exit(d.events) == 0);
  CHECK_CONTAINS(read_file("/tmp/log"),
                 "{\"log\":\"ab\xe2\x82\xac"
                 "cd\\n\"");
}

static void the_log_rotates(void) {
  struct daemon d;
  start_launcher(&d);
  launch_container(&d, 1, &(struct container){.script = "seq 1 1000", .max_bytes = 20000, .max_files = 3});
  expect_event(d.events, &in, EVT_STARTED);
  CHECK(expect_exit(d.events) == 0);
  CHECK_CONTAINS(read_file("/tmp/log"), "{\"log\":\"1000\\n\"");
  CHECK(strlen(read_file("/tmp/log.1")) <= 20000 && strlen(read_file("/tmp/log.2")) > 19000);
  CHECK(access("/tmp/log.3", F_OK) < 0);
}

static void a_failing_plan_is_reported(void) {
  struct daemon d;
  start_launcher(&d);
  launch_container(&d, 9, &(struct container){.script = "", .program = "/no/such/program"});
  expect_event(d.events, &in, EVT_FAILED);
  CHECK(in.token == 9 && read_u32(&in.body) == 1);
  CHECK(read_u32(&in.body) == 2 && read_u32(&in.body) == OP_EXEC && read_u32(&in.body) == ENOENT);
  CHECK_CONTAINS(read_string(&in.body), "/no/such/program");
  CHECK(access("/tmp/run/shim.sock", F_OK) < 0 && access("/tmp/run/exit", F_OK) < 0 &&
        access("/tmp/run/pid", F_OK) < 0);
}

static void a_failing_set_up_is_reported(void) {
  struct daemon d;
  start_launcher(&d);
  mkdir("/tmp/run", 0700);
  request_launch(&d, 9, &(struct container){.script = "", .log = "/tmp/nowhere/log"});
  expect_event(d.events, &in, EVT_FAILED);
  CHECK(read_u32(&in.body) == 0 && read_u32(&in.body) == 0xffffffff && read_u32(&in.body) == 0);
  CHECK(read_u32(&in.body) == ENOENT);
  CHECK_TEXT(read_string(&in.body), "open log: /tmp/nowhere/log");
  CHECK(access("/tmp/run/shim.sock", F_OK) < 0);
  request_launch(&d, 10, &(struct container){.script = "", .run_dir = "/tmp/missing"});
  expect_event(d.events, &in, EVT_FAILED);
  CHECK(in.token == 10);
  CHECK(launcher_status(&d) == 0);
}

static void killed_while_held_it_exits_without_having_started(void) {
  struct daemon d;
  start_launcher(&d);
  launch_container(&d, 4, &(struct container){.script = "", .hold = 1});
  expect_event(d.events, &in, EVT_CREATED);
  int command = connect_shim(CONN_CONTROL, 0);
  CHECK(control(command, CTL_SIGNAL, "u", SIGKILL, 0) == 0);
  CHECK(expect_exit(d.events) == SIGKILL);
}

static void a_failure_after_release_is_reported(void) {
  struct daemon d;
  start_launcher(&d);
  launch_container(&d, 4, &(struct container){.script = "", .hold = 1, .program = "/no/such"});
  expect_event(d.events, &in, EVT_CREATED);
  int command = connect_shim(CONN_CONTROL, 0);
  CHECK(control(command, CTL_RELEASE, "", 0, 0) == 0);
  expect_event(d.events, &in, EVT_FAILED);
  CHECK(read_u32(&in.body) == 1);
  expect_event(command, &in, EVT_FAILED);
}

static void commands_are_answered(void) {
  struct daemon d;
  start_launcher(&d);
  launch_container(
      &d, 1,
      &(struct container){.script = "trap 'echo got it; exit 5' USR1; echo ready; while :; do sleep 0.05; done"});
  expect_event(d.events, &in, EVT_STARTED);
  int fd = connect_shim(CONN_CONTROL, 0);
  CHECK(control(fd, CTL_RESIZE, "uu", 24, 80) == ENOTTY);
  CHECK(control(fd, CTL_RELEASE, "", 0, 0) == EINVAL);
  CHECK(control(fd, 99, "", 0, 0) == EOPNOTSUPP);
  CHECK(control(fd, CTL_SIGNAL, "", 0, 0) == EPROTO);
  while (!strstr(read_file("/tmp/log"), "ready")) usleep(10000);
  CHECK(control(fd, CTL_FLUSH_LOG, "", 0, 0) == 0);
  CHECK(control(fd, CTL_ROTATE, "", 0, 0) == 0);
  CHECK(control(fd, CTL_SIGNAL, "u", SIGUSR1, 0) == 0);
  int status = expect_exit(d.events);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 5);
  CHECK_CONTAINS(read_file("/tmp/log"), "got it");
}

static void a_bad_hello_is_refused(void) {
  struct daemon d;
  start_launcher(&d);
  launch_container(&d, 1, &(struct container){.script = "sleep 0.3"});
  expect_event(d.events, &in, EVT_STARTED);
  int fd = connect_shim_at("/tmp/run/shim.sock", 9, 0, EPROTO);
  CHECK(recv(fd, received, 1, 0) == 0);
  int talker = connect_shim(CONN_CONTROL, 0);
  memset(received, 0xff, 64);
  CHECK(send(talker, received, 64, MSG_NOSIGNAL) == 64);
  CHECK(recv(talker, received, 1, 0) <= 0);
  CHECK(expect_exit(d.events) == 0);
}

static void a_terminal_echoes_and_resizes(void) {
  struct daemon d;
  start_launcher(&d);
  launch_container(
      &d, 1,
      &(struct container){
          .script = "stty size; read line; stty size; echo \"<$line>\"", .flags = SHIM_TTY | SHIM_STDIN, .hold = 1});
  expect_event(d.events, &in, EVT_CREATED);
  int fd = connect_shim(CONN_ATTACH, ATTACH_STDIN | ATTACH_STDOUT | ATTACH_RAW);
  int command = connect_shim(CONN_CONTROL, 0);
  CHECK(control(command, CTL_RELEASE, "", 0, 0) == 0);
  expect_event(d.events, &in, EVT_STARTED);
  CHECK(recv(fd, received, 7, MSG_WAITALL) == 7 && memcmp(received, "33 77\r\n", 7) == 0);
  CHECK(control(command, CTL_RESIZE, "uu", 24, 80) == 0);
  CHECK(send(fd, "typed\n", 6, 0) == 6);
  receive_rest(fd, received, sizeof received);
  CHECK_TEXT(received, "typed\r\n24 80\r\n<typed>\r\n");
  CHECK(expect_exit(d.events) == 0);
  CHECK_CONTAINS(read_file("/tmp/log"), "{\"log\":\"\\u003ctyped\\u003e\\r\\n\",\"stream\":\"stdout\"");
}

static void orphans_are_reaped_and_do_not_delay_the_exit(void) {
  struct daemon d;
  start_launcher(&d);
  pid_t shim = launch_container(
      &d, 1, &(struct container){.script = "(sleep 0.1; exit 9) & (sleep 3; echo late) & sleep 0.3; exit 4"});
  expect_event(d.events, &in, EVT_STARTED);
  int status = expect_exit(d.events);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 4);
  for (int i = 0; i < 200 && kill(shim, 0) == 0; i++) usleep(10000);
  CHECK(kill(shim, 0) < 0);
  CHECK(strstr(read_file("/tmp/log"), "late") == NULL);
}

static void without_a_daemon_it_goes_on(void) {
  struct daemon d;
  start_launcher(&d);
  launch_container(&d, 1, &(struct container){.script = "sleep 0.3; echo alone; exit 6"});
  expect_event(d.events, &in, EVT_STARTED);
  close(d.events);
  CHECK(launcher_status(&d) == 0);
  int command = connect_shim(CONN_CONTROL, 0);
  CHECK(WEXITSTATUS(expect_exit(command)) == 6);
  CHECK(strncmp(read_file("/tmp/run/exit"), "1536 ", 5) == 0);
  CHECK_CONTAINS(read_file("/tmp/log"), "alone");
}

static void a_killed_shim_is_missed_and_its_folder_serves_again(void) {
  struct daemon d;
  start_launcher(&d);
  pid_t shim = launch_container(&d, 11, &(struct container){.script = "exec sleep 1"});
  expect_event(d.events, &in, EVT_STARTED);
  pid_t container = (pid_t)read_u32(&in.body);
  kill(shim, SIGKILL);
  expect_event(d.events, &in, EVT_SHIM_LOST);
  CHECK(in.token == 11 && read_u32(&in.body) == (uint32_t)shim && read_u32(&in.body) == SIGKILL);
  kill(container, SIGKILL);
  launch_container(&d, 12, &(struct container){.script = "exit 0"}); /* over the socket left behind */
  expect_event(d.events, &in, EVT_STARTED);
  CHECK(expect_exit(d.events) == 0);
}

static void long_run_folders_have_sockets_too(void) {
  struct daemon d;
  char folder[256] = "/tmp/";
  memset(folder + 5, 'r', 200);
  start_launcher(&d);
  launch_container(&d, 1, &(struct container){.script = "exit 0", .run_dir = folder, .hold = 1});
  expect_event(d.events, &in, EVT_CREATED);
  char path[128];
  int dir = open(folder, O_PATH);
  snprintf(path, sizeof path, "/proc/self/fd/%d/shim.sock", dir);
  struct stat st;
  CHECK(stat(path, &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 07777) == 0600);
  CHECK(control(connect_shim_at(path, CONN_CONTROL, 0, 0), CTL_RELEASE, "", 0, 0) == 0);
  expect_event(d.events, &in, EVT_STARTED);
  CHECK(expect_exit(d.events) == 0);
}

static void many_at_once(void) {
  struct daemon d;
  int exits = 0;
  start_launcher(&d);
  for (int i = 0; i < 30; i++) {
    char folder[64], log[64], script[64];
    snprintf(folder, sizeof folder, "/tmp/run%d", i);
    snprintf(log, sizeof log, "/tmp/log%d", i);
    snprintf(script, sizeof script, "echo %d; exit %d", i, i);
    launch_container(&d, (uint64_t)i, &(struct container){.script = script, .run_dir = folder, .log = log});
  }
  while (exits < 30) {
    CHECK(receive_event(d.events, &in));
    if (in.type == EVT_STARTED) continue;
    CHECK(in.type == EVT_EXIT && read_u32(&in.body) == in.token << 8);
    exits++;
  }
}

int main(int argc, char **argv) {
  static const struct test tests[] = {
      TEST(a_program_starts_and_exits),
      TEST(output_is_logged_to_the_end),
      TEST(lines_and_characters_survive_split_reads),
      TEST(the_log_rotates),
      TEST(a_failing_plan_is_reported),
      TEST(a_failing_set_up_is_reported),
      TEST(killed_while_held_it_exits_without_having_started),
      TEST(a_failure_after_release_is_reported),
      TEST(commands_are_answered),
      TEST(a_bad_hello_is_refused),
      TEST(a_terminal_echoes_and_resizes),
      TEST(orphans_are_reaped_and_do_not_delay_the_exit),
      TEST(without_a_daemon_it_goes_on),
      TEST(a_killed_shim_is_missed_and_its_folder_serves_again),
      TEST(long_run_folders_have_sockets_too),
      TEST(many_at_once),
  };
  return run_tests(tests, sizeof tests / sizeof *tests, argc, argv);
}
