/* The launcher's other requests: batches, signals, netlink, many outstanding at once, and peers that talk nonsense. */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include "process-stat.h"
#include "shim-client.h"

static struct incoming in;
static struct builder plan, body;

static const struct builder *run_body(void) {
  plan_end(&plan);
  body.length = 0;
  put_bytes(&body, plan.bytes, plan.length);
  return &body;
}

static const struct builder *empty(void) {
  body.length = 0;
  return &body;
}

static void ping_tells_the_protocol(void) {
  struct daemon d;
  start_launcher(&d);
  call(&d, REQ_PING, empty(), &in);
  CHECK(read_u32(&in.body) == 0 && read_u32(&in.body) == PROTOCOL_VERSION && in.body.at == in.body.end);
  CHECK(launcher_status(&d) == 0);
}

static void batches_are_performed_and_failures_located(void) {
  struct daemon d;
  start_launcher(&d);
  plan_begin(&plan);
  op(&plan, OP_MKDIR, 0, "usu", SLOT_NONE, "/tmp/made", 0751);
  op(&plan, OP_MKDIR, 0, "usu", SLOT_NONE, "/tmp/made", 0755);
  call(&d, REQ_RUN, run_body(), &in);
  CHECK(read_u32(&in.body) == EEXIST && read_u32(&in.body) == 1 && read_u32(&in.body) == OP_MKDIR);
  CHECK_CONTAINS(read_string(&in.body), "/tmp/made");
  struct stat st;
  CHECK(stat("/tmp/made", &st) == 0 && (st.st_mode & 07777) == 0751);
  plan_begin(&plan);
  op(&plan, OP_RMDIR, 0, "us", SLOT_NONE, "/tmp/made");
  call(&d, REQ_RUN, run_body(), &in);
  CHECK(read_u32(&in.body) == 0 && read_u32(&in.body) == 0 && read_u32(&in.body) == 0);
  CHECK_TEXT(read_string(&in.body), "");
  CHECK(access("/tmp/made", F_OK) < 0);
}

static void a_batch_must_not_make_a_process(void) {
  struct daemon d;
  start_launcher(&d);
  container_begin(&plan, 0);
  script_op(&plan, "exit 0");
  call(&d, REQ_RUN, run_body(), &in);
  CHECK(read_u32(&in.body) == EINVAL && read_u32(&in.body) == SLOT_NONE);
  body.length = 0;
  put_bytes(&body, "nonsense", 8);
  call(&d, REQ_RUN, &body, &in);
  CHECK(read_u32(&in.body) != 0);
}

/* A slow batch does not hold up the others, and many may be under way. */
static void replies_come_as_they_are_ready(void) {
  struct daemon d;
  uint32_t slow[20];
  start_launcher(&d);
  for (int i = 0; i < 20; i++) {
    plan_begin(&plan);
    op(&plan, OP_HOOK, 0, "sllul", "/bin/sleep", LIST("sleep", "0.5"), LIST(), 0, LIST());
    slow[i] = send_request(&d, REQ_RUN, run_body());
  }
  call(&d, REQ_PING, empty(), &in);
  int seen = 0;
  for (int i = 0; i < 20; i++) {
    receive_reply(&d, &in);
    CHECK(read_u32(&in.body) == 0);
    for (int k = 0; k < 20; k++) seen += slow[k] == in.id;
  }
  CHECK(seen == 20);
}

static uint32_t signal_reply(struct daemon *d, pid_t pid, uint64_t starttime, uint32_t number) {
  body.length = 0;
  put_number(&body, (uint64_t)pid, 4);
  put_number(&body, starttime, 8);
  put_number(&body, number, 4);
  call(d, REQ_SIGNAL, &body, &in);
  return read_u32(&in.body);
}

static void signals_go_to_the_process_meant(void) {
  struct daemon d;
  struct process_stat stat_now;
  int status;
  start_launcher(&d);
  pid_t pid = fork();
  if (pid == 0) {
    for (;;) pause();
  }
  int proc = open("/proc", O_PATH);
  CHECK(process_stat(proc, pid, &stat_now) == 0);
  CHECK(signal_reply(&d, pid, stat_now.starttime + 1, SIGKILL) == ESRCH);
  CHECK(waitpid(pid, &status, WNOHANG) == 0);
  CHECK(signal_reply(&d, pid, stat_now.starttime, SIGTERM) == 0);
  CHECK(waitpid(pid, &status, 0) == pid && status == SIGTERM);
  CHECK(signal_reply(&d, pid, 0, SIGTERM) == ESRCH);
  CHECK(signal_reply(&d, 0, 0, SIGTERM) == ESRCH);
}

static void netlink_message(uint16_t type, uint16_t flags, const void *payload, size_t length, const char *netns) {
  struct nlmsghdr head = {
      .nlmsg_len = (uint32_t)(sizeof head + length), .nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = 5};
  static uint8_t message[256];
  memcpy(message, &head, sizeof head);
  memcpy(message + sizeof head, payload, length);
  body.length = 0;
  put_bytes(&body, netns, strlen(netns));
  put_number(&body, NETLINK_ROUTE, 4);
  put_bytes(&body, message, sizeof head + length);
}

static void netlink_is_asked(void) {
  struct daemon d;
  start_launcher(&d);
  struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
  netlink_message(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, &any, sizeof any, "");
  call(&d, REQ_NETLINK_QUERY, &body, &in);
  CHECK(read_u32(&in.body) == 0);
  struct bytes got = read_data(&in.body);
  CHECK(!in.body.failed && memmem(got.data, got.length, "lo", 3) != NULL);
  any.ifi_index = 1;
  netlink_message(RTM_GETLINK, NLM_F_REQUEST, &any, sizeof any, "/proc/self/ns/net"); /* one answer, no end mark */
  call(&d, REQ_NETLINK_QUERY, &body, &in);
  CHECK(read_u32(&in.body) == 0 && read_data(&in.body).length > sizeof(struct nlmsghdr));
  any.ifi_index = 0x7fffff;
  netlink_message(RTM_GETLINK, NLM_F_REQUEST | NLM_F_ACK, &any, sizeof any, "");
  call(&d, REQ_NETLINK_QUERY, &body, &in);
  CHECK(read_u32(&in.body) == ENODEV);
  netlink_message(RTM_GETLINK, NLM_F_REQUEST, &any, sizeof any, "/no/such/namespace");
  call(&d, REQ_NETLINK_QUERY, &body, &in);
  CHECK(read_u32(&in.body) == ENOENT && read_data(&in.body).length == 0);
}

static void socket_body(const char *netns, const struct sockaddr_in *address, const char *message) {
  body.length = 0;
  put_bytes(&body, netns, strlen(netns));
  put_number(&body, SOCK_STREAM, 4);
  put_bytes(&body, address, sizeof *address);
  put_bytes(&body, message, strlen(message));
}

static void a_socket_is_made_and_sent(void) {
  struct daemon d;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  start_launcher(&d);
  CHECK(send(d.sockets, "an answer to an earlier one\n", 28, 0) == 28);
  socket_body("", &address, "one\n");
  call(&d, REQ_SOCKET, &body, &in);
  CHECK(read_u32(&in.body) == 0);
  struct bytes bound = read_data(&in.body);
  CHECK(bound.length == sizeof address);
  memcpy(&address, bound.data, sizeof address);
  CHECK(address.sin_port != 0);
  char text[64], control[CMSG_SPACE(sizeof(int))];
  struct iovec part = {text, sizeof text};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  CHECK(recvmsg(d.sockets, &message, 0) == 4 && memcmp(text, "one\n", 4) == 0);
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  CHECK(head != NULL && head->cmsg_type == SCM_RIGHTS);
  int listening, on = 0;
  socklen_t size = sizeof on;
  memcpy(&listening, CMSG_DATA(head), sizeof listening);
  CHECK(getsockopt(listening, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == 0 && on == 1);
  socket_body("", &address, "two\n"); /* taken now: nothing is sent */
  call(&d, REQ_SOCKET, &body, &in);
  CHECK(read_u32(&in.body) == EADDRINUSE && read_data(&in.body).length == 0);
  socket_body("/no/such/namespace", &address, "three\n");
  call(&d, REQ_SOCKET, &body, &in);
  CHECK(read_u32(&in.body) == ENOENT);
  CHECK(recv(d.sockets, text, sizeof text, MSG_DONTWAIT) < 0 && errno == EAGAIN);
  close(listening);
}

static void frames_may_come_in_pieces(void) {
  struct daemon d;
  start_launcher(&d);
  static const uint8_t ping[] = {8, 0, 0, 0, 42, 0, 0, 0, 4, 0, 0, 0};
  for (size_t i = 0; i < sizeof ping; i++) {
    CHECK(send(d.requests, ping + i, 1, 0) == 1);
    usleep(2000);
  }
  receive_reply(&d, &in);
  CHECK(in.id == 42 && in.type == (REQ_PING | REPLY_BIT));
  static uint8_t many[12 * 5000];
  for (size_t i = 0; i < sizeof many; i++) many[i] = ping[i % 12];
  pid_t writer = fork();
  if (writer == 0) _exit(send(d.requests, many, sizeof many, 0) != (ssize_t)sizeof many);
  for (int i = 0; i < 5000; i++) receive_reply(&d, &in);
}

static void a_big_plan_is_taken(void) {
  struct daemon d;
  start_launcher(&d);
  size_t length = 3 << 20;
  uint8_t head[16] = {0}, *zeros = calloc(1, length);
  uint32_t rest = (uint32_t)(8 + 4 + length + 1), size = (uint32_t)length;
  memcpy(head, &rest, 4);
  head[4] = 1;
  head[8] = REQ_RUN;
  memcpy(head + 12, &size, 4);
  CHECK(send(d.requests, head, 16, 0) == 16);
  CHECK(send(d.requests, zeros, length, 0) == (ssize_t)length && send(d.requests, zeros, 1, 0) == 1);
  free(zeros);
  receive_reply(&d, &in);
  CHECK(in.id == 1 && read_u32(&in.body) != 0);
  call(&d, REQ_PING, empty(), &in);
}

static void expect_end(const uint8_t *bytes, size_t length) {
  struct daemon d;
  int status;
  start_launcher(&d);
  CHECK(send(d.requests, bytes, length, 0) == (ssize_t)length);
  CHECK(waitpid(d.launcher, &status, 0) == d.launcher && WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void malformed_frames_end_it(void) {
  expect_end((const uint8_t[]){3, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0}, 12);
  expect_end((const uint8_t[]){0, 0, 0, 0xff, 1, 0, 0, 0, 4, 0, 0, 0}, 12);
  expect_end((const uint8_t[]){8, 0, 0, 0, 1, 0, 0, 0, 77, 0, 0, 0}, 12);
  expect_end((const uint8_t[]){8, 0, 0, 0, 1, 0, 0, 0, 4, 0, 1, 0}, 12);
}

static void malformed_bodies_are_answered(void) {
  struct daemon d;
  start_launcher(&d);
  call(&d, REQ_LAUNCH, empty(), &in);
  CHECK(read_u32(&in.body) == EINVAL && read_u32(&in.body) == 0);
  call(&d, REQ_SIGNAL, empty(), &in);
  CHECK(read_u32(&in.body) == EINVAL);
  call(&d, REQ_NETLINK_QUERY, empty(), &in);
  CHECK(read_u32(&in.body) == EINVAL);
  call(&d, REQ_SOCKET, empty(), &in);
  CHECK(read_u32(&in.body) == EINVAL);
}

int main(int argc, char **argv) {
  static const struct test tests[] = {
      TEST(ping_tells_the_protocol),         TEST(batches_are_performed_and_failures_located),
      TEST(a_batch_must_not_make_a_process), TEST(replies_come_as_they_are_ready),
      TEST(signals_go_to_the_process_meant), TEST(netlink_is_asked),
      TEST(a_socket_is_made_and_sent),
      TEST(frames_may_come_in_pieces),       TEST(a_big_plan_is_taken),
      TEST(malformed_frames_end_it),         TEST(malformed_bodies_are_answered),
  };
  return run_tests(tests, sizeof tests / sizeof *tests, argc, argv);
}
