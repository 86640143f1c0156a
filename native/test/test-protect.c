/* The program's own file cannot be written through /proc/PID/exe, whichever way it is protected. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include "protect.h"
#include "support.h"

/* Makes open_tree missing, as on an old kernel. */
static void forbid_open_tree(void) {
  struct sock_filter insns[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 428, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {4, insns};
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0);
}

/* Runs protected; then becomes a shell that still has the file of the program it was, and tries to write into it. */
static void attack(char **argv) {
  struct err e = {0};
  CHECK(protect_executable(argv, &e) == 0);
  int file = open("/proc/self/exe", O_PATH);
  CHECK(file >= 0);
  char script[64];
  snprintf(script, sizeof script, "echo x | dd of=/proc/self/fd/%d conv=notrunc", file);
  dup2(STDOUT_FILENO, STDERR_FILENO);
  execl("/bin/sh", "sh", "-c", script, NULL);
  exit(99);
}

static void check_attack(const char *program, const char *mode, const char *expected) {
  int ends[2];
  int status;
  char output[1024];
  fflush(NULL);
  CHECK(pipe(ends) == 0);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    if (strcmp(mode, "in-memory") == 0) forbid_open_tree();
    execl(program, "test-protect", "attack", NULL);
    exit(98);
  }
  close(ends[1]);
  read_all(ends[0], output, sizeof output);
  CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
  CHECK(WEXITSTATUS(status) != 0 && WEXITSTATUS(status) < 98);
  CHECK_CONTAINS(output, expected);
}

int main(int argc, char **argv) {
  if (argc > 1) attack(argv);
  if (geteuid() != 0) {
    printf("skip: needs root for a mount of its own\n");
    return SKIPPED;
  }
  /* A copy, as a file that a process still runs cannot be written anyway. */
  char program[] = "/tmp/skiff-test-XXXXXX";
  char command[96];
  close(mkstemp(program));
  snprintf(command, sizeof command, "cp /proc/$PPID/exe %s && chmod 700 %s", program, program);
  CHECK(system(command) == 0);
  check_attack(program, "mounted", "Read-only file system");
  check_attack(program, "in-memory", "Operation not permitted");
  unlink(program);
  printf("ok: protect\n");
  return 0;
}
