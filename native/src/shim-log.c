/* Writes json-file lines in large pieces, rotates by size, and survives a full disk: lines are then lost, and counted.
 */
#include "shim-log.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#include "json-line.h"
#include "text.h"

#define LOG_MODE 0640
#define SUFFIX_MAX 96 /* `","stream":"stderr","time":"…"` */
#define LINE_SPACE (LOG_LINE_MAX * JSON_GROWTH + SUFFIX_MAX + 64)

/* kernel: a kill ends a long write(2) between two pages. What an earlier shim has left of a line would swallow our first.
 * Gives the size up to the last end of a line; the size as it is where none is found as far back as one write may reach. */
static off_t whole_lines(const char *path, off_t size) {
  char block[4096];
  cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  off_t end = size, least = size > LOG_OUT_SIZE ? size - LOG_OUT_SIZE : 0;
  while (fd >= 0 && end > least) {
    size_t want = end - least < (off_t)sizeof block ? (size_t)(end - least) : sizeof block;
    if (pread(fd, block, want, end - (off_t)want) != (ssize_t)want) return size;
    const char *newline = memrchr(block, '\n', want);
    if (newline) return end - (off_t)want + (newline - block) + 1;
    end -= (off_t)want;
  }
  return end == 0 ? 0 : size;
}

int log_open(struct log *l, struct err *e) {
  if (l->attrs_length > LOG_ATTRS_MAX) return err_set(e, EINVAL, "log attributes are too long", NULL);
  l->fd = open(l->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOG_MODE);
  if (l->fd < 0) return err_errno(e, "open log", l->path);
  struct stat st;
  if (fstat(l->fd, &st) < 0) return err_errno(e, "stat log", l->path);
  off_t whole = S_ISREG(st.st_mode) ? whole_lines(l->path, st.st_size) : st.st_size;
  if (whole < st.st_size && ftruncate(l->fd, whole) < 0) whole = st.st_size;
  l->size = (uint64_t)whole;
  l->limit = l->max_bytes;
  return 0;
}

void log_close(struct log *l) {
  log_flush(l);
  if (l->fd >= 0) close(l->fd);
  l->fd = -1;
}

static char *append(char *out, const char *text, size_t length) {
  memcpy(out, text, length);
  return out + length;
}

static char *append_string(char *out, const char *text) {
  return append(out, text, strlen(text));
}

/* `","stream":"…","time":"…"`: what follows the text in every line of one piece. */
static size_t format_suffix(char *out, int stream) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  char *end =
      append_string(out, stream == 2 ? "\",\"stream\":\"stderr\",\"time\":\"" : "\",\"stream\":\"stdout\",\"time\":\"");
  format_time(end, &now);
  end[TIME_LENGTH] = '"';
  return (size_t)(end + TIME_LENGTH + 1 - out);
}

/* The line that tells how many were lost before it. */
static void format_notice(const struct log *l, struct text *line) {
  char suffix[SUFFIX_MAX];
  text_add(line, "{\"log\":\"skiff: ");
  text_number(line, l->lost);
  text_add(line, " lines of this log were lost: ");
  text_add(line, strerror(l->lost_errno));
  text_add(line, "\\n");
  text_bytes(line, suffix, format_suffix(suffix, 2));
  text_add(line, "}\n");
}

/* Writes what lies in `out`. A failure takes back the half that was written, so that the file always holds whole lines.
 */
void log_flush(struct log *l) {
  if (l->used == 0) return;
  TEXT(notice, 512);
  if (l->lost > 0) format_notice(l, &notice);
  struct iovec parts[2] = {{.iov_base = notice.data, .iov_len = notice.length},
                           {.iov_base = l->out, .iov_len = l->used}};
  size_t whole = parts[0].iov_len + parts[1].iov_len, written = 0;
  while (written < whole) {
    ssize_t n = writev(l->fd, parts, 2);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    written += (size_t)n;
    for (int i = 0; i < 2; i++) {
      size_t step = (size_t)n < parts[i].iov_len ? (size_t)n : parts[i].iov_len;
      parts[i].iov_base = (char *)parts[i].iov_base + step;
      parts[i].iov_len -= step;
      n -= (ssize_t)step;
    }
  }
  if (written == whole) {
    l->lost = 0;
    l->size += whole;
  } else {
    l->lost_errno = errno;
    l->lost += l->lines;
    struct stat st;
    if (written > 0 && fstat(l->fd, &st) == 0 && ftruncate(l->fd, st.st_size - (off_t)written) < 0) l->size += written;
  }
  l->used = 0;
  l->lines = 0;
}

/* The names `path`, `path.1`, …; 0 is the current one. */
static int file_name(const struct log *l, uint32_t number, const char *ending, char *out) {
  struct text name = text_over(out, PATH_MAX);
  text_add(&name, l->path);
  if (number > 0) {
    text_add(&name, ".");
    text_number(&name, number);
  }
  text_add(&name, ending);
  return name.cut ? -1 : 0;
}

/* A new file in place of the only one, rather than the old one cut to nothing: who reads it can read it to its end. */
static int start_over(struct log *l, struct err *e) {
  char fresh[PATH_MAX];
  struct text name = text_over(fresh, PATH_MAX);
  text_add(&name, l->path);
  text_add(&name, ".new");
  if (name.cut) return err_set(e, ENAMETOOLONG, "rotate log", l->path);
  int fd = open(fresh, O_WRONLY | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC, LOG_MODE);
  if (fd < 0) return err_errno(e, "open log", fresh);
  if (rename(fresh, l->path) < 0) {
    err_errno(e, "rotate log", fresh);
    unlink(fresh);
    close(fd);
    return -1;
  }
  close(l->fd);
  l->fd = fd;
  l->size = 0;
  return 0;
}

/* What `number - 1` is called becomes `number`. Which is missing does not matter, but for the current file. */
static int move_up(struct log *l, uint32_t number, const char *ending, struct err *e) {
  char from[PATH_MAX], to[PATH_MAX];
  if (file_name(l, number - 1, ending, from) < 0 || file_name(l, number, ending, to) < 0)
    return err_set(e, ENAMETOOLONG, "rotate log", l->path);
  if (rename(from, to) < 0 && (errno != ENOENT || number == 1)) return err_errno(e, "rotate log", from);
  return 0;
}

/* The oldest makes room under both of its names, as its follower may have the other one. */
static int drop_oldest(struct log *l, struct err *e) {
  char name[PATH_MAX];
  const char *endings[] = {"", ".gz"};
  for (int i = 0; i < 2; i++) {
    if (file_name(l, l->max_files - 1, endings[i], name) < 0) return err_set(e, ENAMETOOLONG, "rotate log", l->path);
    if (unlink(name) < 0 && errno != ENOENT) return err_errno(e, "rotate log", name);
  }
  return 0;
}

static int rename_and_reopen(struct log *l, struct err *e) {
  if (l->compressed && drop_oldest(l, e) < 0) return -1;
  for (uint32_t i = l->max_files - 1; i > 0; i--) {
    if (move_up(l, i, "", e) < 0) return -1;
    if (l->compressed && i > 1 && move_up(l, i, ".gz", e) < 0) return -1;
  }
  int fd = open(l->path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, LOG_MODE);
  if (fd < 0) {
    char old[PATH_MAX];
    err_errno(e, "open log", l->path);
    if (file_name(l, 1, "", old) == 0) rename(old, l->path);
    return -1;
  }
  close(l->fd);
  l->fd = fd;
  l->size = 0;
  return 0;
}

int log_put_compressed(struct log *l, uint64_t inode, uint64_t nonce, struct err *e) {
  char fresh[PATH_MAX], old[PATH_MAX], to[PATH_MAX];
  struct text name = text_over(fresh, PATH_MAX);
  text_add(&name, l->path);
  text_add(&name, ".gz-");
  text_number(&name, nonce);
  if (name.cut) return err_set(e, ENAMETOOLONG, "compressed log", l->path);
  for (uint32_t i = 1; i < l->max_files; i++) {
    struct stat st;
    if (file_name(l, i, "", old) < 0 || file_name(l, i, ".gz", to) < 0) break;
    if (stat(old, &st) < 0 || st.st_ino != inode) continue;
    if (rename(fresh, to) < 0) return err_errno(e, "compressed log", fresh);
    /* Who comes in between finds both, which say the same. */
    unlink(old);
    return 0;
  }
  return err_set(e, ENOENT, "compressed log", l->path);
}

int log_rotate(struct log *l, struct err *e) {
  if (l->fd < 0) return 0;
  log_flush(l);
  if ((l->max_files <= 1 ? start_over(l, e) : rename_and_reopen(l, e)) < 0) return -1;
  l->rotations++;
  return 0;
}

/* Rotation by size: a failure must not lose lines, so the file grows on and it is tried again one max_bytes later. */
static void rotate_full(struct log *l) {
  log_flush(l);
  struct stat st;
  if (fstat(l->fd, &st) == 0 && (uint64_t)st.st_size < l->size) {
    l->size = (uint64_t)st.st_size; /* somebody has truncated it */
    return;
  }
  struct err e;
  l->limit = log_rotate(l, &e) < 0 ? l->size + l->max_bytes : l->max_bytes;
}

static void put_line(struct log *l, const char *text, size_t length, int newline, const char *suffix,
                     size_t suffix_length) {
  if (LOG_OUT_SIZE - l->used < LINE_SPACE + l->attrs_length) log_flush(l);
  char *start = l->out + l->used, *end = append(start, "{\"log\":\"", 8);
  end = json_escape(end, text, length);
  if (newline) end = append(end, "\\n", 2);
  end = append(end, suffix, suffix_length);
  end = append(end, l->attrs, l->attrs_length);
  end = append(end, "}\n", 2);
  size_t size = (size_t)(end - start);
  if (l->max_bytes > 0 && l->size + l->used > 0 && l->size + l->used + size > l->limit) {
    rotate_full(l);
    memmove(l->out, start, size);
  }
  l->used += size;
  l->lines++;
}

size_t log_text(struct log *l, int stream, const char *text, size_t length, int at_end) {
  char suffix[SUFFIX_MAX];
  if (l->fd < 0 || length == 0) return length;
  size_t suffix_length = format_suffix(suffix, stream), at = 0;
  while (at < length) {
    const char *line = text + at;
    size_t left = length - at, window = left < LOG_LINE_MAX ? left : LOG_LINE_MAX;
    const char *newline = memchr(line, '\n', window);
    if (newline) {
      put_line(l, line, (size_t)(newline - line), 1, suffix, suffix_length);
      at += (size_t)(newline - line) + 1;
    } else if (left >= LOG_LINE_MAX) {
      size_t part = utf8_cut(line, LOG_LINE_MAX);
      put_line(l, line, part, 0, suffix, suffix_length);
      at += part;
    } else if (at_end) {
      put_line(l, line, left, 0, suffix, suffix_length);
      at = length;
    } else {
      break;
    }
  }
  return at;
}
