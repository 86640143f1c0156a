/* Mode `run`: one plan from a pipe, performed with the own stdio; then it ends, or stays with the container. */
#include "run.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "foreground.h"
#include "ops.h"
#include "protect.h"
#include "protocol.h"
#include "report.h"

#define PLAN_LIMIT (64u << 20)
#define EXIT_FAILED 1
#define EXIT_USAGE 2

struct options {
  int foreground, tty, no_subreaper;
  int plan_fd, report_fd, preserve_fds;
};

static int parse_number(const char *s, int *out) {
  int n = 0;
  if (s == NULL || *s == '\0') return -1;
  for (; *s != '\0'; s++) {
    if (*s < '0' || *s > '9' || n > 100000) return -1;
    n = n * 10 + (*s - '0');
  }
  *out = n;
  return 0;
}

static int parse(int argc, char **argv, struct options *o) {
  *o = (struct options){.plan_fd = -1, .report_fd = -1};
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : NULL;
    int *number = strcmp(argv[i], "--plan-fd") == 0        ? &o->plan_fd
                  : strcmp(argv[i], "--report-fd") == 0    ? &o->report_fd
                  : strcmp(argv[i], "--preserve-fds") == 0 ? &o->preserve_fds
                                                           : NULL;
    if (number != NULL) {
      if (parse_number(value, number) < 0) return -1;
      i++;
    } else if (strcmp(argv[i], "--foreground") == 0) {
      o->foreground = 1;
    } else if (strcmp(argv[i], "--tty") == 0) {
      o->tty = 1;
    } else if (strcmp(argv[i], "--no-subreaper") == 0) {
      o->no_subreaper = 1;
    } else {
      return -1;
    }
  }
  if (o->plan_fd < 0) o->plan_fd = 3 + o->preserve_fds;
  if (o->report_fd < 0) o->report_fd = 4 + o->preserve_fds;
  return o->plan_fd < 3 + o->preserve_fds || o->report_fd < 3 + o->preserve_fds ? -1 : 0;
}

/* Reads until the end into pages of its own, which the child keeps. */
static int read_plan(int fd, void **data, size_t *length, struct err *e) {
  size_t size = 1u << 16;
  char *buffer = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  size_t used = 0;
  for (;;) {
    if (buffer == MAP_FAILED) return err_errno(e, "mmap", "plan");
    ssize_t got = read(fd, buffer + used, size - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return err_errno(e, "read", "plan");
    if (got == 0) break;
    used += (size_t)got;
    if (used < size) continue;
    if (size >= PLAN_LIMIT) return err_set(e, E2BIG, "read", "plan");
    buffer = mremap(buffer, size, 2 * size, MREMAP_MAYMOVE);
    size *= 2;
  }
  *data = buffer;
  *length = used;
  return 0;
}

/* Every fd of ours is close-on-exec: hooks must not get the preserved ones, and CLOSE_FDS gives those to the program.
 * A hole among them would be filled by an fd of ours and then handed to the container. */
static int prepare_fds(struct vm *vm, const struct options *o, struct err *e) {
  for (int fd = 3; fd < 3 + o->preserve_fds; fd++)
    if (fcntl(fd, F_GETFD) < 0) return err_errno(e, "preserved fd is not open", NULL);
  vm->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (vm->proc < 0) return err_errno(e, "open", "/proc");
  if (close_range_on_exec(vm, 3, e) < 0) return -1;
  vm->preserve_fds = o->preserve_fds;
  vm->slots[SLOT_PARENT_ONLY] = o->report_fd;
  for (int i = 0; i < 3; i++) { /* a closed one stays empty */
    int copy = fcntl(i, F_DUPFD_CLOEXEC, 3);
    if (copy >= 0) vm->slots[SLOT_STDIN + i] = copy;
  }
  return 0;
}

static void report_state(int fd, uint16_t type, const struct vm *vm) {
  struct report frame;
  report_process(&frame, type, vm->child, vm->child_starttime);
  report_send(fd, &frame);
}

/* Launches, and reports each state the container reaches. A hold that only this process can end is ended at once. */
static int launch(struct vm *vm, const struct plan *plan, const struct options *o, struct failure *f) {
  enum vm_state state;
  if (vm_launch(vm, plan, &state, f) < 0) return -1;
  report_state(o->report_fd, state == VM_HELD ? EVT_CREATED : EVT_STARTED, vm);
  if (state != VM_HELD || !vm->held_by_parent) return 0;
  if (vm_release(vm, f) < 0 || vm_finish(vm, f) < 0) return -1;
  report_state(o->report_fd, EVT_STARTED, vm);
  return 0;
}

static int perform_run(struct vm *vm, const struct options *o, struct failure *f) {
  struct plan plan;
  void *data = NULL;
  size_t length = 0;
  struct foreground fg;
  if (prepare_fds(vm, o, &f->err) < 0 || read_plan(o->plan_fd, &data, &length, &f->err) < 0) return -1;
  close(o->plan_fd);
  if (plan_decode(data, length, &plan, &f->err) < 0) return -1;
  if (!o->foreground) return launch(vm, &plan, o, f);
  if (foreground_begin(&fg, !o->no_subreaper, &f->err) < 0 || launch(vm, &plan, o, f) < 0) return -1;
  return vm->child == 0 ? 0 : foreground_stay(&fg, vm, o->tty, o->report_fd);
}

int run_main(int argc, char **argv) {
  static const char usage[] =
      "usage: run [--foreground] [--tty] [--no-subreaper] [--plan-fd N] [--report-fd N] [--preserve-fds N]\n";
  struct options o;
  struct vm vm;
  struct failure f = {0};
  struct report frame;
  if (parse(argc, argv, &o) < 0) {
    if (write(STDERR_FILENO, usage, sizeof usage - 1) < 0) return EXIT_FAILED;
    return EXIT_USAGE;
  }
  vm_init(&vm);
  signal(SIGPIPE, SIG_IGN); /* a reader of the report that is gone is no reason to end */
  int result = perform_run(&vm, &o, &f);
  if (result < 0) {
    report_failed(&frame, &f);
    report_send(o.report_fd, &frame);
  }
  vm_close(&vm);
  return result < 0 ? EXIT_FAILED : result;
}
