/* A container that another OCI runtime makes: the shim's child is that runtime, which ends once the container is there.
 * The process it made is then an orphan of the shim's, the subreaper, and takes the child's place. See "Shim" in
 * README.md. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "ops.h"
#include "process-stat.h"
#include "shim.h"
#include "text.h"

#define PID_FILE "init.pid"
#define CONSOLE "console.sock"
#define CONSOLE_NAME_MAX 4096

int handover_prepare(struct shim *s, struct err *e) {
  if (!(s->record.flags & SHIM_HANDS_OVER)) return 0;
  s->handing_over = 1;
  unlinkat(s->run_fd, PID_FILE, 0); /* of an earlier run: it must not be taken for ours */
  return s->record.flags & SHIM_TTY ? run_listen(s, CONSOLE, &s->console_fd, e) : 0;
}

/* Decimal digits, and nothing but white space after them. */
static int read_pid(const struct shim *s, pid_t *pid, struct err *e) {
  char text[32];
  cleanup_close int fd = openat(s->run_fd, PID_FILE, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return err_errno(e, "open", PID_FILE);
  ssize_t length = read(fd, text, sizeof text - 1);
  if (length < 0) return err_errno(e, "read", PID_FILE);
  text[length] = '\0';
  size_t digits = strspn(text, "0123456789");
  if (digits == 0 || digits > 9 || text[digits + strspn(text + digits, " \n")] != '\0')
    return err_set(e, EPROTO, "pid file of the runtime", text);
  *pid = 0;
  for (size_t i = 0; i < digits; i++) *pid = *pid * 10 + (text[i] - '0');
  return 0;
}

/* Its own child now, alive or a zombie: only then its end can be seen. */
static int check_child(const struct shim *s, pid_t pid, uint64_t *starttime, struct err *e) {
  siginfo_t info = {0};
  struct process_stat stat;
  TEXT(number, 24);
  text_number(&number, (uint64_t)pid);
  if (pid == s->pid || waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
    return err_set(e, ECHILD, "the process the runtime names is not its orphan", number.data);
  cleanup_close int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0) return err_errno(e, "open", "/proc");
  if (process_stat(proc, pid, &stat) < 0) return err_errno(e, "read the state of", number.data);
  *starttime = stat.starttime;
  return 0;
}

/* The runtime has sent the terminal before it ended; it waits in the socket. spec: no text says what comes with it. */
static int take_console(struct shim *s, struct err *e) {
  char name[CONSOLE_NAME_MAX];
  cleanup_close int connection = accept4(s->console_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (connection < 0) return err_errno(e, "no terminal from the runtime", CONSOLE);
  if (receive_with_fd(connection, name, sizeof name, MSG_DONTWAIT, &s->vm.pty_master) < 0)
    return err_errno(e, "receive the terminal", CONSOLE);
  return s->vm.pty_master < 0 ? err_set(e, EPROTO, "a message without a terminal", CONSOLE) : 0;
}

int handover(struct shim *s, int status, struct err *e) {
  pid_t pid = 0;
  uint64_t starttime = 0;
  s->handing_over = 0;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    TEXT(how, 64);
    text_status(&how, status);
    return err_set(e, ECANCELED, "the runtime", how.data);
  }
  if (read_pid(s, &pid, e) < 0 || check_child(s, pid, &starttime, e) < 0) return -1;
  s->pid = pid;
  s->starttime = starttime;
  if (s->console_fd < 0) return 0;
  int taken = take_console(s, e);
  close_fd(&s->console_fd);
  s->console_fd = -1;
  unlinkat(s->run_fd, CONSOLE, 0);
  if (taken < 0) kill(s->pid, SIGKILL);
  return taken;
}
