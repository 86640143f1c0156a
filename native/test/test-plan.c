/* Real plans: namespaces, mounts, the new root, what is covered in it. Each test has a mount namespace of its own. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "support.h"

static struct builder b;

static void test_isolation(void) {
  container_begin(&b, ALL_NAMESPACES);
  op(&b, OP_HOSTNAME, 0, "s", "inside");
  op(&b, OP_DOMAINNAME, 0, "s", "example");
  root_ops(&b);
  pivot_ops(&b);
  op(&b, OP_CLOSE_FDS, 0, "u", 0);
  script_op(&b,
            "echo $$ $(hostname) $(cat /proc/sys/kernel/domainname); ls -d /t* /dev/n*; pwd; stat -c %a /tmp;"
            "grep -c root /proc/mounts; ls /proc/$$/fd");
  expect_output(&b, "1 inside example\n/dev/null\n/tmp\n/\n1777\n0\n0\n1\n2\n");
  CHECK(access("/tmp/root/usr", F_OK) < 0); /* the mounts were the child's own */
}

/* How pivot without pivot_root (on an initramfs) looks: the same root, reached by MS_MOVE or chroot. */
static void test_other_pivots(void) {
  for (uint32_t how = 1; how <= 2; how++) {
    container_begin(&b, ALL_NAMESPACES);
    root_ops(&b);
    op(&b, OP_PIVOT, 0, "su", "/tmp/root", how);
    script_op(&b, "pwd; ls -d /tmp/*; ls /");
    expect_output(
        &b, "/\nls: cannot access '/tmp/*': No such file or directory\nbin\ndev\nlib\nlib64\nproc\nsbin\ntmp\nusr\n");
  }
}

static void test_masked_and_readonly(void) {
  container_begin(&b, ALL_NAMESPACES);
  root_ops(&b);
  op(&b, OP_WRITE_FILE, 0, "usduu", 8, "secret", "x", (size_t)1, O_WRONLY | O_CREAT, 0644);
  op(&b, OP_MKDIR_IN, 0, "usuuu", 8, "/hidden/one", 0755, 0, 0);
  op(&b, OP_MKDIR_IN, 0, "usuuu", 8, "/hidden2/one", 0755, 0, 0);
  op(&b, OP_MOUNT_FS, 0, "ususslUUu", 8, "/fixed", 1, "tmpfs", "", LIST(), 14ul, 0ul, SLOT_NONE);
  op(&b, OP_MKDIR_IN, 0, "usuuu", 8, "/fixed/sub", 0755, 0, 0);
  pivot_ops(&b);
  op(&b, OP_MASK, 0, "l", LIST("/secret", "/hidden", "/hidden2", "/missing", "/secret/below"));
  op(&b, OP_READONLY, 0, "l", LIST("/fixed", "/missing"));
  script_op(&b,
            "cat /secret; ls /hidden /hidden2; touch /hidden/a /hidden2/a /fixed/a /fixed/sub/b 2>&1 | sort;"
            "grep -c '/fixed.*ro,nosuid,nodev,noexec' /proc/self/mountinfo");
  expect_output(&b,
                "/hidden:\n\n/hidden2:\n"
                "touch: cannot touch '/fixed/a': Read-only file system\n"
                "touch: cannot touch '/fixed/sub/b': Read-only file system\n"
                "touch: cannot touch '/hidden/a': Read-only file system\n"
                "touch: cannot touch '/hidden2/a': Read-only file system\n1\n");
}

/* Bind mounts with attributes, with and without a tree opened by the parent, and their propagation. */
static void test_binds(void) {
  CHECK(mkdir("/tmp/source", 0755) == 0 && mkdir("/tmp/source/sub", 0755) == 0);
  CHECK(mount("tmpfs", "/tmp/source/sub", "tmpfs", 0, NULL) == 0 && mkdir("/tmp/source/sub/deep", 0755) == 0);
  plan_begin(&b);
  op(&b, OP_OPEN_TREE, 0, "uusu", 9, SLOT_NONE, "/tmp/source", 1 | O_CLOEXEC | 0x8000);
  op(&b, OP_CLONE, 0, "Uu", ALL_NAMESPACES, SLOT_NONE);
  child_begin(&b);
  root_ops(&b);
  op(&b, OP_MOUNT_BIND, OPF_ATTR_RECURSIVE, "usuusUUUu", 8, "/a/b", 3, 9, "", 1ul, 0ul, (uint64_t)MS_SHARED, SLOT_NONE);
  op(&b, OP_MOUNT_BIND, 0, "usuusUUUu", 8, "/again", 1, 9, "", 0ul, 1ul, 0ul, SLOT_NONE);
  op(&b, OP_MOUNT_BIND, OPF_SOURCE_IN_ROOT, "usuusUUUu", 8, "/inner", 3, SLOT_NONE, "/a/b/sub", 0ul, 0ul, 0ul,
     SLOT_NONE);
  op(&b, OP_REMOUNT, 0, "usUUU", 8, "/inner", 8ul, 1ul, (uint64_t)MS_PRIVATE);
  pivot_ops(&b);
  script_op(&b,
            "ls /a/b/sub /again /again/sub; touch /a/b/x /a/b/sub/x /again/x /inner/x;"
            "grep -E ' /(a/b|again|inner)' /proc/self/mountinfo | sed 's/shared:[0-9]*/shared/' | cut -d' ' -f5-8");
  expect_output(&b,
                "/a/b/sub:\ndeep\n\n/again:\nsub\n\n/again/sub:\n"
                "touch: cannot touch '/a/b/x': Read-only file system\n"
                "touch: cannot touch '/a/b/sub/x': Read-only file system\n"
                "/a/b ro,relatime shared -\n/a/b/sub ro,relatime - tmpfs\n"
                "/again rw,relatime shared -\n/inner rw,noexec,relatime - tmpfs\n");
}

/* Symlinks of an image, dangling ones too, never lead out of its root. */
static void test_links_stay_inside(void) {
  CHECK(mkdir("/tmp/outside", 0755) == 0);
  container_begin(&b, CLONE_NEWNS);
  root_ops(&b);
  op(&b, OP_SYMLINK, 0, "uss", 8, "../../../tmp/outside", "/up");
  op(&b, OP_SYMLINK, 0, "uss", 8, "/run/made", "/var/run");
  op(&b, OP_SYMLINK, 0, "uss", 8, "/run/made", "/var/run");
  op(&b, OP_SYMLINK, 0, "uss", 8, "loop", "/loop");
  op(&b, OP_MKDIR_IN, 0, "usuuu", 8, "/up/dir", 0750, 1, 2);
  op(&b, OP_MOUNT_FS, 0, "ususslUUu", 8, "/var/run/fs", 1, "tmpfs", "", LIST("mode=700"), 0ul, 0ul, SLOT_NONE);
  op(&b, OP_MOUNT_BIND, 0, "usuusUUUu", 8, "/up/file", 2, SLOT_NONE, "/dev/null", 0ul, 0ul, 0ul, SLOT_NONE);
  op(&b, OP_MKDIR_IN, OPF_OPTIONAL, "usuuu", 8, "/loop/x", 0755, 0, 0);
  op(&b, OP_SETXATTR, 0, "ussd", 8, "/up/dir", "user.k", "v", (size_t)1);
  pivot_ops(&b);
  script_op(
      &b, "stat -c '%a %u %g' /tmp/outside/dir; stat -c %a /run/made/fs; stat -c %F /tmp/outside/file; ls /loop 2>&1");
  expect_output(&b,
                "750 1 2\n700\ncharacter special file\nls: cannot access '/loop': Too many levels of symbolic links\n");
  CHECK(rmdir("/tmp/outside") == 0); /* still empty */
}

static void test_copy_up(void) {
  CHECK(system("mkdir -p /tmp/src/d && echo text >/tmp/src/d/file && ln /tmp/src/d/file /tmp/src/hard && "
               "ln -s d/file /tmp/src/soft && chown 5:6 /tmp/src/d/file && chmod 4711 /tmp/src/d/file && "
               "mknod /tmp/src/pipe p && touch -d @1000 /tmp/src/d/file && touch -d @2000 /tmp/src/d") == 0);
  CHECK(setxattr("/tmp/src/d/file", "security.capability", "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, 0) == 0);
  container_begin(&b, CLONE_NEWNS);
  op(&b, OP_PROPAGATION, 0, "usU", SLOT_NONE, "/", (uint64_t)(MS_PRIVATE | MS_REC));
  op(&b, OP_MOUNT_FS, OPF_COPY_UP, "ususslUUu", SLOT_NONE, "/tmp/src", 0, "tmpfs", "tmpfs", LIST(), 1ul, 0ul,
     SLOT_NONE);
  script_op(&b,
            "cd /tmp/src; grep -c ' /tmp/src ro' /proc/self/mountinfo; stat -c '%n %a %u:%g %h %Y %F' d d/file;"
            "test hard -ef d/file && readlink soft && cat soft && stat -c %F pipe; getcap d/file");
  struct outcome o;
  run_plan(&b, &o);
  CHECK(o.launched == 0);
  CHECK_CONTAINS(o.output, "1\nd 755 0:0 2 2000 directory\nd/file 4711 5:6 2 1000 regular file\nd/file\ntext\nfifo\n");
}

static void test_idmapped_bind(void) {
  CHECK(system("mkdir /tmp/owned && touch /tmp/owned/f && chown 0:0 /tmp/owned/f") == 0);
  plan_begin(&b);
  op(&b, OP_IDMAP_USERNS, 0, "uss", 10, "0 1000 100", "0 2000 100");
  op(&b, OP_CLONE, 0, "Uu", (uint64_t)CLONE_NEWNS, SLOT_NONE);
  child_begin(&b);
  root_ops(&b);
  op(&b, OP_MOUNT_BIND, 0, "usuusUUUu", 8, "/mapped", 1, SLOT_NONE, "/tmp/owned", 0ul, 0ul, 0ul, 10);
  pivot_ops(&b);
  script_op(&b, "stat -c '%u:%g' /mapped/f");
  expect_output(&b, "1000:2000\n");
}

/* The kernel's own words about a mount that fails reach the report. */
static void test_mount_errors(void) {
  struct outcome o;
  container_begin(&b, CLONE_NEWNS);
  op(&b, OP_MOUNT_FS, 0, "ususslUUu", SLOT_NONE, "/tmp", 0, "overlay", "overlay", LIST("lowerdir=/nowhere:/x"), 0ul,
     0ul, SLOT_NONE);
  script_op(&b, "true");
  run_plan(&b, &o);
  CHECK(o.launched == -1 && o.failure.stream == 1 && o.failure.index == 0 && o.failure.code == OP_MOUNT_FS);
  CHECK(o.failure.err.number == ENOENT);
  CHECK_CONTAINS(o.failure.err.detail, "/nowhere");
  container_begin(&b, CLONE_NEWNS);
  op(&b, OP_MOUNT_FS, 0, "ususslUUu", SLOT_NONE, "/tmp", 0, "tmpfs", "", LIST("nonsense=1"), 0ul, 0ul, SLOT_NONE);
  script_op(&b, "true");
  run_plan(&b, &o);
  CHECK(o.launched == -1 && o.failure.err.number == EINVAL);
  CHECK_CONTAINS(o.failure.err.detail, "nonsense=1; tmpfs: Unknown parameter 'nonsense'");
}

/* An option longer than fsconfig takes goes through mount(2). */
static void test_long_options(void) {
  static char option[1024] = "lowerdir=";
  CHECK(system("mkdir -p /tmp/l/$(printf %0200d 0)/a /tmp/l/$(printf %0200d 1)/b /tmp/m") == 0);
  char *end = option + strlen(option);
  snprintf(end, sizeof option - strlen(option), "/tmp/l/%0200d:/tmp/l/%0200d", 0, 1);
  container_begin(&b, CLONE_NEWNS);
  op(&b, OP_MOUNT_FS, 0, "ususslUUu", SLOT_NONE, "/tmp/m", 0, "overlay", "overlay", LIST(option, "ro"), 2ul, 0ul,
     SLOT_NONE);
  script_op(&b, "ls /tmp/m; grep -c '/tmp/m ro,nosuid' /proc/self/mountinfo");
  expect_output(&b, "a\nb\n1\n");
}

/* A kernel that knows none of the newer calls: what the plan asks for is had with the old ones. */
static void test_old_kernel(void) {
  static const unsigned missing[] = {428, 429, 430, 431, 432, 433, 434, 435, 436, 437, 442};
  enum { COUNT = sizeof missing / sizeof missing[0] };
  struct sock_filter insns[COUNT + 3];
  insns[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (unsigned i = 0; i < COUNT; i++)
    insns[1 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, missing[i], (uint8_t)(COUNT - i), 0);
  insns[COUNT + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  insns[COUNT + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
  struct sock_fprog program = {COUNT + 3, insns};
  CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0);
  container_begin(&b, ALL_NAMESPACES & ~0x80ul);
  root_ops(&b);
  op(&b, OP_WRITE_FILE, 0, "usduu", 8, "secret", "x", (size_t)1, O_WRONLY | O_CREAT, 0644);
  op(&b, OP_MOUNT_FS, OPF_COPY_UP, "ususslUUu", 8, "/dev", 1, "tmpfs", "tmpfs", LIST("mode=711"), 3ul, 0ul, SLOT_NONE);
  op(&b, OP_MOUNT_BIND, 0, "usuusUUUu", 8, "/bound/usr", 3, SLOT_NONE, "/usr", 1ul, 0ul, (uint64_t)MS_SHARED,
     SLOT_NONE);
  op(&b, OP_REMOUNT, 0, "usUUU", 8, "/bound/usr", 8ul, 0ul, 0ul);
  pivot_ops(&b);
  op(&b, OP_MASK, 0, "l", LIST("/secret", "/tmp"));
  op(&b, OP_READONLY, 0, "l", LIST("/bound"));
  op(&b, OP_CLOSE_FDS, 0, "u", 0);
  script_op(&b,
            "cat /secret; touch /bound/x /bound/usr/x /tmp/x /dev/x 2>&1 | sort; stat -c %a /dev; ls /proc/$$/fd;"
            "grep /bound/usr /proc/self/mountinfo | cut -d' ' -f6");
  expect_output(&b,
                "touch: cannot touch '/bound/usr/x': Read-only file system\n"
                "touch: cannot touch '/bound/x': Read-only file system\n"
                "touch: cannot touch '/dev/x': Read-only file system\n"
                "touch: cannot touch '/tmp/x': Read-only file system\n711\n0\n1\n2\nro,noexec,relatime\n"
                "ro,noexec,relatime\n");
}

static const struct test tests[] = {
    {"isolation", test_isolation},
    {"other-pivots", test_other_pivots},
    {"masked-and-readonly", test_masked_and_readonly},
    {"binds", test_binds},
    {"links-stay-inside", test_links_stay_inside},
    {"copy-up", test_copy_up},
    {"idmapped-bind", test_idmapped_bind},
    {"mount-errors", test_mount_errors},
    {"long-options", test_long_options},
    {"old-kernel", test_old_kernel},
};

int main(int argc, char **argv) {
  return run_tests(tests, sizeof tests / sizeof tests[0], argc, argv);
}
