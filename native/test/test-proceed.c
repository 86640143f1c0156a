/* What a launch leaves to the daemon: the word to go on, and clients that are there before the container is. */
#include <poll.h>

#include "shim-client.h"

static struct incoming in;
static struct builder body;
static char out[4096];

static void proceed(struct daemon *d, uint64_t token, uint32_t goes_on) {
  body.length = 0;
  put_number(&body, token, 8);
  put_number(&body, goes_on, 4);
  send_request(d, REQ_PROCEED, &body);
}

static int is_quiet(int fd, int ms) {
  struct pollfd wait = {.fd = fd, .events = POLLIN};
  return poll(&wait, 1, ms) == 0;
}

static void expect_told_not_to_go_on(int events) {
  expect_event(events, &in, EVT_FAILED);
  CHECK(read_u32(&in.body) == 0 && read_u32(&in.body) == 1);
  CHECK(read_u32(&in.body) == OP_AWAIT && read_u32(&in.body) == ECANCELED);
  CHECK_CONTAINS(read_string(&in.body), "told not to go on");
  CHECK(access("/tmp/run/shim.sock", F_OK) < 0 && access("/tmp/run/pid", F_OK) < 0);
}

static const struct container waiting = {.script = "exit 4", .flags = SHIM_WAITS, .awaits = 1};

static void the_child_waits_for_the_word(void) {
  struct daemon d;
  start_launcher(&d);
  launch_container(&d, 7, &waiting);
  CHECK(is_quiet(d.events, 100));
  proceed(&d, 8, 1); /* somebody else's */
  CHECK(is_quiet(d.events, 100));
  proceed(&d, 7, 1);
  expect_event(d.events, &in, EVT_STARTED);
  CHECK(WEXITSTATUS(expect_exit(d.events)) == 4);
  proceed(&d, 7, 1); /* nobody's by now */
  CHECK(launcher_status(&d) == 0);
}

/* The word may be there before anybody waits for it. */
static void many_at_once_hear_their_own_word(void) {
  struct daemon d;
  char folders[8][24];
  start_launcher(&d);
  for (uint64_t i = 0; i < 8; i++) {
    struct container c = waiting;
    snprintf(folders[i], sizeof folders[i], "/tmp/run-%d", (int)i);
    c.run_dir = folders[i];
    mkdir(c.run_dir, 0700);
    request_launch(&d, i, &c);
    proceed(&d, i, i % 2 == 0);
  }
  int started = 0, refused = 0, ended = 0;
  while (refused < 4 || ended < 4) {
    CHECK(receive_event(d.events, &in));
    CHECK(in.type == (in.token % 2 == 0 ? (uint16_t)(in.type == EVT_EXIT ? EVT_EXIT : EVT_STARTED) : EVT_FAILED));
    started += in.type == EVT_STARTED;
    ended += in.type == EVT_EXIT;
    refused += in.type == EVT_FAILED;
  }
  CHECK(started == 4);
}

static void a_refusal_leaves_nothing(void) {
  struct daemon d;
  start_launcher(&d);
  launch_container(&d, 7, &waiting);
  proceed(&d, 7, 0);
  expect_told_not_to_go_on(d.events);
  CHECK(launcher_status(&d) == 0);
}

static void so_does_a_daemon_that_is_gone(void) {
  struct daemon d;
  start_launcher(&d);
  launch_container(&d, 7, &waiting);
  CHECK(launcher_status(&d) == 0);
  expect_told_not_to_go_on(d.events);
}

static void nobody_is_waited_for_without_the_flag(void) {
  struct daemon d;
  start_launcher(&d);
  struct container c = waiting;
  c.flags = 0;
  launch_container(&d, 7, &c);
  expect_event(d.events, &in, EVT_FAILED);
  CHECK(read_u32(&in.body) == 0 && read_u32(&in.body) == 1);
  CHECK(read_u32(&in.body) == OP_AWAIT && read_u32(&in.body) == EBADF);
}

/* From the reply on, though the shim has yet to begin. */
static void clients_connect_before_there_is_a_process(void) {
  struct daemon d;
  start_launcher(&d);
  struct container c = {.script = "echo all of it", .flags = SHIM_WAITS, .awaits = 1, .hold = 1};
  launch_container(&d, 7, &c);
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/tmp/run/shim.sock"};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
  uint8_t hello[8] = {0x31, 0x4d, 0x48, 0x53, CONN_ATTACH, 2 | ATTACH_RAW | ATTACH_RELEASE, 0, 0};
  CHECK(send(fd, hello, sizeof hello, MSG_NOSIGNAL) == sizeof hello);
  CHECK(is_quiet(fd, 50));
  proceed(&d, 7, 1);
  expect_event(d.events, &in, EVT_CREATED);
  be_patient(fd);
  receive_rest(fd, out, sizeof out);
  CHECK(memcmp(out, "\0\0\0\0", 4) == 0);
  CHECK_TEXT(out + 4, "all of it\n");
  expect_event(d.events, &in, EVT_STARTED);
  CHECK(expect_exit(d.events) == 0);
}

int main(int argc, char **argv) {
  static const struct test tests[] = {
      TEST(the_child_waits_for_the_word),
      TEST(many_at_once_hear_their_own_word),
      TEST(a_refusal_leaves_nothing),
      TEST(so_does_a_daemon_that_is_gone),
      TEST(nobody_is_waited_for_without_the_flag),
      TEST(clients_connect_before_there_is_a_process),
  };
  return run_tests(tests, sizeof tests / sizeof *tests, argc, argv);
}
