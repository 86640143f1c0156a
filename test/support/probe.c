/*
 * Does one thing that a container may or may not do, and says what the kernel answered: "ok", or the errno's name.
 * Static, so that it runs in any root file system. Linked to by no header but libc's and the kernel's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int report(long result) {
  if (result < 0) printf("%s\n", strerrorname_np(errno));
  else printf("ok\n");
  return 0;
}

/* Burns CPU for so many milliseconds of wall time and prints the CPU time it got, in milliseconds. */
static int burn(long ms) {
  struct timespec start, now, cpu;
  volatile unsigned long sum = 0;
  clock_gettime(CLOCK_MONOTONIC, &start);
  do {
    for (int i = 0; i < 100000; i++) sum += (unsigned long)i;
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < ms);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  printf("%ld\n", cpu.tv_sec * 1000 + cpu.tv_nsec / 1000000);
  return 0;
}

/* Touches so many MiB and prints "ok"; where the limit is lower the kernel kills it. */
static int eat(long mib) {
  size_t size = (size_t)mib << 20;
  char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return report(-1);
  for (size_t at = 0; at < size; at += 4096) memory[at] = 1;
  return report(0);
}

/* Forks children that wait until it is refused or the number is reached; prints how many there were and why it ended. */
static int fork_until(long most) {
  long made = 0;
  for (; made < most; made++) {
    pid_t pid = fork();
    if (pid == 0) pause();
    if (pid < 0) break;
  }
  printf("%ld %s\n", made, made < most ? strerrorname_np(errno) : "ok");
  fflush(stdout);
  kill(0, SIGTERM);
  return 0;
}

/* Writes so many MiB past the page cache and prints the milliseconds it took. */
static int write_direct(const char *path, long mib) {
  void *buffer;
  struct timespec start, end;
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_DIRECT, 0600);
  if (fd < 0 || posix_memalign(&buffer, 4096, 1 << 20)) return report(-1);
  memset(buffer, 'x', 1 << 20);
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (long i = 0; i < mib; i++)
    if (write(fd, buffer, 1 << 20) != 1 << 20) return report(-1);
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("%ld\n", (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000);
  unlink(path);
  return 0;
}

/* Makes the node of a block device and reads from it. */
static int read_disk(unsigned major_number, unsigned minor_number) {
  char byte;
  if (mknod("/disk", S_IFBLK | 0600, makedev(major_number, minor_number)) < 0) return report(-1);
  int fd = open("/disk", O_RDONLY);
  long result = fd < 0 ? -1 : read(fd, &byte, 1);
  int saved = errno;
  unlink("/disk");
  errno = saved;
  return report(result);
}

/* An orphan that ends at once, under a parent that ends first: a zombie unless pid 1 reaps. */
static int orphan(void) {
  if (fork() == 0) {
    if (fork() == 0) {
      usleep(100000);
      _exit(0);
    }
    _exit(0);
  }
  wait(NULL);
  return report(0);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  long number = argc > 2 ? atol(argv[2]) : 0;
  if (!strcmp(what, "burn")) return burn(number);
  if (!strcmp(what, "eat")) return eat(number);
  if (!strcmp(what, "fork")) return fork_until(number);
  if (!strcmp(what, "write")) return write_direct(argv[2], atol(argv[3]));
  if (!strcmp(what, "read-disk")) return read_disk((unsigned)number, (unsigned)atol(argv[3]));
  if (!strcmp(what, "orphan")) return orphan();
  if (!strcmp(what, "unshare-user")) return report(unshare(CLONE_NEWUSER));
  if (!strcmp(what, "unshare-mount")) return report(unshare(CLONE_NEWNS));
  if (!strcmp(what, "keyctl")) return report(syscall(SYS_keyctl, 0, -3, 0));
  if (!strcmp(what, "add-key")) return report(syscall(SYS_add_key, "user", "probe", "x", 1, -2));
  if (!strcmp(what, "mount")) return report(mount("none", "/mnt", "tmpfs", 0, NULL));
  if (!strcmp(what, "init-module")) return report(syscall(SYS_init_module, "", 0, ""));
  if (!strcmp(what, "kexec-load")) return report(syscall(SYS_kexec_load, 0, 0, NULL, 0));
  if (!strcmp(what, "bpf")) return report(syscall(SYS_bpf, 0, NULL, 0));
  if (!strcmp(what, "perf")) return report(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
  if (!strcmp(what, "settime")) return report(settimeofday(&(struct timeval){.tv_sec = 1}, NULL));
  if (!strcmp(what, "reboot")) return report(reboot(RB_ENABLE_CAD));
  if (!strcmp(what, "swapon")) return report(syscall(SYS_swapon, "/none", 0));
  if (!strcmp(what, "vsock")) return report(socket(AF_VSOCK, SOCK_STREAM, 0));
  if (!strcmp(what, "clone-user")) {
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) _exit(0);
    return report(pid);
  }
  if (!strcmp(what, "mkdir")) return report(mkdir("/probe-folder", 0700));
  if (!strcmp(what, "no-new-privs")) {
    printf("%d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    return 0;
  }
  fprintf(stderr, "probe: unknown request '%s'\n", what);
  return 2;
}
