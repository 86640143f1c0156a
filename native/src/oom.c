/* Out-of-memory kills of the container's memory cgroup: a notification, and the kernel's own count. */
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>

#include "shim.h"
#include "text.h"

/* Registers an eventfd for memory.oom_control (Documentation/admin-guide/cgroup-v1/memory.rst, section 10). */
static int watch_v1(int folder, int count_fd) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  cleanup_close int control = openat(folder, "cgroup.event_control", O_WRONLY | O_CLOEXEC);
  if (fd < 0 || control < 0) {
    close_fd(&fd);
    return -1;
  }
  TEXT(line, 48);
  text_number(&line, (uint64_t)fd);
  text_add(&line, " ");
  text_number(&line, (uint64_t)count_fd);
  if (write(control, line.data, line.length) >= 0) return fd;
  close(fd);
  return -1;
}

/* Best effort: without a notification the count is still read at the exit. */
void oom_open(struct oom_watch *w, const char *path, uint32_t kind) {
  *w = (struct oom_watch){.kind = kind, .count_fd = -1, .notify_fd = -1};
  if (kind == 0 || !*path) return;
  cleanup_close int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  w->count_fd = openat(folder, kind == 1 ? "memory.oom_control" : "memory.events", O_RDONLY | O_CLOEXEC);
  if (w->count_fd < 0) return;
  if (kind == 1) w->notify_fd = watch_v1(folder, w->count_fd);
}

int oom_read(struct oom_watch *w) {
  char text[512];
  if (w->count_fd < 0) return 0;
  ssize_t n = pread(w->count_fd, text, sizeof text - 1, 0);
  if (n <= 0) {
    close_fd(&w->count_fd); /* the cgroup is gone */
    w->count_fd = -1;
    return 0;
  }
  text[n] = 0;
  for (const char *line = text; line; line = strchr(line, '\n')) {
    if (*line == '\n') line++;
    if (strncmp(line, "oom_kill ", 9) != 0) continue;
    uint64_t kills = 0;
    for (const char *digit = line + 9; *digit >= '0' && *digit <= '9'; digit++)
      kills = kills * 10 + (uint64_t)(*digit - '0');
    int grown = kills > w->kills;
    w->kills = kills;
    return grown;
  }
  return 0;
}

void oom_notified(struct oom_watch *w) {
  uint64_t times;
  if (w->notify_fd < 0) return;
  if (read(w->notify_fd, &times, sizeof times) > 0) w->recheck = 1;
}
