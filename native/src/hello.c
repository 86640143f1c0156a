/* The program of the built-in image: what a container sees of its isolation, in plain text. What is missing is skipped.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "modes.h"

/* The first line of a file without its end; NULL if it cannot be read. */
static const char *first_line(const char *path, char *line, int size) {
  FILE *file = fopen(path, "re");
  if (!file) return NULL;
  char *got = fgets(line, size, file);
  fclose(file);
  if (got) line[strcspn(line, "\n")] = 0;
  return got;
}

/* The value behind `key:` in /proc/self/status. */
static const char *status_value(const char *key, char *line, int size) {
  FILE *file = fopen("/proc/self/status", "re");
  size_t length = strlen(key);
  const char *value = NULL;
  while (file && !value && fgets(line, size, file)) {
    if (strncmp(line, key, length) != 0 || line[length] != ':') continue;
    line[strcspn(line, "\n")] = 0;
    value = line + length + 1 + strspn(line + length + 1, " \t");
  }
  if (file) fclose(file);
  return value;
}

static void print_row(const char *name, const char *value) {
  if (value) printf("  %-16s %s\n", name, value);
}

static void print_process(void) {
  struct utsname host;
  printf("Process\n");
  printf("  %-16s %d\n", "pid", (int)getpid());
  printf("  %-16s %u:%u\n", "user", (unsigned)getuid(), (unsigned)getgid());
  if (uname(&host) == 0) {
    print_row("host name", host.nodename);
    printf("  %-16s %s %s, %s\n", "kernel", host.sysname, host.release, host.machine);
  }
}

static void print_namespaces(void) {
  static const char *const names[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
  printf("\nNamespaces\n");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[64], target[64];
    snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n < 0) continue;
    target[n] = 0;
    print_row(names[i], target);
  }
}

static void print_privileges(void) {
  static const char *const modes[] = {"none", "strict", "filter"};
  char line[256];
  const char *value;
  printf("\nPrivileges\n");
  print_row("capabilities", status_value("CapEff", line, sizeof line));
  print_row("bounding set", status_value("CapBnd", line, sizeof line));
  value = status_value("Seccomp", line, sizeof line);
  if (value) print_row("seccomp", *value >= '0' && *value <= '2' ? modes[*value - '0'] : value);
  value = status_value("NoNewPrivs", line, sizeof line);
  if (value) print_row("no new privs", *value == '1' ? "yes" : "no");
}

/* "none" for what means no limit. */
static const char *limit(const char *value) {
  return !value || strncmp(value, "max", 3) == 0 || *value == '-' || strtoull(value, NULL, 10) > 1ull << 60 ? "none"
                                                                                                            : value;
}

static void print_limits(void) {
  char line[256], period[64];
  const char *value;
  int unified = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
  if (access("/sys/fs/cgroup", F_OK) < 0) return;
  printf("\nLimits (cgroup %s)\n", unified ? "v2" : "v1");
  value = first_line(unified ? "/sys/fs/cgroup/memory.max" : "/sys/fs/cgroup/memory/memory.limit_in_bytes", line,
                     sizeof line);
  if (value) printf("  %-16s %s%s\n", "memory", limit(value), limit(value) == value ? " bytes" : "");
  value = first_line(unified ? "/sys/fs/cgroup/cpu.max" : "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", line, sizeof line);
  if (value && limit(value) != value) {
    print_row("cpu", "none");
  } else if (value) {
    const char *base =
        unified ? strchr(value, ' ') : first_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period, sizeof period);
    double share = base ? strtod(base, NULL) : 0;
    if (share > 0) printf("  %-16s %.2f processors\n", "cpu", strtod(value, NULL) / share);
  }
  value = first_line(unified ? "/sys/fs/cgroup/pids.max" : "/sys/fs/cgroup/pids/pids.max", line, sizeof line);
  if (value) print_row("processes", limit(value));
}

static void print_files(void) {
  char line[4096], device[1024], folder[1024], type[64], root[64] = "";
  int count = 0;
  FILE *file = fopen("/proc/self/mounts", "re");
  if (!file) return;
  while (fgets(line, sizeof line, file)) {
    count++;
    if (sscanf(line, "%1023s %1023s %63s", device, folder, type) == 3 && strcmp(folder, "/") == 0) strcpy(root, type);
  }
  fclose(file);
  printf("\nFiles\n");
  if (*root) print_row("root", root);
  printf("  %-16s %d\n", "mounts", count);
}

int hello_main(void) {
  printf("Ahoy! Your Skiff floats: this text was printed inside a container.\n\n");
  printf("On the way here the daemon put together a root file system from an image, compiled a\n");
  printf("plan of what makes a container, and a small helper performed it. From inside it looks\n");
  printf("like this:\n\n");
  print_process();
  print_namespaces();
  print_privileges();
  print_limits();
  print_files();
  printf("\nSomething with a shell next?  skiff run -it alpine sh\n");
  return fflush(stdout) == 0 ? 0 : 1;
}
