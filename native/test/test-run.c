/* Mode `run`: the report, the exit status, held containers and their start socket, terminals, preserved fds. */
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "protocol.h"
#include "run.h"
#include "support.h"

static struct builder b;

struct run {
  pid_t pid;
  int report; /* reading end */
  int output; /* of the program: stdout */
};

/* Starts run_main in a process whose fds are as the command line gives them: stdio, preserved, plan, report. */
static struct run start_run(const char **flags, int stdin_fd, int preserved) {
  int report[2];
  int output[2];
  int plan[2];
  plan_end(&b);
  CHECK(pipe2(report, O_CLOEXEC) == 0 && pipe2(output, O_CLOEXEC) == 0 && pipe2(plan, O_CLOEXEC) == 0);
  CHECK(write(plan[1], b.bytes, b.length) == (ssize_t)b.length);
  close(plan[1]);
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    char *argv[16] = {"run"};
    int argc = 1;
    for (; flags[argc - 1] != NULL; argc++) argv[argc] = (char *)(uintptr_t)flags[argc - 1];
    int high[5] = {stdin_fd, output[1], plan[0], report[1], preserved};
    for (int i = 0; i < 5; i++)
      if (high[i] >= 0) high[i] = fcntl(high[i], F_DUPFD, 100);
    int next = 3;
    if (high[0] >= 0) dup2(high[0], 0);
    dup2(high[1], 1);
    if (preserved >= 0) dup2(high[4], next++);
    dup2(high[2], next++);
    dup2(high[3], next++);
    for (int fd = next; fd < 200; fd++) close(fd);
    exit(run_main(argc, argv));
  }
  close(report[1]);
  close(output[1]);
  close(plan[0]);
  return (struct run){pid, report[0], output[0]};
}

struct frame {
  uint32_t length;
  uint16_t type, zero;
  uint8_t token[8];
  uint32_t words[8];
  char detail[512];
} __attribute__((packed));

/* The next frame of the report; type 0 at its end. */
static struct frame next_frame(const struct run *r) {
  struct frame f = {0};
  if (read(r->report, &f, 4) == 4)
    CHECK(f.length < sizeof f && read(r->report, &f.type, f.length) == (ssize_t)f.length);
  return f;
}

static int exit_status(const struct run *r) {
  int status;
  CHECK(waitpid(r->pid, &status, 0) == r->pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void check_output(const struct run *r, const char *expected) {
  char output[4096];
  read_all(r->output, output, sizeof output);
  CHECK_TEXT(output, expected);
}

static void test_foreground(void) {
  plain_begin(&b);
  script_op(&b, "echo hello; exit 9");
  struct run r = start_run(LIST("--foreground"), -1, -1);
  struct frame f = next_frame(&r);
  CHECK(f.type == EVT_STARTED && f.words[0] > 1);
  f = next_frame(&r);
  CHECK(f.type == EVT_EXIT && f.words[0] == 9 << 8);
  CHECK(next_frame(&r).type == 0 && exit_status(&r) == 9);
  check_output(&r, "hello\n");
}

static void test_forwarded_signal(void) {
  plain_begin(&b);
  script_op(&b, "trap 'echo got it; kill -TERM $$' USR1; echo ready; while :; do sleep 0.05; done");
  struct run r = start_run(LIST("--foreground"), -1, -1);
  char ready[6];
  CHECK(read(r.output, ready, 6) == 6 && kill(r.pid, SIGUSR1) == 0);
  check_output(&r, "got it\n");
  CHECK(exit_status(&r) == 128 + SIGTERM);
}

static void test_detached(void) {
  plain_begin(&b);
  script_op(&b, "read line; echo $line");
  int input[2];
  CHECK(pipe2(input, O_CLOEXEC) == 0);
  struct run r = start_run(LIST(), input[0], -1);
  struct frame f = next_frame(&r);
  CHECK(f.type == EVT_STARTED && next_frame(&r).type == 0 && exit_status(&r) == 0);
  CHECK(kill((pid_t)f.words[0], 0) == 0); /* runs on */
  CHECK(write(input[1], "later\n", 6) == 6);
  check_output(&r, "later\n");
}

static void test_failure(void) {
  plain_begin(&b);
  op(&b, OP_CHDIR, 0, "s", "/nowhere");
  script_op(&b, "true");
  struct run r = start_run(LIST("--foreground"), -1, -1);
  struct frame f = next_frame(&r);
  CHECK(f.type == EVT_FAILED && f.words[0] == 1 && f.words[1] == 0 && f.words[2] == OP_CHDIR && f.words[3] == ENOENT);
  const char *detail = (const char *)&f + 16 + 20;
  CHECK(f.words[4] == strlen(detail));
  CHECK_TEXT(detail, "chdir: /nowhere");
  CHECK(exit_status(&r) == 1);
  plan_begin(&b);
  op(&b, OP_UNSHARE, 0, "uu", 0, 0);
  r = start_run(LIST(), -1, -1);
  f = next_frame(&r);
  CHECK(f.type == EVT_FAILED && f.words[3] == EINVAL && exit_status(&r) == 1);
}

static int connect_to(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
  return fd;
}

/* create, then start: a client that leaves without a byte starts nothing; the one that starts sees how it went. */
static void test_held_by_socket(void) {
  for (int fails = 0; fails < 2; fails++) {
    const char *path = fails ? "/tmp/start2" : "/tmp/start";
    struct frame f = {0};
    plan_begin(&b);
    op(&b, OP_LISTEN, 0, "usu", 9, path, 0600);
    op(&b, OP_CLONE, 0, "Uu", 0ul, SLOT_NONE);
    child_begin(&b);
    op(&b, OP_HOLD, 0, "u", 9);
    op(&b, OP_CHDIR, 0, "s", fails ? "/nowhere" : "/");
    script_op(&b, "echo started");
    struct run r = start_run(LIST(), -1, -1);
    CHECK(next_frame(&r).type == EVT_CREATED && next_frame(&r).type == 0 && exit_status(&r) == 0);
    close(connect_to(path));
    struct pollfd output = {r.output, POLLIN, 0};
    CHECK(poll(&output, 1, 50) == 0);
    int client = connect_to(path);
    CHECK(write(client, "s", 1) == 1);
    ssize_t got = read(client, &f, sizeof f);
    CHECK(fails ? got > 36 && f.type == EVT_FAILED && f.words[1] == 1 && f.words[3] == ENOENT : got == 0);
    check_output(&r, fails ? "" : "started\n");
    close(client);
  }
}

static void test_terminal_proxy(void) {
  int input[2];
  CHECK(pipe2(input, O_CLOEXEC) == 0);
  container_begin(&b, ALL_NAMESPACES);
  root_ops(&b);
  pivot_ops(&b);
  op(&b, OP_SETSID, 0, "");
  op(&b, OP_PTY, 0, "uuuuus", SLOT_SYNC, 0, 0, 0, 0, "");
  op(&b, OP_EXEC, 0, "lll", LIST("/bin/sh"),
     LIST("sh", "-c", "stty -echo; echo ready; read x; echo \"<$x>\"; seq 2000"), LIST("PATH=/bin:/usr/bin"));
  struct run r = start_run(LIST("--foreground", "--tty"), input[0], -1);
  char ready[7];
  CHECK(read(r.output, ready, 7) == 7 && memcmp(ready, "ready\r\n", 7) == 0);
  CHECK(write(input[1], "typed\n", 6) == 6);
  static char output[32768];
  read_all(r.output, output, sizeof output);
  CHECK(strncmp(output, "<typed>\r\n1\r\n2\r\n", 14) == 0);
  CHECK_CONTAINS(output, "\r\n1999\r\n2000\r\n"); /* nothing is lost at the end */
  CHECK(exit_status(&r) == 0);
}

/* fd 3 of the caller is the program's; the plan, the report and the rest are not. */
static void test_preserved_fds(void) {
  int extra[2];
  CHECK(pipe2(extra, O_CLOEXEC) == 0);
  plain_begin(&b);
  op(&b, OP_OPEN, 0, "uusuuU", 9, SLOT_NONE, "/", O_RDONLY | O_DIRECTORY, 0, 0ul);
  op(&b, OP_CLOSE_FDS, 0, "u", 1);
  script_op(&b, "for n in $(seq 0 30); do [ -e /proc/$$/fd/$n ] && printf '%s ' $n; done; echo through >&3");
  struct run r = start_run(LIST("--foreground", "--preserve-fds", "1"), -1, extra[1]);
  close(extra[1]);
  CHECK(next_frame(&r).type == EVT_STARTED);
  check_output(&r, "0 1 2 3 ");
  char text[16];
  CHECK(exit_status(&r) == 0 && read(extra[0], text, sizeof text) == 8);
  plain_begin(&b);
  op(&b, OP_CLOSE_FDS, 0, "u", 2);
  script_op(&b, "true");
  r = start_run(LIST("--preserve-fds", "1"), -1, extra[0]);
  CHECK(next_frame(&r).type == EVT_FAILED && exit_status(&r) == 1);
}

static void test_usage(void) {
  plan_begin(&b);
  struct run r = start_run(LIST("--nonsense"), -1, -1);
  CHECK(exit_status(&r) == 2);
  r = start_run(LIST("--plan-fd", "1"), -1, -1);
  CHECK(exit_status(&r) == 2);
  r = start_run(LIST("--plan-fd", "3", "--report-fd", "4"), -1, -1);
  struct frame f = next_frame(&r);
  CHECK(f.type == EVT_STARTED && f.words[0] == 0 && exit_status(&r) == 0);
}

static const struct test tests[] = {
    {"foreground", test_foreground},
    {"forwarded-signal", test_forwarded_signal},
    {"detached", test_detached},
    {"failure", test_failure},
    {"held-by-socket", test_held_by_socket},
    {"terminal-proxy", test_terminal_proxy},
    {"preserved-fds", test_preserved_fds},
    {"usage", test_usage},
};

int main(int argc, char **argv) {
  return run_tests(tests, sizeof tests / sizeof tests[0], argc, argv);
}
