/* Attached clients of a shim: who lets a container go, whose input is whose, slow and late ones, and where the log stands. */
#include "shim-client.h"

static struct incoming in;
static char received[4 << 20], out[4 << 20], err[4 << 20];

static void created_attached_released(void) {
  struct daemon d;
  start_launcher(&d);
  launch_container(&d, 4, &(struct container){.script = "echo out; echo err >&2; printf x", .hold = 1});
  expect_event(d.events, &in, EVT_CREATED);
  uint32_t pid = read_u32(&in.body);
  int both = connect_shim(CONN_ATTACH, ATTACH_STDOUT | ATTACH_STDERR);
  int raw = connect_shim(CONN_ATTACH, ATTACH_STDERR | ATTACH_RAW);
  int command = connect_shim(CONN_CONTROL, 0);
  send_control(command, CTL_STATUS, 1, "", 0, 0);
  expect_event(command, &in, EVT_STATUS);
  CHECK(read_u32(&in.body) == SHIM_CREATED && read_u32(&in.body) == pid);
  CHECK(control(command, CTL_RELEASE, "", 0, 0) == 0);
  expect_event(d.events, &in, EVT_STARTED);
  CHECK(expect_exit(d.events) == 0);
  size_t length = receive_rest(both, received, sizeof received);
  demultiplex(received, length, out, err);
  CHECK_TEXT(out, "out\nx");
  CHECK_TEXT(err, "err\n");
  receive_rest(raw, received, sizeof received);
  CHECK_TEXT(received, "err\n");
  expect_event(command, &in, EVT_STARTED);
  CHECK(expect_exit(command) == 0);
  CHECK(!receive_event(command, &in));
}

static void the_last_client_lets_it_go(void) {
  struct daemon d;
  start_launcher(&d);
  launch_container(&d, 4, &(struct container){.script = "echo out", .hold = 1});
  expect_event(d.events, &in, EVT_CREATED);
  int first = connect_shim(CONN_ATTACH, ATTACH_STDOUT | ATTACH_RAW);
  int last = connect_shim(CONN_ATTACH, ATTACH_STDOUT | ATTACH_RAW | ATTACH_RELEASE);
  expect_event(d.events, &in, EVT_STARTED);
  CHECK(expect_exit(d.events) == 0);
  receive_rest(first, received, sizeof received);
  CHECK_TEXT(received, "out\n");
  receive_rest(last, received, sizeof received);
  CHECK_TEXT(received, "out\n");
}

static void nothing_held_is_let_go(void) {
  struct daemon d;
  start_launcher(&d);
  launch_container(&d, 4, &(struct container){.script = "read line; echo $line", .flags = SHIM_STDIN | SHIM_STDIN_ONCE});
  expect_event(d.events, &in, EVT_STARTED);
  close(connect_shim_at("/tmp/run/shim.sock", CONN_ATTACH, ATTACH_STDIN | ATTACH_RELEASE, EINVAL));
  /* And its stdin is as it was. */
  int client = connect_shim(CONN_ATTACH, ATTACH_STDIN | ATTACH_STDOUT | ATTACH_RAW);
  CHECK(send(client, "text\n", 5, MSG_NOSIGNAL) == 5);
  CHECK(expect_exit(d.events) == 0);
  receive_rest(client, received, sizeof received);
  CHECK_TEXT(received, "text\n");
}

/* 2 MB through cat and back, with a half-close at the end. */
static void input_flows_with_backpressure(void) {
  struct daemon d;
  static char text[2 << 20];
  start_launcher(&d);
  launch_container(&d, 1, &(struct container){.script = "sleep 0.2; cat", .flags = SHIM_STDIN | SHIM_NO_LOG});
  expect_event(d.events, &in, EVT_STARTED);
  int fd = connect_shim(CONN_ATTACH, ATTACH_STDIN | ATTACH_STDOUT | ATTACH_RAW | ATTACH_CLOSE_STDIN);
  for (size_t i = 0; i < sizeof text; i++) text[i] = (char)('a' + i * 7919 % 26);
  pid_t writer = fork();
  if (writer == 0) {
    for (size_t at = 0; at < sizeof text;) {
      ssize_t n = send(fd, text + at, sizeof text - at, MSG_NOSIGNAL);
      if (n <= 0) _exit(1);
      at += (size_t)n;
    }
    _exit(shutdown(fd, SHUT_WR) < 0);
  }
  CHECK(receive_rest(fd, received, sizeof received) == sizeof text);
  CHECK(memcmp(received, text, sizeof text) == 0);
  CHECK(expect_exit(d.events) == 0);
  CHECK(access("/tmp/log", F_OK) < 0);
}

/* A program that ends with input unread: its output comes, then a clean end, and no reset while more is sent. */
static void unread_input_breaks_nothing(void) {
  struct daemon d;
  static char text[1 << 20];
  start_launcher(&d);
  launch_container(&d, 1, &(struct container){.script = "head -c 5", .flags = SHIM_STDIN | SHIM_NO_LOG});
  expect_event(d.events, &in, EVT_STARTED);
  int fd = connect_shim(CONN_ATTACH, ATTACH_STDIN | ATTACH_STDOUT | ATTACH_RAW | ATTACH_CLOSE_STDIN);
  memset(text, 'x', sizeof text);
  for (size_t at = 0; at < sizeof text;) {
    ssize_t n = send(fd, text + at, sizeof text - at, MSG_NOSIGNAL);
    CHECK(n > 0);
    at += (size_t)n;
  }
  CHECK(receive_rest(fd, received, sizeof received) == 5 && memcmp(received, "xxxxx", 5) == 0);
  CHECK(send(fd, text, 1000, MSG_NOSIGNAL) == 1000);
  CHECK(shutdown(fd, SHUT_WR) == 0);
  CHECK(expect_exit(d.events) == 0);
}

static void stdin_once_ends_when_its_client_leaves(void) {
  struct daemon d;
  start_launcher(&d);
  launch_container(&d, 1, &(struct container){.script = "cat", .flags = SHIM_STDIN | SHIM_STDIN_ONCE});
  expect_event(d.events, &in, EVT_STARTED);
  int other = connect_shim(CONN_ATTACH, ATTACH_STDOUT);
  close(other);
  int fd = connect_shim(CONN_ATTACH, ATTACH_STDIN);
  CHECK(send(fd, "last words\n", 11, 0) == 11);
  close(fd);
  CHECK(expect_exit(d.events) == 0);
  CHECK_CONTAINS(read_file("/tmp/log"), "{\"log\":\"last words\\n\"");
}

static void without_stdin_once_the_next_client_goes_on(void) {
  struct daemon d;
  start_launcher(&d);
  launch_container(&d, 1, &(struct container){.script = "cat", .flags = SHIM_STDIN});
  expect_event(d.events, &in, EVT_STARTED);
  for (int i = 0; i < 3; i++) {
    int fd = connect_shim(CONN_ATTACH, ATTACH_STDIN | ATTACH_STDOUT | ATTACH_RAW);
    CHECK(send(fd, "hello\n", 6, 0) == 6);
    CHECK(recv(fd, received, 6, MSG_WAITALL) == 6 && memcmp(received, "hello\n", 6) == 0);
    close(fd);
  }
  int command = connect_shim(CONN_CONTROL, 0);
  CHECK(control(command, CTL_CLOSE_STDIN, "", 0, 0) == 0);
  CHECK(expect_exit(d.events) == 0);
}

/* Who does not read stops the container (as in Docker); when he goes, it goes on, and the log has everything. */
static void a_slow_client_slows_and_a_gone_one_does_not(void) {
  struct daemon d;
  start_launcher(&d);
  launch_container(&d, 1, &(struct container){.script = "seq 100000 250000", .hold = 1});
  expect_event(d.events, &in, EVT_CREATED);
  int slow = connect_shim(CONN_ATTACH, ATTACH_STDOUT), command = connect_shim(CONN_CONTROL, 0);
  CHECK(control(command, CTL_RELEASE, "", 0, 0) == 0);
  expect_event(d.events, &in, EVT_STARTED);
  usleep(500000);
  send_control(command, CTL_STATUS, 1, "", 0, 0);
  do CHECK(receive_event(command, &in));
  while (in.type != EVT_STATUS);
  CHECK(read_u32(&in.body) == SHIM_RUNNING);
  close(slow);
  CHECK(expect_exit(d.events) == 0);
  FILE *log = fopen("/tmp/log", "re");
  char line[256], want[64];
  for (int i = 100000; i <= 250000; i++) {
    snprintf(want, sizeof want, "{\"log\":\"%d\\n\"", i);
    CHECK(fgets(line, sizeof line, log) != NULL && strncmp(line, want, strlen(want)) == 0);
  }
  CHECK(fgets(line, sizeof line, log) == NULL);
}

/* EXIT does not wait for a client that reads late, and the client still gets all of it. */
static void a_late_reader_gets_everything_after_the_exit(void) {
  struct daemon d;
  start_launcher(&d);
  launch_container(&d, 1, &(struct container){.script = "seq 100000 130000", .hold = 1});
  expect_event(d.events, &in, EVT_CREATED);
  int late = connect_shim(CONN_ATTACH, ATTACH_STDOUT | ATTACH_RAW), command = connect_shim(CONN_CONTROL, 0);
  CHECK(control(command, CTL_RELEASE, "", 0, 0) == 0);
  expect_event(d.events, &in, EVT_STARTED);
  CHECK(expect_exit(d.events) == 0);
  CHECK(access("/tmp/run/exit", F_OK) == 0);
  CHECK(receive_rest(late, received, sizeof received) == 30001 * 7);
  CHECK(strncmp(received, "100000\n", 7) == 0 && strcmp(received + 30000 * 7, "130000\n") == 0);
}

/* What was written before is in the log up to the mark, or comes at once as far as no log has it. */
static void a_marked_client_goes_on_where_the_log_stands(void) {
  struct daemon d;
  uint8_t answer[24];
  struct stat st;
  start_launcher(&d);
  launch_container(
      &d, 4, &(struct container){.script = "echo first; printf half; read x; echo whole", .flags = SHIM_STDIN});
  expect_event(d.events, &in, EVT_STARTED);
  int witness = connect_shim(CONN_ATTACH, ATTACH_STDIN | ATTACH_STDOUT | ATTACH_RAW);
  while (stat("/tmp/log", &st) < 0 || st.st_size == 0) usleep(1000);
  usleep(100000); /* the shell writes the other half of it at once */
  int late = connect_shim(CONN_ATTACH_MARKED, ATTACH_STDOUT | ATTACH_RAW);
  CHECK(recv(late, answer, sizeof answer, MSG_WAITALL) == sizeof answer);
  struct reader r = {.at = answer, .end = answer + sizeof answer};
  CHECK(stat("/tmp/log", &st) == 0);
  CHECK(read_u64(&r) == st.st_ino && read_u64(&r) == (uint64_t)st.st_size);
  CHECK(send(witness, "\n", 1, 0) == 1);
  CHECK(expect_exit(d.events) == 0);
  receive_rest(late, received, sizeof received);
  CHECK_TEXT(received, "halfwhole\n");
}

int main(int argc, char **argv) {
  static const struct test tests[] = {
      TEST(created_attached_released),
      TEST(the_last_client_lets_it_go),
      TEST(nothing_held_is_let_go),
      TEST(input_flows_with_backpressure),
      TEST(unread_input_breaks_nothing),
      TEST(stdin_once_ends_when_its_client_leaves),
      TEST(without_stdin_once_the_next_client_goes_on),
      TEST(a_slow_client_slows_and_a_gone_one_does_not),
      TEST(a_late_reader_gets_everything_after_the_exit),
      TEST(a_marked_client_goes_on_where_the_log_stands),
  };
  return run_tests(tests, sizeof tests / sizeof *tests, argc, argv);
}
