/* The floor of a container's start: clone into all namespaces, overlay, proc, dev, sys, pivot_root, exec, wait.
 * No cgroups, no filter, no capabilities, no checks: what the kernel alone costs. usage: floor LOWER UPPER WORK TARGET PROGRAM */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int result, const char *what) {
  if (result == 0) return;
  perror(what);
  _exit(111);
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  int flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
  if (pid < 0) return perror("clone"), 1;
  if (pid == 0) {
    char options[4096];
    snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s,workdir=%s", argv[1], argv[2], argv[3]);
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
    must(mount("overlay", argv[4], "overlay", 0, options), "overlay");
    must(chdir(argv[4]), "chdir");
    must(mount("proc", "proc", "proc", 0, NULL), "proc");
    must(mount("tmpfs", "dev", "tmpfs", 0, NULL), "dev");
    must(mount("sysfs", "sys", "sysfs", MS_RDONLY, NULL), "sys");
    must((int)syscall(SYS_pivot_root, ".", "."), "pivot_root");
    must(umount2(".", MNT_DETACH), "umount");
    char *args[] = {argv[5], NULL};
    execv(argv[5], args);
    _exit(127);
  }
  int status;
  waitpid((pid_t)pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
