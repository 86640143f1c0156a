/* Files of an unpack stream: their content, sent along or copied out of another file, then what they are. */
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "frame.h"
#include "protocol.h"
#include "unpack.h"

#define COPY_MIN (128u << 10) /* bytes from which on the kernel is asked to copy */

int begin_file(struct unpacker *u, struct reader *r, struct err *e) {
  struct place place;
  struct creation c = {.kind = UNPACK_FILE, .fd = -1};
  const char *path = read_string(r);
  struct attributes a = read_attributes(r);
  a.mtime = read_time(r);
  uint64_t size = read_u64(r);
  if (check_payload(r, e) < 0 || place_entry(u, path, &place, e) < 0) return -1;
  if (create(u, &c, &place, path, e) < 0) return -1;
  u->file = (struct open_file){.fd = c.fd, .path = strdup(path), .attributes = a, .size = size};
  return u->file.path ? 0 : err_errno(e, "make", path);
}

int write_data(struct unpacker *u, const struct reader *data, struct err *e) {
  struct open_file *f = &u->file;
  size_t length = (size_t)(data->end - data->at);
  if (length > f->size - f->written) return err_set(e, EFBIG, "more data than announced", f->path);
  if (write_all(f->fd, data->at, length) < 0) return err_errno(e, "write", f->path);
  f->written += length;
  if (length > 0) f->ends_in_hole = 0;
  return 0;
}

/* Content of a file by read and write, for file systems that cannot copy between files. */
static int copy_by_hand(struct unpacker *u, int from, uint64_t offset, uint64_t length, struct err *e) {
  struct open_file *f = &u->file;
  uint8_t buffer[65536];
  while (length > 0) {
    ssize_t got = pread(from, buffer, length < sizeof buffer ? length : sizeof buffer, (off_t)offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return err_errno(e, "read the source for", f->path);
    if (got == 0) return err_set(e, EPROTO, "the source ends inside", f->path);
    if (write_all(f->fd, buffer, (size_t)got) < 0) return err_errno(e, "write", f->path);
    offset += (uint64_t)got;
    length -= (uint64_t)got;
  }
  return 0;
}

/* Content of a file, appended. */
static int append_range(struct unpacker *u, int from, uint64_t offset, uint64_t length, struct err *e) {
  struct open_file *f = &u->file;
  /* Small pieces are cheaper in one's own hands. */
  while (length >= COPY_MIN && u->can_copy) {
    off_t at = (off_t)offset;
    ssize_t got = copy_file_range(from, &at, f->fd, NULL, length, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)) u->can_copy = 0;
    else if (got < 0) return err_errno(e, "copy from the source into", f->path);
    if (got <= 0) break; /* the end of the source is told by the read below */
    offset += (uint64_t)got;
    length -= (uint64_t)got;
  }
  return copy_by_hand(u, from, offset, length, e);
}

int copy_range(struct unpacker *u, struct reader *r, struct err *e) {
  struct open_file *f = &u->file;
  uint64_t offset = read_u64(r), length = read_u64(r);
  if (check_payload(r, e) < 0) return -1;
  if (length > f->size - f->written) return err_set(e, EFBIG, "more data than announced", f->path);
  if (offset > INT64_MAX - length) return err_set(e, EINVAL, "range of the source for", f->path);
  f->written += length;
  if (length > 0) f->ends_in_hole = 0;
  return append_range(u, u->source, offset, length, e);
}

/* A path below a folder, component by component: no symlink on the way is followed, and none at its end. */
static int open_below(int folder, const char *path) {
  char name[NAME_MAX + 1];
  int at = openat(folder, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  while (at >= 0) {
    size_t length = strcspn(path, "/");
    int last = path[length] == '\0', wrong = length == 0 || (length <= 2 && strspn(path, ".") == length);
    if (!wrong && length <= NAME_MAX) {
      memcpy(name, path, length);
      name[length] = '\0';
    }
    int flags = last ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY;
    int next = wrong || length > NAME_MAX ? -1 : openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC);
    int number = wrong ? EINVAL : length > NAME_MAX ? ENAMETOOLONG : errno;
    close(at);
    errno = number;
    if (next < 0 || last) return next;
    at = next;
    path += length + 1;
  }
  return -1;
}

/* What holds data, to the same places of the file that is written: holes stay holes. */
static int copy_pieces(struct unpacker *u, int from, struct err *e) {
  struct open_file *f = &u->file;
  for (off_t end = 0; (uint64_t)end < f->size;) {
    off_t start = lseek(from, end, SEEK_DATA);
    if (start < 0 && errno == ENXIO) break;
    if (start < 0) start = end; /* kernel: a file system that knows no holes */
    off_t hole = lseek(from, start, SEEK_HOLE);
    end = hole > start && (uint64_t)hole <= f->size ? hole : (off_t)f->size;
    if (lseek(f->fd, start, SEEK_SET) < 0) return err_errno(e, "seek", f->path);
    if (append_range(u, from, (uint64_t)start, (uint64_t)(end - start), e) < 0) return -1;
  }
  return 0;
}

int clone_file(struct unpacker *u, struct reader *r, struct err *e) {
  struct open_file *f = &u->file;
  const char *path = read_string(r);
  struct stat st;
  if (check_payload(r, e) < 0) return -1;
  if (f->written > 0) return err_set(e, EPROTO, "a whole file behind other content", f->path);
  cleanup_close int from = open_below(u->source, path);
  if (from < 0) return err_errno(e, "open in the source", path);
  if (fstat(from, &st) < 0) return err_errno(e, "stat in the source", path);
  if (!S_ISREG(st.st_mode)) return err_set(e, EINVAL, "not a file in the source", path);
  if ((uint64_t)st.st_size != f->size) return err_set(e, ESTALE, "changed in the source", path);
  f->written = f->size;
  if (u->can_clone && ioctl(f->fd, FICLONE, from) == 0) return 0;
  u->can_clone = 0;
  f->ends_in_hole = 1; /* perhaps: its size is set at the end */
  return copy_pieces(u, from, e);
}

int skip_hole(struct unpacker *u, struct reader *r, struct err *e) {
  struct open_file *f = &u->file;
  uint64_t length = read_u64(r);
  if (check_payload(r, e) < 0) return -1;
  if (length > f->size - f->written) return err_set(e, EFBIG, "more data than announced", f->path);
  if (lseek(f->fd, (off_t)length, SEEK_CUR) < 0) return err_errno(e, "seek", f->path);
  f->written += length;
  if (length > 0) f->ends_in_hole = 1;
  return 0;
}

void forget_file(struct unpacker *u) {
  close_fd(&u->file.fd);
  free(u->file.path);
  u->file = (struct open_file){.fd = -1};
}

int end_file(struct unpacker *u, struct reader *r, struct err *e) {
  struct open_file *f = &u->file;
  const struct timespec times[2] = {f->attributes.mtime, f->attributes.mtime};
  if (check_payload(r, e) < 0) return -1;
  if (f->written != f->size) return err_set(e, EPROTO, "less data than announced", f->path);
  if (f->ends_in_hole && ftruncate(f->fd, (off_t)f->size) < 0) return err_errno(e, "set size", f->path);
  if (apply_to_open(u, f->fd, &f->attributes, f->path, e) < 0) return -1;
  if (futimens(f->fd, times) < 0) return err_errno(e, "set times", f->path);
  forget_file(u);
  return 0;
}

