/* How a shim comes to its container: its run folder, its log, the plan, and what hangs on the process it gets. */
#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "shim.h"
#include "text.h"

int shim_record_read(struct reader *r, struct shim_record *record) {
  record->flags = read_u32(r);
  record->id = read_string(r);
  record->run_dir = read_string(r);
  record->log_path = read_string(r);
  record->log_max_bytes = read_u64(r);
  record->log_max_files = read_u32(r);
  record->log_attrs = read_data(r);
  record->rows = read_u32(r);
  record->columns = read_u32(r);
  record->oom_path = read_string(r);
  record->oom_kind = read_u32(r);
  return r->failed ? -1 : 0;
}

static int open_log(struct shim *s, struct err *e) {
  const struct shim_record *r = &s->record;
  s->log.fd = -1;
  if ((r->flags & SHIM_NO_LOG) || !*r->log_path) return 0;
  s->log = (struct log){.path = r->log_path,
                        .attrs = r->log_attrs.data,
                        .attrs_length = r->log_attrs.length,
                        .max_bytes = r->log_max_bytes,
                        .max_files = r->log_max_files,
                        .compressed = (r->flags & SHIM_COMPRESSED) != 0,
                        .out = s->formatted};
  return log_open(&s->log, e);
}

static int set_up(struct shim *s, struct err *e) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
  s->signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  if (s->signal_fd < 0) return err_errno(e, "signalfd", NULL);
  s->run_fd = open(s->record.run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (s->run_fd < 0) return err_errno(e, "open run folder", s->record.run_dir);
  unlinkat(s->run_fd, "exit", 0); /* of an earlier run: it must not be taken for ours */
  if (clients_listen(s, e) < 0 || handover_prepare(s, e) < 0) return -1;
  if (open_log(s, e) < 0) return -1;
  return streams_prepare(s, e);
}

int run_write(struct shim *s, const char *name, const struct text *content) {
  cleanup_close int fd = openat(s->run_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  return fd < 0 ? -1 : write_all(fd, content->data, content->length);
}

/* `pid starttime\n` */
static int write_pid(struct shim *s, struct err *e) {
  TEXT(line, 48);
  text_number(&line, (uint64_t)s->pid);
  text_add(&line, " ");
  text_number(&line, s->starttime);
  text_add(&line, "\n");
  if (run_write(s, "pid", &line) < 0) return err_errno(e, "write pid file", s->record.run_dir);
  return 0;
}

/* Holding it keeps the kernel from unmounting everything inside the container's exit. Best effort: it may be over. */
static void hold_mount_namespace(struct shim *s) {
  TEXT(path, 48);
  text_add(&path, "/proc/");
  text_number(&path, (uint64_t)s->pid);
  text_add(&path, "/ns/mnt");
  s->mnt_ns_fd = open(path.data, O_RDONLY | O_CLOEXEC);
}

/* The mounts a runtime works in go with the runtime. */
int shim_take_process(struct shim *s, struct err *e) {
  if (!s->handing_over) hold_mount_namespace(s);
  if (streams_adopt(s, e) == 0 && write_pid(s, e) == 0) return 0;
  kill(s->pid, SIGKILL);
  while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR) continue;
  return -1;
}

static int adopt(struct shim *s, struct err *e) {
  s->pid = s->vm.child;
  s->starttime = s->vm.child_starttime;
  return shim_take_process(s, e);
}

int shim_launch(struct shim *s, const void *data, size_t length, struct failure *f) {
  struct plan plan;
  enum vm_state state;
  *f = (struct failure){.index = SETUP_INDEX};
  if (set_up(s, &f->err) < 0 || plan_decode(data, length, &plan, &f->err) < 0) return -1;
  if (vm_launch(&s->vm, &plan, &state, f) < 0) return -1;
  *f = (struct failure){.index = SETUP_INDEX};
  if (state == VM_BATCH_DONE) return err_set(&f->err, EINVAL, "the plan makes no process", NULL);
  if (adopt(s, &f->err) < 0) return -1;
  if (state == VM_HELD) {
    s->state = SHIM_CREATED;
    shim_announce_process(s, EVT_CREATED);
  } else {
    if (!s->handing_over) shim_announce_started(s);
    vm_close(&s->vm);
  }
  return 0;
}
