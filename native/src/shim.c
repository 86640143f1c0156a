/* The life of a shim from its launch on: it serves, and the order of things at the end. */
#include "shim.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

#include "text.h"

#define EVENTS_KEPT 65536
#define QUIET_MS 1000
#define OOM_RECHECK_MS 100

int64_t monotonic_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t unix_time_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void shim_announce_process(struct shim *s, uint16_t type) {
  struct event ev;
  event_begin(&ev, type, s->token);
  put_u32(&ev.body, (uint32_t)s->pid);
  put_u64(&ev.body, s->starttime);
  shim_announce(s, &ev);
}

static void tell_oom(struct shim *s) {
  if (!oom_read(&s->oom)) return;
  struct event ev;
  event_begin(&ev, EVT_OOM, s->token);
  put_u64(&ev.body, s->oom.kills);
  shim_announce(s, &ev);
  s->oom.recheck = 0;
}

/* The watch comes after the news: it is not on the way of a start. */
void shim_announce_started(struct shim *s) {
  s->state = SHIM_RUNNING;
  shim_announce_process(s, EVT_STARTED);
  oom_open(&s->oom, s->record.oom_path, s->record.oom_kind);
  tell_oom(s);
}

/* ---- the end ---- */

/* An event for the daemon waits as long as the daemon is there. */
static void deliver_events(struct shim *s) {
  while (s->events.fd >= 0 && buffer_used(&s->events.queue) > 0) {
    struct pollfd wait = {.fd = s->events.fd, .events = POLLOUT};
    if (poll(&wait, 1, -1) < 0 && errno != EINTR) return;
    if (outbox_flush(&s->events) < 0) return;
  }
}

static void remove_socket(struct shim *s) {
  if (s->listen_fd < 0) return;
  unlinkat(s->run_fd, SHIM_SOCKET, 0);
  close(s->listen_fd);
  s->listen_fd = -1;
}

/* Reports the failure and leaves nothing behind. */
static int give_up(struct shim *s, const struct failure *f) {
  struct event ev;
  event_begin(&ev, EVT_FAILED, s->token);
  put_u32(&ev.body, f->stream);
  put_u32(&ev.body, f->index);
  put_u32(&ev.body, f->code);
  put_u32(&ev.body, (uint32_t)f->err.number);
  put_string(&ev.body, f->err.detail);
  remove_socket(s);
  if (s->run_fd >= 0) unlinkat(s->run_fd, "pid", 0);
  s->state = SHIM_EXITED;
  shim_announce(s, &ev);
  deliver_events(s);
  return 0;
}

/* `wait-status unix-time-ns oom-kills\n`, whole or not at all. */
static void write_exit_record(struct shim *s) {
  TEXT(line, 80);
  text_number(&line, (uint32_t)s->wait_status);
  text_add(&line, " ");
  text_number(&line, s->exit_time);
  text_add(&line, " ");
  text_number(&line, s->oom.kills);
  text_add(&line, "\n");
  if (run_write(s, "exit.tmp", &line) == 0) renameat(s->run_fd, "exit.tmp", s->run_fd, "exit");
}

/* The container's process is gone: all that is owed to it, in the order of README.md, "Shim". */
static void finish(struct shim *s) {
  streams_drain(s);
  log_close(&s->log);
  oom_read(&s->oom);
  write_exit_record(s);
  clients_accept(s); /* who has connected before the socket goes is still served */
  remove_socket(s);
  s->state = SHIM_EXITED;
  for (int i = 0; i < CONNECTION_MAX; i++) s->connections[i].progress = monotonic_ms();
  struct event ev;
  event_begin(&ev, EVT_EXIT, s->token);
  put_u32(&ev.body, (uint32_t)s->wait_status);
  put_u64(&ev.body, s->exit_time);
  put_u32(&ev.body, (uint32_t)s->oom.kills);
  shim_announce(s, &ev);
}

/* ---- the loop ---- */

static int is_dead(pid_t pid) {
  siginfo_t info = {0};
  return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

/* The held child was let go: it has exec'ed, or failed (-1: f is set, the child is reaped). One that is held by
 * somebody else's socket reports its failures there, and here only that it has left HOLD. */
static int end_hold(struct shim *s, struct failure *f) {
  if (s->vm.held_by_parent && vm_finish(&s->vm, f) < 0) return -1;
  struct err e;
  if (streams_adopt(s, &e) < 0) kill(s->pid, SIGKILL); /* a terminal that cannot be used */
  if (s->handing_over) s->state = SHIM_SETTING_UP;
  else shim_announce_started(s);
  vm_close(&s->vm);
  return 0;
}

/* When the runtime has ended the container is there, or (-1, f is set) it is not. */
static int end_handover(struct shim *s, struct failure *f) {
  int status;
  if (waitpid(s->pid, &status, WNOHANG) != s->pid) return 0;
  *f = (struct failure){.stream = 1, .index = SETUP_INDEX};
  if (handover(s, status, &f->err) < 0 || shim_take_process(s, &f->err) < 0) return -1;
  shim_announce_started(s);
  return 0;
}

static int reap(struct shim *s, struct failure *f) {
  struct signalfd_siginfo info;
  int status;
  pid_t pid;
  while (read(s->signal_fd, &info, sizeof info) > 0) continue;
  /* Whoever ends while it is not known which of them the container is has to wait. */
  if (s->handing_over && s->state == SHIM_SETTING_UP) {
    if (end_handover(s, f) < 0) return -1;
    if (s->handing_over) return 0;
  }
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    if (pid != s->pid) continue; /* an orphan of the container */
    s->exited = 1;
    s->wait_status = status;
    s->exit_time = unix_time_ns();
  }
  return 0;
}

/* Gives the pages of the big buffers back. */
static void become_quiet(struct shim *s) {
  s->scratch_used = 0;
  if (s->input_end == 0) madvise(s->input, sizeof s->input, MADV_DONTNEED);
  madvise(s->text, sizeof s->text, MADV_DONTNEED);
  madvise(s->formatted, sizeof s->formatted, MADV_DONTNEED);
}

enum { AT_SIGNAL, AT_SYNC, AT_LISTEN, AT_EVENTS, AT_STDOUT, AT_STDERR, AT_STDIN, AT_OOM, AT_CLIENTS };

static int wait_for_something(struct shim *s, struct pollfd *fds) {
  int pending_events = buffer_used(&s->events.queue) > 0;
  int pending_input = s->input_start < s->input_end;
  int oom_v2 = s->oom.kind == 2;
  int let_go = s->state == SHIM_CREATED && (s->released || !s->vm.held_by_parent);
  fds[AT_SIGNAL] = (struct pollfd){.fd = s->signal_fd, .events = POLLIN};
  fds[AT_SYNC] = (struct pollfd){.fd = let_go ? s->vm.slots[SLOT_SYNC] : -1, .events = POLLIN};
  fds[AT_LISTEN] = (struct pollfd){.fd = s->listen_fd, .events = POLLIN};
  fds[AT_EVENTS] = (struct pollfd){.fd = pending_events ? s->events.fd : -1, .events = POLLOUT};
  for (int i = 0; i < 2; i++) {
    struct stream *out = &s->out[i];
    fds[AT_STDOUT + i] = (struct pollfd){.fd = stream_wants_read(s, out) ? out->fd : -1, .events = POLLIN};
  }
  fds[AT_STDIN] = (struct pollfd){.fd = pending_input ? s->stdin_fd : -1, .events = POLLOUT};
  fds[AT_OOM] = (struct pollfd){.fd = oom_v2 ? s->oom.count_fd : s->oom.notify_fd, .events = oom_v2 ? POLLPRI : POLLIN};
  for (int i = 0; i < CONNECTION_MAX; i++) {
    struct pollfd *p = &fds[AT_CLIENTS + i];
    p->events = client_interest(s, &s->connections[i], &p->fd);
    p->revents = 0;
  }
  int timeout = s->oom.recheck ? OOM_RECHECK_MS : s->scratch_used || s->state == SHIM_EXITED ? QUIET_MS : -1;
  return poll(fds, AT_CLIENTS + CONNECTION_MAX, timeout);
}

/* One round: whatever is ready. -1: the held child has failed, f is set. */
static int serve(struct shim *s, struct failure *f) {
  struct pollfd fds[AT_CLIENTS + CONNECTION_MAX];
  int ready = wait_for_something(s, fds);
  if (s->oom.recheck) {
    s->oom.recheck = 0;
    tell_oom(s);
  }
  if (ready == 0 && s->scratch_used) become_quiet(s);
  if (ready <= 0) return 0;
  /* The start comes before the end, even when both are seen at once. Who was killed in HOLD has not started. */
  int started = fds[AT_SYNC].revents || (fds[AT_SIGNAL].revents && s->released && is_dead(s->pid));
  if (s->state == SHIM_CREATED && started && end_hold(s, f) < 0) return -1;
  if (fds[AT_SIGNAL].revents && reap(s, f) < 0) return -1;
  if (fds[AT_EVENTS].revents && outbox_flush(&s->events) < 0) s->events.fd = -1;
  for (int i = 0; i < 2; i++)
    if (fds[AT_STDOUT + i].revents && !s->exited) stream_pump(s, &s->out[i], READ_MAX);
  if (fds[AT_STDIN].revents) input_write(s);
  if (fds[AT_OOM].revents) {
    oom_notified(&s->oom);
    tell_oom(s);
  }
  for (int i = 0; i < CONNECTION_MAX; i++)
    if (fds[AT_CLIENTS + i].revents) client_ready(s, &s->connections[i], fds[AT_CLIENTS + i].revents);
  if (fds[AT_LISTEN].revents && s->listen_fd >= 0) clients_accept(s);
  return 0;
}

/* Until the next full second, at least a fifth of one: unmounting an overlay makes the kernel sync the whole file system
 * under it. Shims that end at the same moment share one sync, which otherwise every container's end would wait for. */
static void linger(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  struct timespec until = {.tv_sec = now.tv_sec + 1 + (now.tv_nsec > 800000000)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
  }
}

static int live(struct shim *s, struct failure *f) {
  while (!s->exited) {
    if (serve(s, f) < 0) return -1;
    clients_settle(s);
  }
  finish(s);
  int left = clients_settle(s);
  int lingers = (s->record.flags & SHIM_LINGER) != 0;
  if (s->mnt_ns_fd >= 0 && left == 0) deliver_events(s);
  if (!lingers) {
    close(s->mnt_ns_fd);
    s->mnt_ns_fd = -1;
  }
  while (left > 0) {
    serve(s, f);
    left = clients_settle(s);
  }
  deliver_events(s);
  if (lingers) linger();
  return 0;
}

/* Gives the shim's memory with the record behind it, or NULL. */
static struct shim *make_shim(const struct shim_start *start) {
  size_t length = start->record.length;
  struct shim *s = mmap(NULL, sizeof *s + length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (s == MAP_FAILED) return NULL;
  s->token = start->token;
  s->run_fd = s->signal_fd = s->mnt_ns_fd = s->stdin_fd = s->terminal_fd = s->console_fd = -1;
  s->listen_fd = start->listen_fd;
  s->events = (struct outbox){.fd = start->event_fd, .limit = EVENTS_KEPT};
  s->oom.count_fd = s->oom.notify_fd = s->log.fd = -1;
  for (int i = 0; i < 2; i++) {
    s->out[i].fd = -1;
    s->out[i].number = i + 1;
  }
  for (int i = 0; i < CONNECTION_MAX; i++) s->connections[i].fd = -1;
  uint8_t *copy = memcpy(s + 1, start->record.data, length);
  struct reader r = {.at = copy, .end = copy + length};
  if (shim_record_read(&r, &s->record) < 0) return NULL;
  s->rows = s->record.rows;
  s->columns = s->record.columns;
  vm_init(&s->vm);
  s->vm.word = start->word_fd;
  return s;
}

int shim_main(const struct shim_start *start) {
  struct shim *s = make_shim(start);
  if (!s) return 1; /* the launcher tells */
  struct failure f;
  int launched = shim_launch(s, start->plan.data, start->plan.length, &f);
  start->free_request(start->context);
  if (launched < 0 || live(s, &f) < 0) return give_up(s, &f);
  return 0;
}
