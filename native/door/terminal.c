/* The user's terminal and signals, on behalf of a command that runs in the daemon. */
#include "door.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define LAST_SIGNAL 64

static volatile sig_atomic_t wanted[LAST_SIGNAL + 1], caught[LAST_SIGNAL + 1], resized;
static volatile sig_atomic_t is_raw;
static struct termios before;
/* A byte in it per signal caught: one that comes just before a wait ends that wait, too. */
static int bell[2] = {-1, -1};

/* What ends or stops a process, and what Docker's clients pass on besides. */
static const int watched[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT, SIGTSTP};

void restore_terminal(void) {
  if (!is_raw) return;
  is_raw = 0;
  tcsetattr(0, TCSADRAIN, &before);
}

static void suffer(int number) {
  struct sigaction action = {.sa_handler = SIG_DFL};
  restore_terminal();
  sigaction(number, &action, NULL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  raise(number);
}

static void ring(void) {
  int kept = errno;
  /* When it is full it has rung enough. */
  if (write(bell[1], "", 1) < 0) errno = kept;
}

/* Without SA_RESTART: whatever waits is to look at what was caught. */
static void on_signal(int number) {
  if (wanted[number]) {
    caught[number] = 1;
    ring();
  } else if (number != SIGCONT) suffer(number);
}

static void on_resize(int number) {
  (void)number;
  resized = 1;
  ring();
}

static void handle(int number, void (*handler)(int)) {
  struct sigaction old, action = {.sa_handler = handler};
  sigemptyset(&action.sa_mask);
  /* What the caller ignores (nohup, a shell's background) stays ignored. */
  if (sigaction(number, NULL, &old) == 0 && old.sa_handler == SIG_IGN) return;
  sigaction(number, &action, NULL);
}

/* Writing where nobody reads is an error like any other. */
void watch_signals(void) {
  if (pipe2(bell, O_CLOEXEC | O_NONBLOCK) < 0) bell[0] = bell[1] = -1;
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  sigaction(SIGPIPE, &ignore, NULL);
  if (isatty(1)) handle(SIGWINCH, on_resize);
}

void catch_signals(const uint8_t *numbers, size_t count) {
  for (int each = 0; each <= LAST_SIGNAL; each++) wanted[each] = 0;
  for (size_t i = 0; i < count; i++)
    if (numbers[i] <= LAST_SIGNAL) wanted[numbers[i]] = 1;
  for (size_t i = 0; i < sizeof watched / sizeof *watched; i++) handle(watched[i], on_signal);
}

int signal_bell(void) {
  return bell[0];
}

/* Keeps errno: what failed before is looked at after it. */
void send_signals(int fd) {
  char rung[64];
  int kept = errno;
  while (read(bell[0], rung, sizeof rung) == sizeof rung) {}
  for (int each = 1; each <= LAST_SIGNAL; each++) {
    if (!caught[each]) continue;
    caught[each] = 0;
    uint8_t number = (uint8_t)each;
    send_frame(fd, FRAME_SIGNAL, &number, 1);
  }
  if (resized) {
    resized = 0;
    send_size(fd);
  }
  errno = kept;
}

void send_size(int fd) {
  struct winsize size;
  if (ioctl(1, TIOCGWINSZ, &size) < 0) return;
  uint8_t payload[4] = {(uint8_t)(size.ws_row >> 8), (uint8_t)size.ws_row, (uint8_t)(size.ws_col >> 8),
                        (uint8_t)size.ws_col};
  send_frame(fd, FRAME_SIZE, payload, sizeof payload);
}

void set_raw(int on) {
  if (!on) {
    restore_terminal();
    return;
  }
  if (is_raw || tcgetattr(0, &before) < 0) return;
  struct termios raw = before;
  cfmakeraw(&raw);
  is_raw = 1;
  tcsetattr(0, TCSADRAIN, &raw);
  /* From now on an end by signal has something to give back. */
  catch_signals(NULL, 0);
}
