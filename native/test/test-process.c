/* Real plans: what the process is and may, the dialogue of parent and child, hooks, failures, the terminal. */
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "support.h"

static struct builder b;

/* A filter that answers one system call with this action. */
static void seccomp_op(uint32_t number, uint32_t action) {
  struct sock_filter insns[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, action),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  op(&b, OP_SECCOMP, 0, "udu", 0, insns, sizeof insns, SLOT_NONE);
}

static void check_failure(const struct outcome *o, uint32_t stream, uint32_t index, int number, const char *detail) {
  if (o->launched == -1 && o->failure.stream == stream && o->failure.index == index &&
      o->failure.err.number == number && strstr(o->failure.err.detail, detail) != NULL)
    return;
  fprintf(stderr, "launched %d, stream %u, op %u, errno %d: %s; expected stream %u, op %u, errno %d: %s\n", o->launched,
          o->failure.stream, o->failure.index, o->failure.err.number, o->failure.err.detail, stream, index, number,
          detail);
  exit(1);
}

static void test_credentials(void) {
  plain_begin(&b);
  op(&b, OP_UMASK, 0, "u", 027);
  op(&b, OP_RLIMIT, 0, "uUU", RLIMIT_NOFILE, 100ul, 200ul);
  op(&b, OP_CAP_BOUND, 0, "U", 0x401ul);
  op(&b, OP_USER, 0, "uug", 1000, 1001, (size_t)2, (uint32_t[]){7, 9});
  op(&b, OP_CAP_SET, 0, "UUUU", 0x401ul, 0x401ul, 0x400ul, 0x400ul);
  op(&b, OP_NO_NEW_PRIVS, 0, "");
  script_op(&b,
            "umask; ulimit -Sn; ulimit -Hn; grep -E '^(Uid|Gid|Groups|Cap|NoNew)' /proc/self/status | tr '\\t' ' '");
  expect_output(&b,
                "0027\n100\n200\nUid: 1000 1000 1000 1000\nGid: 1001 1001 1001 1001\nGroups: 7 9 \n"
                "CapInh: 0000000000000400\nCapPrm: 0000000000000400\nCapEff: 0000000000000400\n"
                "CapBnd: 0000000000000401\nCapAmb: 0000000000000400\nNoNewPrivs: 1\n");
}

/* Without UMASK the program has the umask of who launched it, though modes in the plan are exact. */
static void test_umask(void) {
  umask(0077);
  plain_begin(&b);
  op(&b, OP_MKDIR, OPF_PARENTS, "usu", SLOT_NONE, "/tmp/x/y", 01777);
  script_op(&b, "umask; stat -c %a /tmp/x/y");
  expect_output(&b, "0077\n1777\n");
  CHECK(umask(0022) == 0077);
}

static void test_scheduling(void) {
  unsigned char first_cpu[8] = {1};
  plain_begin(&b);
  op(&b, OP_SCHED, 0, "uUuuUUU", SCHED_BATCH, 0ul, 5, 0, 0ul, 0ul, 0ul);
  op(&b, OP_IOPRIO, 0, "u", 3 << 13);
  op(&b, OP_AFFINITY, 0, "d", first_cpu, sizeof first_cpu);
  op(&b, OP_MEMPOLICY, OPF_OPTIONAL, "ud", 0, "", (size_t)0);
  op(&b, OP_PERSONALITY, 0, "u", 0x0040000);
  op(&b, OP_SETSID, 0, "");
  op(&b, OP_KEYRING, OPF_OPTIONAL, "s", "skiff-test");
  op(&b, OP_DUMPABLE, 0, "u", 0);
  op(&b, OP_CHDIR, 0, "s", "/usr");
  script_op(&b,
            "pwd; chrt -p $$ | sed 's/.*: //'; nice; ionice; cat /proc/$$/personality; taskset -p $$ | sed 's/.*: //'");
  expect_output(&b, "/usr\nSCHED_BATCH\n0\n5\nidle\n00040000\n1\n");
}

static void test_seccomp(void) {
  plain_begin(&b);
  op(&b, OP_NO_NEW_PRIVS, 0, "");
#ifdef SYS_mkdir
  seccomp_op(SYS_mkdir, SECCOMP_RET_ERRNO | EPERM);
#endif
  seccomp_op(SYS_mkdirat, SECCOMP_RET_ERRNO | EPERM);
  script_op(&b, "mkdir /tmp/denied 2>&1 | tail -c 24; grep Seccomp: /proc/self/status");
  expect_output(&b, "Operation not permitted\nSeccomp:\t2\n");
}

static void test_failures(void) {
  struct outcome o;
  plain_begin(&b);
  op(&b, OP_MKDIR, OPF_OPTIONAL, "usu", SLOT_NONE, "/nowhere/a", 0755);
  op(&b, OP_MKDIR, OPF_IGNORE_ENOENT, "usu", SLOT_NONE, "/nowhere/a", 0755);
  op(&b, OP_MKDIR, OPF_IGNORE_EEXIST, "usu", SLOT_NONE, "/tmp", 0755);
  op(&b, OP_MKDIR, OPF_IGNORE_EEXIST, "usu", SLOT_NONE, "/nowhere/b", 0755);
  script_op(&b, "true");
  run_plan(&b, &o);
  check_failure(&o, 1, 3, ENOENT, "mkdir: /nowhere/b");
  plan_begin(&b);
  op(&b, OP_UNSHARE, 0, "u", 0);
  op(&b, OP_OPEN, 0, "uusuuU", 9, 77, "x", O_RDONLY, 0, 0ul);
  run_plan(&b, &o);
  check_failure(&o, 0, 1, EBADF, "empty slot: 77");
  plan_begin(&b); /* the parent fails while the child waits for it */
  op(&b, OP_CLONE, 0, "Uu", 0ul, SLOT_NONE);
  op(&b, OP_WRITE_PROC, 0, "sd", "oom_score_adj", "x", (size_t)1);
  child_begin(&b);
  op(&b, OP_WAIT, 0, "u", 1);
  script_op(&b, "true");
  run_plan(&b, &o);
  check_failure(&o, 0, 1, EINVAL, "oom_score_adj");
  plan_begin(&b); /* the child fails while the parent waits for it */
  op(&b, OP_CLONE, 0, "Uu", 0ul, SLOT_NONE);
  op(&b, OP_WAIT, 0, "u", 1);
  child_begin(&b);
  op(&b, OP_CHDIR, 0, "s", "/nowhere");
  script_op(&b, "true");
  run_plan(&b, &o);
  check_failure(&o, 1, 0, ENOENT, "chdir: /nowhere");
  plan_begin(&b); /* they disagree about what comes next */
  op(&b, OP_CLONE, 0, "Uu", 0ul, SLOT_NONE);
  op(&b, OP_POST, 0, "u", 1);
  child_begin(&b);
  op(&b, OP_WAIT, 0, "u", 2);
  script_op(&b, "true");
  run_plan(&b, &o);
  check_failure(&o, 1, 0, EPROTO, "another message");
}

static void test_death_before_exec(void) {
  struct outcome o;
  plain_begin(&b);
  op(&b, OP_NO_NEW_PRIVS, 0, "");
  seccomp_op(SYS_setsid, SECCOMP_RET_KILL_PROCESS);
  op(&b, OP_SETSID, 0, "");
  script_op(&b, "true");
  run_plan(&b, &o);
  check_failure(&o, 1, 2, ECANCELED, "was killed by signal 31");
  CHECK(o.failure.code == OP_SETSID);
}

/* A program that ends at once has still been started: its status is its own. */
static void test_short_programs(void) {
  struct outcome o;
  for (int i = 0; i < 50; i++) {
    plain_begin(&b);
    op(&b, OP_EXEC, 0, "lll", LIST("/bin/false"), LIST("false"), LIST());
    run_plan(&b, &o);
    CHECK(o.launched == 0 && o.state == VM_EXECED && WIFEXITED(o.status) && WEXITSTATUS(o.status) == 1);
  }
}

static void check_exec(const char **candidates, int find, int number, const char *detail) {
  struct outcome o;
  plain_begin(&b);
  if (find) op(&b, OP_FIND_EXEC, 0, "l", candidates);
  op(&b, OP_EXEC, 0, "lll", candidates, LIST("x"), LIST());
  run_plan(&b, &o);
  if (number != 0) check_failure(&o, 1, 0, number, detail);
  if (number == 0) CHECK(o.launched == 0);
}

static void test_exec(void) {
  CHECK(system("echo true >/tmp/script; chmod 755 /tmp/script; echo x >/tmp/plain; chmod 644 /tmp/plain") == 0);
  for (int find = 0; find < 2; find++) {
    check_exec(LIST("/a/x", "/b/x"), find, ENOENT, "/a/x");
    check_exec(LIST("/a/x", "/tmp/plain", "/b"), find, EACCES, "/a/x");
    check_exec(LIST("/tmp"), find, EACCES, "/tmp");
    check_exec(LIST("/a/true", "/tmp/plain", "/bin/true"), find, 0, "");
  }
  check_exec(LIST("/tmp/script"), 0, ENOEXEC, "exec: /tmp/script");
}

/* A user namespace: the parent writes the maps between two messages, and the child knows its pid outside. */
static void test_user_namespace(void) {
  struct outcome o;
  plan_begin(&b);
  op(&b, OP_CLONE, 0, "Uu", (uint64_t)(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS), SLOT_NONE);
  op(&b, OP_WAIT, 0, "u", 1);
  op(&b, OP_WRITE_PROC, 0, "sd", "uid_map", "0 5000 10\n", (size_t)10);
  op(&b, OP_WRITE_PROC, 0, "sd", "gid_map", "0 6000 10\n", (size_t)10);
  op(&b, OP_POST, 0, "u", 2);
  child_begin(&b);
  op(&b, OP_POST, 0, "u", 1);
  op(&b, OP_WAIT, 0, "u", 2);
  op(&b, OP_USER, 0, "uug", 0, 0, (size_t)0, NULL);
  op(&b, OP_HOOK, 0, "sllul", "/bin/sh", LIST("sh", "-c", "cat >&2; exit 3"), LIST(), 0, LIST("<", ">"));
  script_op(&b, "true");
  run_plan(&b, &o);
  check_failure(&o, 1, 3, ECHILD, "/bin/sh exited with 3: <");
  CHECK(atoi(strchr(o.failure.err.detail, '<') + 1) > 1); /* the pid as the parent sees it, not 1 */
}

static void test_hooks(void) {
  struct outcome o;
  plan_begin(&b);
  op(&b, OP_CLONE, 0, "Uu", 0ul, SLOT_NONE);
  op(&b, OP_HOOK, 0, "sllul", "/bin/sh",
     LIST("sh", "-c", "cat >/tmp/in; echo $K >>/tmp/in; ls /proc/$$/fd | wc -l >>/tmp/in"), LIST("K=v", "PATH=/bin"),
     5000, LIST("{\"pid\":", "}\n"));
  op(&b, OP_POST, 0, "u", 1);
  child_begin(&b);
  op(&b, OP_WAIT, 0, "u", 1);
  script_op(&b, "read line </tmp/in; test \"$line\" = '{\"pid\":'$$'}' && tail -n +2 /tmp/in");
  run_plan(&b, &o);
  CHECK(o.launched == 0);
  CHECK_CONTAINS(o.output, "v\n");
  plan_begin(&b);
  op(&b, OP_HOOK, 0, "sllul", "/bin/sleep", LIST("sleep", "60"), LIST(), 50, LIST());
  run_plan(&b, &o);
  check_failure(&o, 0, 0, ETIMEDOUT, "/bin/sleep took too long");
  plan_begin(&b);
  op(&b, OP_HOOK, 0, "sllul", "/nowhere", LIST("x"), LIST(), 0, LIST());
  run_plan(&b, &o);
  check_failure(&o, 0, 0, ENOENT, "exec hook: /nowhere");
  plan_begin(&b);
  op(&b, OP_HOOK, 0, "sllul", "/bin/sh", LIST("sh", "-c", "kill -9 $$"), LIST(), 1000, LIST());
  run_plan(&b, &o);
  check_failure(&o, 0, 0, ECHILD, "was killed by signal 9");
}

/* CVE-2024-21626: a working directory through an fd that the plan still holds would be the host's. */
static void test_working_directory_is_inside(void) {
  CHECK(mkdir("/tmp/marker", 0755) == 0);
  for (int fd = 3; fd < 16; fd++) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    container_begin(&b, ALL_NAMESPACES);
    op(&b, OP_OPEN, 0, "uusuuU", 9, SLOT_NONE, "/tmp", O_RDONLY | O_DIRECTORY, 0, 0ul);
    root_ops(&b);
    pivot_ops(&b);
    op(&b, OP_CHDIR, OPF_OPTIONAL, "s", path);
    script_op(&b, "ls -d marker 2>/dev/null; echo no escape");
    expect_output(&b, "no escape\n");
  }
}

static void test_batch_of_files(void) {
  struct outcome o;
  char path[160];
  struct stat st;
  snprintf(path, sizeof path, "/tmp/%0120d", 0);
  CHECK(mkdir(path, 0755) == 0);
  strcat(path, "/socket");
  plan_begin(&b);
  op(&b, OP_MKDIR, OPF_PARENTS, "usu", SLOT_NONE, "/tmp/a/b/c", 0700);
  op(&b, OP_MKDIR, OPF_PARENTS, "usu", SLOT_NONE, "/tmp/a/b/c", 0700);
  op(&b, OP_OPEN, 0, "uusuuU", 9, SLOT_NONE, "/tmp/a", O_PATH | O_DIRECTORY, 0, 0ul);
  op(&b, OP_RMDIR, 0, "us", 9, "b/c");
  op(&b, OP_WRITE_FILE, 0, "usduu", 9, "f", "one\0two", (size_t)7, O_WRONLY | O_CREAT, 0640);
  op(&b, OP_MKNOD, 0, "usuuuuu", 9, "/dev/deep/null", S_IFCHR | 0666, 1, 3, 4, 5);
  op(&b, OP_MKNOD, 0, "usuuuuu", 9, "/dev/deep/null", S_IFCHR | 0666, 1, 3, 6, 7);
  op(&b, OP_LISTEN, 0, "usu", 10, path, 0600);
  op(&b, OP_CONNECT, 0, "us", 11, path);
  op(&b, OP_DUP, 0, "uu", 11, 12);
  op(&b, OP_CLOSE, 0, "u", 12);
  op(&b, OP_PIDFD_OPEN, 0, "uuU", 13, (uint32_t)getpid(), 0ul);
  op(&b, OP_PIDFD_OPEN, 0, "uuU", 14, (uint32_t)getpid(), 1ul);
  run_plan(&b, &o);
  check_failure(&o, 0, 12, ESRCH, "process has ended");
  CHECK(stat("/tmp/a/f", &st) == 0 && st.st_size == 7 && (st.st_mode & 0777) == 0640);
  CHECK(stat("/tmp/a/dev/deep/null", &st) == 0 && st.st_uid == 6 && st.st_gid == 7);
  CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
  CHECK(access("/tmp/a/b/c", F_OK) < 0);
  plan_begin(&b);
  op(&b, OP_MKNOD, 0, "usuuuuu", SLOT_NONE, "/tmp/a/dev/deep/null", S_IFCHR | 0666, 1, 5, 0, 0);
  run_plan(&b, &o);
  check_failure(&o, 0, 0, EEXIST, "mknod");
}

struct link_request {
  struct nlmsghdr header;
  struct ifinfomsg info;
};

static struct link_request link_up(uint32_t sequence, int index) {
  return (struct link_request){
      .header = {sizeof(struct link_request), RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, sequence, 0},
      .info = {.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP}};
}

static void test_netlink(void) {
  struct outcome o;
  struct link_request good = link_up(5, 1);
  struct link_request both[2] = {link_up(5, 1), link_up(6, 99)};
  container_begin(&b, CLONE_NEWNET);
  op(&b, OP_NETLINK, 0, "udu", NETLINK_ROUTE, &good, sizeof good, SLOT_NONE);
  script_op(
      &b, "ls /sys/class/net >/dev/null; cat /proc/net/dev | grep -c lo:; cat /proc/net/fib_trie | grep -c 127.0.0.1");
  run_plan(&b, &o);
  CHECK(o.launched == 0);
  CHECK_CONTAINS(o.output, "1\n");
  CHECK(strstr(o.output, "\n0\n") == NULL); /* a link that is up has its address in the local table */
  container_begin(&b, CLONE_NEWNET);
  op(&b, OP_NETLINK, 0, "udu", NETLINK_ROUTE, both, sizeof both, SLOT_NONE);
  script_op(&b, "true");
  run_plan(&b, &o);
  check_failure(&o, 1, 0, ENODEV, "1");
  CHECK(o.failure.err.detail[0] == '1');
}

static void test_hold_and_release(void) {
  struct vm vm;
  struct outcome o;
  struct failure f;
  plain_begin(&b);
  op(&b, OP_HOLD, 0, "u", SLOT_NONE);
  script_op(&b, "exit 7");
  vm_init(&vm);
  launch(&vm, &b, &o);
  CHECK(o.launched == 0 && o.state == VM_HELD && vm.held_by_parent && vm.child_starttime > 0);
  struct pollfd sync = {vm.slots[SLOT_SYNC], POLLIN, 0};
  CHECK(poll(&sync, 1, 50) == 0);
  CHECK(vm_release(&vm, &f) == 0 && poll(&sync, 1, 5000) == 1 && vm_finish(&vm, &f) == 0);
  CHECK(waitpid(vm.child, &o.status, 0) == vm.child && WEXITSTATUS(o.status) == 7);
  vm_close(&vm);

  plain_begin(&b); /* what fails after the release is told by vm_finish */
  op(&b, OP_HOLD, 0, "u", SLOT_NONE);
  op(&b, OP_EXEC, 0, "lll", LIST("/nowhere"), LIST("x"), LIST());
  vm_init(&vm);
  launch(&vm, &b, &o);
  CHECK(o.state == VM_HELD && vm_release(&vm, &f) == 0 && vm_finish(&vm, &f) == -1);
  CHECK(f.stream == 1 && f.index == 1 && f.code == OP_EXEC && f.err.number == ENOENT);
  CHECK(waitpid(-1, NULL, WNOHANG) < 0);
  vm_close(&vm);

  plain_begin(&b); /* killed while held */
  op(&b, OP_HOLD, 0, "u", SLOT_NONE);
  script_op(&b, "true");
  vm_init(&vm);
  launch(&vm, &b, &o);
  CHECK(o.state == VM_HELD && kill(vm.child, SIGKILL) == 0);
  sync.fd = vm.slots[SLOT_SYNC];
  CHECK(poll(&sync, 1, 5000) == 1);
  CHECK(vm_release(&vm, &f) == 0 && vm_finish(&vm, &f) == -1 && f.err.number == ECANCELED);
  CHECK_CONTAINS(f.err.detail, "was killed by signal 9");
  vm_close(&vm);
}

static void test_terminal(void) {
  struct vm vm;
  struct outcome o;
  container_begin(&b, ALL_NAMESPACES);
  root_ops(&b);
  pivot_ops(&b);
  op(&b, OP_SETSID, 0, "");
  op(&b, OP_PTY, OPF_CONSOLE, "uuuuus", SLOT_SYNC, 33, 77, 5, 6, "");
  op(&b, OP_EXEC, 0, "lll", LIST("/bin/sh"),
     LIST("sh", "-c", "stty size; tty; stat -c '%u %g' /dev/pts/0; echo direct >/dev/console; [ -t 0 ] && echo ok"),
     LIST("PATH=/bin:/usr/bin"));
  vm_init(&vm);
  launch(&vm, &b, &o);
  CHECK(o.launched == 0 && o.state == VM_EXECED && vm.pty_master >= 0);
  read_all(vm.pty_master, o.output, sizeof o.output);
  CHECK_TEXT(o.output, "33 77\r\n/dev/pts/0\r\n5 6\r\ndirect\r\nok\r\n");
  CHECK(waitpid(vm.child, &o.status, 0) == vm.child && o.status == 0);
  vm_close(&vm);
}

static const struct test tests[] = {
    {"credentials", test_credentials},
    {"umask", test_umask},
    {"scheduling", test_scheduling},
    {"seccomp", test_seccomp},
    {"failures", test_failures},
    {"death-before-exec", test_death_before_exec},
    {"short-programs", test_short_programs},
    {"exec", test_exec},
    {"user-namespace", test_user_namespace},
    {"hooks", test_hooks},
    {"working-directory", test_working_directory_is_inside},
    {"batch-of-files", test_batch_of_files},
    {"netlink", test_netlink},
    {"hold-and-release", test_hold_and_release},
    {"terminal", test_terminal},
};

int main(int argc, char **argv) {
  return run_tests(tests, sizeof tests / sizeof tests[0], argc, argv);
}
