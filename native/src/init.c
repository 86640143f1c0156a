/* A small init for `--init`: one child in a process group of its own, signals passed on, everything reaped. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"
#include "modes.h"

static void complain(const char *name, int error) {
  const char *parts[] = {"skiff-init: ", name, ": ", strerror(error), "\n"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (write_all(2, parts[i], strlen(parts[i])) < 0) return;
}

static _Noreturn void run(char **argv, const sigset_t *mask) {
  setpgid(0, 0);
  /* With a terminal the program is to be its foreground. Signals are still blocked, so SIGTTOU does not stop us. */
  tcsetpgrp(0, getpgrp());
  sigprocmask(SIG_SETMASK, mask, NULL);
  execvp(argv[0], argv);
  int error = errno;
  complain(argv[0], error);
  _exit(error == ENOENT ? 127 : 126);
}

/* Reaps all that have ended; 1 and its status when the child was among them. */
static int reap(pid_t child, int *status) {
  int ended = 0, other;
  pid_t pid;
  while ((pid = waitpid(-1, &other, WNOHANG)) > 0) {
    if (pid != child) continue;
    *status = WIFSIGNALED(other) ? 128 + WTERMSIG(other) : WEXITSTATUS(other);
    ended = 1;
  }
  return ended;
}

int init_main(char **argv) {
  /* Faults of our own must end us, not wait in a queue. */
  static const int own[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS};
  sigset_t all, before;
  sigfillset(&all);
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) sigdelset(&all, own[i]);
  sigprocmask(SIG_SETMASK, &all, &before);
  if (getpid() == 1)
    sigemptyset(&before); /* ours were blocked by EXEC, so that none was lost; the program is to have its own */
  else
    prctl(PR_SET_CHILD_SUBREAPER, 1);
  pid_t child = fork();
  if (child < 0) {
    complain("fork", errno);
    return 126;
  }
  if (child == 0) run(argv, &before);
  for (;;) {
    siginfo_t info;
    int status = 0, number = sigwaitinfo(&all, &info);
    if (number == SIGCHLD) {
      if (reap(child, &status)) return status;
    } else if (number > 0 && number != SIGTTIN && number != SIGTTOU) {
      kill(child, number);
    }
  }
}
