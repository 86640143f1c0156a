/* Fields of /proc/PID/stat: see process-stat.h. */
#include "process-stat.h"

#include <fcntl.h>
#include <string.h>

#include "error.h"
#include "text.h"

#define FIELD_FLAGS 9
#define FIELD_STARTTIME 22

int process_stat(int proc, pid_t pid, struct process_stat *out) {
  TEXT(path, 32);
  text_number(&path, (uint64_t)pid);
  text_add(&path, "/stat");
  cleanup_close int fd = openat(proc, path.data, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  char line[1024];
  ssize_t length = read(fd, line, sizeof line - 1);
  if (length < 0) return -1;
  line[length] = '\0';
  /* The name in field 2 may hold blanks and parentheses: fields are counted from its last closing one. */
  const char *at = strrchr(line, ')');
  uint64_t value = 0;
  int field = 2;
  for (at = at == NULL ? "" : at + 1; *at != '\0'; at++) {
    if (*at == ' ') {
      field++;
      value = 0;
    } else if (*at >= '0' && *at <= '9') {
      value = value * 10 + (uint64_t)(*at - '0');
    }
    if (field == FIELD_FLAGS) out->flags = value;
    if (field == FIELD_STARTTIME) out->starttime = value;
    if (field > FIELD_STARTTIME) return 0;
  }
  errno = ESRCH;
  return -1;
}
