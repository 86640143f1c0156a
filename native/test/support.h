/* What the C tests share: checks, one process per test, launching a plan and catching what its program prints. */
#ifndef SKIFF_TEST_SUPPORT_H
#define SKIFF_TEST_SUPPORT_H

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "plan-builder.h"
#include "vm.h"

#define SKIPPED 77

#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                \
    }                                                                         \
  } while (0)

static inline void check_text(const char *file, int line, const char *got, const char *expected) {
  if (strcmp(got, expected) == 0) return;
  fprintf(stderr, "%s:%d: expected:\n%s\ngot:\n%s\n", file, line, expected, got);
  exit(1);
}
#define CHECK_TEXT(got, expected) check_text(__FILE__, __LINE__, got, expected)
#define CHECK_CONTAINS(got, part)                                                            \
  do {                                                                                       \
    if (strstr(got, part) == NULL) {                                                         \
      fprintf(stderr, "%s:%d: '%s' does not contain '%s'\n", __FILE__, __LINE__, got, part); \
      exit(1);                                                                               \
    }                                                                                        \
  } while (0)

struct test {
  const char *name;
  void (*run)(void);
};
#define TEST(name) \
  { #name, name }

#define TEST(name) \
  { #name, name }

/* Each test in a process and mount namespace of its own; argv may name one. Gives the exit status. */
static inline int run_tests(const struct test *tests, size_t count, int argc, char **argv) {
  int failed = 0;
  if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) < 0) {
    printf("skip: needs root and mount namespaces\n");
    return SKIPPED;
  }
  for (size_t i = 0; i < count; i++) {
    int status;
    if (argc > 1 && strcmp(argv[1], tests[i].name) != 0) continue;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
      CHECK(unshare(CLONE_NEWNS) == 0);
      CHECK(mount("tmpfs", "/tmp", "tmpfs", 0, NULL) == 0);
      prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
      tests[i].run();
      exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    if (status == 0) continue;
    fprintf(stderr, "not ok: %s (status 0x%x)\n", tests[i].name, (unsigned)status);
    failed = 1;
  }
  if (!failed) printf("ok: %s, %zu tests\n", argv[0], count);
  return failed;
}

struct outcome {
  int launched; /* what vm_launch gave */
  enum vm_state state;
  struct failure failure;
  char output[8192]; /* stdout and stderr of the program, when it has been caught */
  int status;        /* of the program */
};

/* Decodes and launches; the caller reaps. */
static inline void launch(struct vm *vm, struct builder *b, struct outcome *o) {
  static struct plan plan;
  struct err e = {0};
  *o = (struct outcome){0};
  plan_end(b);
  if (plan_decode(b->bytes, b->length, &plan, &e) < 0) {
    fprintf(stderr, "the test's plan is refused: %s\n", e.detail);
    exit(1);
  }
  o->launched = vm_launch(vm, &plan, &o->state, &o->failure);
}

static inline void read_all(int fd, char *output, size_t size) {
  size_t used = 0;
  ssize_t got;
  while ((got = read(fd, output + used, size - 1 - used)) > 0) used += (size_t)got;
  output[used] = '\0';
}

/* Launches, expects the program to run, and catches its output and status. */
static inline void run_plan(struct builder *b, struct outcome *o) {
  struct vm vm;
  int ends[2];
  vm_init(&vm);
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  vm.slots[SLOT_STDOUT] = fcntl(ends[1], F_DUPFD_CLOEXEC, 3);
  vm.slots[SLOT_STDERR] = ends[1];
  launch(&vm, b, o);
  if (o->launched < 0) {
    CHECK(waitpid(-1, NULL, WNOHANG) < 0); /* a failed launch leaves no child */
    vm_close(&vm);
    close(ends[0]);
    return;
  }
  pid_t child = vm.child;
  vm_close(&vm);
  read_all(ends[0], o->output, sizeof o->output);
  close(ends[0]);
  if (child > 0) CHECK(waitpid(child, &o->status, 0) == child);
}

static inline void expect_output(struct builder *b, const char *expected) {
  struct outcome o;
  run_plan(b, &o);
  if (o.launched < 0)
    fprintf(stderr, "stream %u op %u code %u: errno %d: %s\n", o.failure.stream, o.failure.index, o.failure.code,
            o.failure.err.number, o.failure.err.detail);
  CHECK(o.launched == 0);
  CHECK_TEXT(o.output, expected);
}

/* A root at /tmp/root (slot 8) with the host's programs, proc, dev, devpts; then the process is in it. */
#define ALL_NAMESPACES \
  (uint64_t)(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP | 0x80)

static inline void bind_host(struct builder *b, const char *path) {
  struct stat st;
  char target[64];
  ssize_t length = readlink(path, target, sizeof target - 1);
  if (length > 0) {
    target[length] = '\0';
    op(b, OP_SYMLINK, 0, "uss", 8, target, path);
  } else if (stat(path, &st) == 0) {
    op(b, OP_MOUNT_BIND, OPF_RECURSIVE, "usuusUUUu", 8, path, 3, SLOT_NONE, path, 0ul, 0ul, 0ul, SLOT_NONE);
  }
}

static inline void root_ops(struct builder *b) {
  static const char *host[] = {"/usr", "/bin", "/sbin", "/lib", "/lib64"};
  op(b, OP_PROPAGATION, 0, "usU", SLOT_NONE, "/", (uint64_t)(MS_PRIVATE | MS_REC));
  op(b, OP_MKDIR, OPF_PARENTS, "usu", SLOT_NONE, "/tmp/root", 0755);
  op(b, OP_MOUNT_FS, 0, "ususslUUu", SLOT_NONE, "/tmp/root", 0, "tmpfs", "tmpfs", LIST("mode=755"), 0ul, 0ul,
     SLOT_NONE);
  op(b, OP_OPEN, 0, "uusuuU", 8, SLOT_NONE, "/tmp/root", O_PATH | O_DIRECTORY, 0, 0ul);
  for (size_t i = 0; i < sizeof host / sizeof host[0]; i++) bind_host(b, host[i]);
  op(b, OP_MOUNT_FS, 0, "ususslUUu", 8, "/proc", 1, "proc", "proc", LIST(), 0ul, 0ul, SLOT_NONE);
  op(b, OP_MOUNT_FS, 0, "ususslUUu", 8, "/dev/pts", 1, "devpts", "devpts", LIST("newinstance", "ptmxmode=0666"), 0ul,
     0ul, SLOT_NONE);
  op(b, OP_MKNOD, 0, "usuuuuu", 8, "/dev/null", S_IFCHR | 0666, 1, 3, 0, 0);
  op(b, OP_MKDIR_IN, 0, "usuuu", 8, "/tmp", 01777, 0, 0);
}

static inline void pivot_ops(struct builder *b) {
  op(b, OP_PIVOT, 0, "su", "/tmp/root", 0);
}

/* A plan up to CLONE with these namespaces; the caller adds child operations and ends it with script_op. */
static inline void container_begin(struct builder *b, uint64_t namespaces) {
  plan_begin(b);
  op(b, OP_CLONE, 0, "Uu", namespaces, SLOT_NONE);
  child_begin(b);
}

static inline void script_op(struct builder *b, const char *script) {
  op(b, OP_STDIO, 0, "");
  op(b, OP_EXEC, 0, "lll", LIST("/bin/sh"), LIST("sh", "-c", script), LIST("PATH=/usr/bin:/bin:/usr/sbin:/sbin"));
}

/* A plan that only clones and runs a script in the host's own root. */
static inline void plain_begin(struct builder *b) {
  container_begin(b, CLONE_NEWNS);
}

#endif
