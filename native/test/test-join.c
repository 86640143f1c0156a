/* Real plans: into cgroups and their device filters, into the namespaces of a running container, fds handed out. */
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>

#include "support.h"

static struct builder b;

static const char *cgroup2(void) {
  static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
  struct statfs st;
  for (int i = 0; i < 2; i++)
    if (statfs(places[i], &st) == 0 && st.f_type == 0x63677270) return places[i];
  return NULL;
}

static void device_filter(const char *cgroup, uint16_t flags, int32_t verdict) {
  struct outcome o;
  struct bpf_insn insns[2] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = verdict}, {.code = BPF_JMP | BPF_EXIT}};
  plan_begin(&b);
  op(&b, OP_BPF_DEVICE, flags, "sd", cgroup, insns, sizeof insns);
  run_plan(&b, &o);
  if (o.launched < 0) fprintf(stderr, "errno %d: %s\n", o.failure.err.number, o.failure.err.detail);
  CHECK(o.launched == 0);
}

/* Born in the cgroup, under a device filter that is replaced and then joined by a second one. */
static void check_cgroup(const char *cgroup, const char *expected) {
  plan_begin(&b);
  op(&b, OP_OPEN, 0, "uusuuU", 9, SLOT_NONE, cgroup, O_RDONLY | O_DIRECTORY, 0, 0ul);
  op(&b, OP_CLONE, 0, "Uu", (uint64_t)CLONE_NEWCGROUP, 9);
  child_begin(&b);
  script_op(&b, "grep ^0: /proc/self/cgroup; cat /dev/null && echo allowed");
  expect_output(&b, expected);
}

static void test_cgroup(void) {
  char cgroup[80];
  struct outcome o;
  const char *mounted = cgroup2();
  if (mounted == NULL) {
    printf("skip: no cgroup v2 is mounted\n");
    return;
  }
  snprintf(cgroup, sizeof cgroup, "%s/skiff-test-%d", mounted, (int)getpid());
  CHECK(mkdir(cgroup, 0755) == 0);
  check_cgroup(cgroup, "0::/\nallowed\n");
  device_filter(cgroup, 0, 0);
  check_cgroup(cgroup, "0::/\ncat: /dev/null: Operation not permitted\n");
  device_filter(cgroup, OPF_REPLACE, 1);
  check_cgroup(cgroup, "0::/\nallowed\n");
  device_filter(cgroup, 0, 0);
  check_cgroup(cgroup, "0::/\ncat: /dev/null: Operation not permitted\n");
  plan_begin(&b);
  op(&b, OP_RMDIR, 0, "us", SLOT_NONE, cgroup);
  run_plan(&b, &o);
  CHECK(o.launched == 0);
}

/* As `exec` does: the pid namespace for the child by the parent, the others by the child itself. */
static void test_join_container(void) {
  struct vm vm;
  struct outcome o;
  const uint64_t joined = ALL_NAMESPACES & ~0x80ul;
  container_begin(&b, joined);
  op(&b, OP_HOSTNAME, 0, "s", "joined");
  root_ops(&b);
  pivot_ops(&b);
  op(&b, OP_EXEC, 0, "lll", LIST("/bin/sleep"), LIST("sleep", "100"), LIST());
  vm_init(&vm);
  launch(&vm, &b, &o);
  CHECK(o.launched == 0);

  plan_begin(&b);
  op(&b, OP_PIDFD_OPEN, 0, "uuU", 9, (uint32_t)vm.child, vm.child_starttime);
  op(&b, OP_SETNS, 0, "usu", 9, "", CLONE_NEWPID);
  op(&b, OP_CLONE, 0, "Uu", 0ul, SLOT_NONE);
  op(&b, OP_WRITE_PROC, 0, "sd", "oom_score_adj", "7", (size_t)1);
  op(&b, OP_POST, 0, "u", 1);
  child_begin(&b);
  op(&b, OP_WAIT, 0, "u", 1);
  op(&b, OP_SETNS, 0, "usu", 9, "", (uint32_t)(joined & ~(uint64_t)CLONE_NEWPID));
  op(&b, OP_CHDIR, 0, "s", "/tmp");
  script_op(&b, "echo $$ $(hostname) $(pwd); cat /proc/1/comm /proc/self/oom_score_adj; ls /");
  expect_output(&b, "2 joined /tmp\nsleep\n7\nbin\ndev\nlib\nlib64\nproc\nsbin\ntmp\nusr\n");
  CHECK(kill(vm.child, SIGKILL) == 0 && waitpid(vm.child, &o.status, 0) == vm.child);
  vm_close(&vm);
}

/* By path, and a time namespace: its offsets are set before a process is in it. */
static void test_namespaces_of_the_parent(void) {
  char outside[40];
  snprintf(outside, sizeof outside, "/proc/%d/ns/uts", (int)getppid());
  plan_begin(&b);
  op(&b, OP_UNSHARE, 0, "u", 0x80);
  op(&b, OP_WRITE_FILE, 0, "usduu", SLOT_NONE, "/proc/self/timens_offsets", "boottime 1000000 0\n", (size_t)19,
     O_WRONLY, 0);
  op(&b, OP_UNSHARE, 0, "u", CLONE_NEWUTS);
  op(&b, OP_CLONE, 0, "Uu", 0ul, SLOT_NONE);
  child_begin(&b);
  op(&b, OP_HOSTNAME, 0, "s", "lost");
  op(&b, OP_SETNS, 0, "usu", SLOT_NONE, outside, CLONE_NEWUTS);
  script_op(&b, "read up rest </proc/uptime; [ ${up%.*} -gt 1000000 ] && [ $(hostname) != lost ] && echo ok");
  expect_output(&b, "ok\n");
}

/* The notify fd of a filter goes over a socket, with the state around the child's pid. */
static void test_seccomp_listener(void) {
  struct outcome o;
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/tmp/agent"};
  int agent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(bind(agent, (struct sockaddr *)&address, sizeof address) == 0 && listen(agent, 1) == 0);
  struct sock_filter insns[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  plain_begin(&b);
  op(&b, OP_CONNECT, 0, "us", 9, "/tmp/agent");
  op(&b, OP_NO_NEW_PRIVS, 0, "");
  op(&b, OP_SECCOMP, 0, "udu", SECCOMP_FILTER_FLAG_NEW_LISTENER, insns, sizeof insns, 10);
  op(&b, OP_SEND_FD, 0, "uul", 9, 10, LIST("<", ">"));
  op(&b, OP_CLOSE, 0, "u", 10);
  script_op(&b, "echo \"<$$>\"");
  run_plan(&b, &o);
  CHECK(o.launched == 0);
  char text[64] = "";
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec part = {text, sizeof text - 1};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  int client = accept(agent, NULL, NULL);
  CHECK(recvmsg(client, &message, MSG_CMSG_CLOEXEC) > 2 && CMSG_FIRSTHDR(&message) != NULL);
  strcat(text, "\n");
  CHECK_TEXT(o.output, text);
}

static const struct test tests[] = {
    {"cgroup", test_cgroup},
    {"join-container", test_join_container},
    {"namespaces-of-the-parent", test_namespaces_of_the_parent},
    {"seccomp-listener", test_seccomp_listener},
};

int main(int argc, char **argv) {
  return run_tests(tests, sizeof tests / sizeof tests[0], argc, argv);
}
