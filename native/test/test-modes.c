/* The small modes: init passes status and signals on and reaps, hello prints what it sees. */
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "modes.h"

static pid_t start_init(const char *script) {
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) _exit(init_main((char *[]){"sh", "-c", (char *)(uintptr_t)script, NULL}));
  return pid;
}

static int status_of(pid_t pid) {
  int status;
  EXPECT(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void init_gives_the_status_of_its_child(void) {
  EXPECT_NUMBER(status_of(start_init("exit 7")), 7);
  EXPECT_NUMBER(status_of(start_init("kill -TERM $$")), 128 + SIGTERM);
  /* An orphan that ends first is reaped and is not taken for the child. */
  EXPECT_NUMBER(status_of(start_init("(sh -c 'exit 9' &) ; sleep 0.2; exit 3")), 3);
}

static void init_says_when_it_cannot_run(void) {
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    if (!freopen("/dev/null", "w", stderr)) _exit(1);
    _exit(init_main((char *[]){"/no/such/program", NULL}));
  }
  EXPECT_NUMBER(status_of(pid), 127);
  pid = fork();
  if (pid == 0) {
    if (!freopen("/dev/null", "w", stderr)) _exit(1);
    _exit(init_main((char *[]){"/tmp", NULL}));
  }
  EXPECT_NUMBER(status_of(pid), 126);
}

static void init_passes_signals_on(void) {
  int ends[2];
  char byte;
  EXPECT(pipe(ends) == 0);
  char script[128];
  snprintf(script, sizeof script, "trap 'exit 5' HUP; echo >&%d; while :; do sleep 0.02; done", ends[1]);
  pid_t pid = start_init(script);
  EXPECT_NUMBER(read(ends[0], &byte, 1), 1);
  EXPECT(kill(pid, SIGHUP) == 0);
  EXPECT_NUMBER(status_of(pid), 5);
}

static void hello_prints_what_it_sees(void) {
  static char text[8192];
  int ends[2];
  EXPECT(pipe(ends) == 0);
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], 1);
    _exit(hello_main());
  }
  close(ends[1]);
  EXPECT_NUMBER(status_of(pid), 0);
  EXPECT(read(ends[0], text, sizeof text - 1) > 500);
  const char *parts[] = {"pid", "host name", "mnt              mnt:[", "capabilities     0", "seccomp", "mounts"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) EXPECT(strstr(text, parts[i]) != NULL);
}

int main(void) {
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  init_gives_the_status_of_its_child();
  init_says_when_it_cannot_run();
  init_passes_signals_on();
  hello_prints_what_it_sees();
  printf("ok: modes\n");
  return 0;
}
