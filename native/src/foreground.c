/* `run --foreground`: one loop over signals and the two directions of a terminal. See foreground.h. */
#include "foreground.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#include "report.h"

#define CHUNK 4096 /* what a pipe or terminal takes at once when poll calls it writable */

/* Bytes on their way in one direction; from or to is -1 when it has ended. */
struct flow {
  int from, to;
  size_t start, end;
  char bytes[CHUNK];
};

struct proxy {
  struct flow in;  /* own stdin to the terminal */
  struct flow out; /* the terminal to own stdout */
  int raw;         /* the own terminal has been made raw */
  struct termios saved;
};

int foreground_begin(struct foreground *fg, int subreaper, struct err *e) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  if (subreaper && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
    return err_errno(e, "prctl", "PR_SET_CHILD_SUBREAPER");
  fg->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
  return fg->signals < 0 ? err_errno(e, "signalfd", NULL) : 0;
}

static void copy_size(int master) {
  struct winsize size;
  if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) ioctl(master, TIOCSWINSZ, &size);
}

static void proxy_begin(struct proxy *p, int master) {
  p->in = (struct flow){.from = -1, .to = -1};
  p->out = (struct flow){.from = -1, .to = -1};
  p->raw = 0;
  if (master < 0) return;
  p->in.from = STDIN_FILENO;
  p->out.to = STDOUT_FILENO;
  p->in.to = p->out.from = master;
  fcntl(master, F_SETFL, O_NONBLOCK); /* its open file is ours alone; stdin and stdout are shared with the shell */
  copy_size(master);
  if (tcgetattr(STDIN_FILENO, &p->saved) < 0) return;
  struct termios raw = p->saved;
  cfmakeraw(&raw);
  p->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static void proxy_end(const struct proxy *p) {
  if (p->raw) tcsetattr(STDIN_FILENO, TCSANOW, &p->saved);
}

static int flow_wants_read(const struct flow *f) {
  return f->from >= 0 && f->start == f->end;
}

static int flow_wants_write(const struct flow *f) {
  return f->to >= 0 && f->start < f->end;
}

/* Moves what is ready. An end of either side ends this direction; EIO is how a terminal says that it was closed. */
static void flow_move(struct flow *f, int readable, int writable) {
  if (readable && flow_wants_read(f)) {
    ssize_t got = read(f->from, f->bytes, sizeof f->bytes);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) f->from = -1;
    f->start = 0;
    f->end = got > 0 ? (size_t)got : 0;
  } else if (writable && flow_wants_write(f)) {
    ssize_t put = write(f->to, f->bytes + f->start, f->end - f->start);
    if (put < 0 && errno != EAGAIN && errno != EINTR) f->to = f->from = -1;
    if (put > 0) f->start += (size_t)put;
  }
}

static struct pollfd watch(const struct flow *f, int write_side) {
  int fd = write_side ? (flow_wants_write(f) ? f->to : -1) : (flow_wants_read(f) ? f->from : -1);
  return (struct pollfd){fd, write_side ? POLLOUT : POLLIN, 0};
}

/* One round; gives whether anything was ready. */
static int step(struct proxy *p, int signals, int timeout_ms) {
  struct pollfd fds[5] = {
      {signals, POLLIN, 0}, watch(&p->in, 0), watch(&p->in, 1), watch(&p->out, 0), watch(&p->out, 1)};
  int ready = poll(fds, 5, timeout_ms);
  if (ready <= 0) return 0;
  flow_move(&p->in, fds[1].revents != 0, fds[2].revents != 0);
  flow_move(&p->out, fds[3].revents != 0, fds[4].revents != 0);
  return 1;
}

/* Reaps whatever has ended; 1 when the container was among it. */
static int reap(pid_t child, int *status) {
  int found = 0;
  int ended;
  pid_t pid;
  while ((pid = waitpid(-1, &ended, WNOHANG)) > 0) {
    if (pid != child) continue;
    *status = ended;
    found = 1;
  }
  return found;
}

static void forward(const struct vm *vm, int number, int tty) {
  if (tty && number == SIGWINCH)
    copy_size(vm->pty_master);
  else if (number != SIGCHLD && number != SIGPIPE)
    kill(vm->child, number); /* it is not reaped yet, so the pid is still its own */
}

static int handle_signals(int fd, const struct vm *vm, int tty, int *status) {
  struct signalfd_siginfo info;
  while (read(fd, &info, sizeof info) == (ssize_t)sizeof info) forward(vm, (int)info.ssi_signo, tty);
  return reap(vm->child, status);
}

static void report_end(int report_fd, int status) {
  struct report frame;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  report_exit(&frame, status, (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
  report_send(report_fd, &frame);
}

int foreground_stay(struct foreground *fg, struct vm *vm, int tty, int report_fd) {
  struct proxy proxy;
  int status = 0;
  /* What the container holds now is its own: with a copy here nobody would see an end of file. */
  for (uint32_t slot = SLOT_STDIN; slot <= SLOT_STDERR; slot++) {
    if (vm->slots[slot] >= 0) close(vm->slots[slot]);
    vm->slots[slot] = -1;
  }
  int terminal = tty && vm->pty_master >= 0;
  proxy_begin(&proxy, terminal ? vm->pty_master : -1);
  while (!handle_signals(fg->signals, vm, terminal, &status)) step(&proxy, fg->signals, -1);
  /* The output that is still in the terminal; without waiting, as another process may hold its other side. */
  proxy.in.from = proxy.in.to = -1;
  while ((proxy.out.from >= 0 || flow_wants_write(&proxy.out)) &&
         step(&proxy, -1, flow_wants_write(&proxy.out) ? -1 : 0)) {
  }
  proxy_end(&proxy);
  report_end(report_fd, status);
  close(fg->signals);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
