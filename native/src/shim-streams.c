/* The container's stdin, stdout and stderr: pipes or a terminal, to the log and to attached clients. */
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "shim.h"

#define TERMINAL_BUFFER 131072 /* more than a pty can hold */

static int set_nonblocking(int fd, struct err *e) {
  return fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? err_errno(e, "set O_NONBLOCK", NULL) : 0;
}

/* A pipe whose end `ours` (0 read, 1 write) does not block; only that end: the flag belongs to the open file. */
static int make_pipe(int ours, int *shim_end, int *child_end, struct err *e) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return err_errno(e, "make a pipe", NULL);
  *shim_end = ends[ours];
  *child_end = ends[1 - ours];
  /* Programs open /dev/stdout again, also when they are not root. */
  if (fchmod(*child_end, 0666) < 0) return err_errno(e, "chmod of a pipe", NULL);
  return set_nonblocking(*shim_end, e);
}

int streams_prepare(struct shim *s, struct err *e) {
  if (s->record.flags & SHIM_TTY) return 0;
  for (int i = 0; i < 2; i++)
    if (make_pipe(0, &s->out[i].fd, &s->vm.slots[SLOT_STDOUT + i], e) < 0) return -1;
  if (s->record.flags & SHIM_STDIN) return make_pipe(1, &s->stdin_fd, &s->vm.slots[SLOT_STDIN], e);
  s->vm.slots[SLOT_STDIN] = open("/dev/null", O_RDONLY | O_CLOEXEC);
  return s->vm.slots[SLOT_STDIN] < 0 ? err_errno(e, "open", "/dev/null") : 0;
}

int streams_adopt(struct shim *s, struct err *e) {
  for (int slot = SLOT_STDIN; slot <= SLOT_STDERR; slot++) {
    close_fd(&s->vm.slots[slot]);
    s->vm.slots[slot] = -1;
  }
  if (s->vm.pty_master < 0 || s->terminal_fd >= 0) return 0;
  s->terminal_fd = s->out[0].fd = s->vm.pty_master;
  if (s->record.flags & SHIM_STDIN) s->stdin_fd = s->terminal_fd;
  s->vm.pty_master = -1;
  if (s->rows | s->columns) terminal_resize(s, s->rows, s->columns);
  return set_nonblocking(s->terminal_fd, e);
}

int terminal_resize(struct shim *s, uint32_t rows, uint32_t columns) {
  struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
  if (!(s->record.flags & SHIM_TTY)) return ENOTTY;
  s->rows = rows;
  s->columns = columns;
  if (s->terminal_fd < 0) return s->exited ? ESRCH : 0; /* it gets this size when it is there */
  return ioctl(s->terminal_fd, TIOCSWINSZ, &size) < 0 ? errno : 0;
}

int streams_ended(const struct shim *s) {
  /* A terminal that is still to come (created, not started) has not ended. */
  if ((s->record.flags & SHIM_TTY) && s->state < SHIM_RUNNING) return 0;
  return s->out[0].fd < 0 && s->out[1].fd < 0;
}

static void end_stream(struct shim *s, struct stream *out) {
  if (out->carried > 0) log_text(&s->log, out->number, out->carry, out->carried, 1);
  out->carried = 0;
  log_flush(&s->log);
  if (out->fd == s->terminal_fd) {
    s->stdin_fd = -1; /* the same file */
    s->terminal_fd = -1;
  }
  close_fd(&out->fd);
  out->fd = -1;
}

int stream_wants_read(const struct shim *s, const struct stream *out) {
  return out->fd >= 0 && !s->handing_over && attach_room(s, out) >= READ_MAX / 16;
}

/* Whoever compresses old files is told that there is another. */
static void tell_rotations(struct shim *s) {
  if (s->log.rotations == s->told_rotations || !(s->record.flags & SHIM_COMPRESSED)) return;
  struct event ev;
  s->told_rotations = s->log.rotations;
  event_begin(&ev, EVT_ROTATED, s->token);
  shim_announce(s, &ev);
}

/* The incomplete line of the last time stands in front of the new bytes, so that lines and characters are whole. */
static void log_output(struct shim *s, struct stream *out, size_t length) {
  char *start = s->text + LOG_LINE_MAX - out->carried;
  memcpy(start, out->carry, out->carried);
  length += out->carried;
  size_t logged = log_text(&s->log, out->number, start, length, 0);
  out->carried = (uint32_t)(length - logged);
  memcpy(out->carry, start + logged, out->carried);
  log_flush(&s->log);
  tell_rotations(s);
}

size_t stream_pump(struct shim *s, struct stream *out, size_t most) {
  /* What a runtime says about a container it could not make is not that one's output. */
  if (out->fd < 0 || s->handing_over) return 0;
  char *text = s->text + LOG_LINE_MAX;
  size_t room = attach_room(s, out);
  if (most > READ_MAX) most = READ_MAX;
  if (most > room) most = room;
  if (most == 0) return 0;
  ssize_t n = read(out->fd, text, most);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (n <= 0) { /* end of file; a terminal says EIO when nobody has it open any more */
    end_stream(s, out);
    return 0;
  }
  s->scratch_used = 1;
  attach_output(s, out, text, (size_t)n);
  log_output(s, out, (size_t)n);
  return (size_t)n;
}

void streams_drain(struct shim *s) {
  size_t left[2] = {0, 0};
  for (int i = 0; i < 2; i++) {
    int available = 0;
    if (s->out[i].fd < 0) continue;
    if (s->out[i].fd == s->terminal_fd)
      available = TERMINAL_BUFFER; /* FIONREAD does not see what is on its way */
    else if (ioctl(s->out[i].fd, FIONREAD, &available) < 0)
      available = 0;
    left[i] = (size_t)available;
  }
  if (left[0] + left[1] > 0) attach_widen(s, left[0] + left[1]);
  /* Other writers may be alive and busy: no more than what was there is taken. */
  for (int i = 0; i < 2; i++) {
    while (left[i] > 0) {
      if (attach_room(s, &s->out[i]) == 0) attach_widen(s, left[i]);
      size_t n = stream_pump(s, &s->out[i], left[i]);
      if (n == 0) break;
      left[i] -= n;
    }
    if (s->out[i].fd >= 0) end_stream(s, &s->out[i]);
  }
  close_fd(&s->stdin_fd);
  s->stdin_fd = -1;
}

int input_possible(const struct shim *s) {
  if (s->exited || s->stdin_ending) return 0;
  if ((s->record.flags & SHIM_TTY) && s->state < SHIM_RUNNING) return (s->record.flags & SHIM_STDIN) != 0;
  return s->stdin_fd >= 0;
}

static void close_input(struct shim *s) {
  s->input_start = s->input_end = 0;
  madvise(s->input, sizeof s->input, MADV_DONTNEED);
  if (s->stdin_fd == s->terminal_fd) return;
  close_fd(&s->stdin_fd);
  s->stdin_fd = -1;
}

void input_write(struct shim *s) {
  while (s->input_start < s->input_end && s->stdin_fd >= 0) {
    ssize_t n = write(s->stdin_fd, s->input + s->input_start, s->input_end - s->input_start);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) {
      close_input(s); /* nobody reads it */
      return;
    }
    s->input_start += (uint32_t)n;
  }
  s->input_start = s->input_end = 0;
  if (s->stdin_ending && s->stdin_fd >= 0) close_input(s);
}

void input_end(struct shim *s) {
  if (s->stdin_fd < 0 || s->stdin_fd == s->terminal_fd) return;
  s->stdin_ending = 1;
  input_write(s);
}
