/* Files of an unpack stream: their content, sent along or copied out of another file, then what they are. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
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

/* Content from the source by read and write, for file systems that cannot copy between files. */
static int copy_by_hand(struct unpacker *u, uint64_t offset, uint64_t length, struct err *e) {
  struct open_file *f = &u->file;
  uint8_t buffer[65536];
  while (length > 0) {
    ssize_t got = pread(u->source, buffer, length < sizeof buffer ? length : sizeof buffer, (off_t)offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return err_errno(e, "read the source for", f->path);
    if (got == 0) return err_set(e, EPROTO, "the source ends inside", f->path);
    if (write_all(f->fd, buffer, (size_t)got) < 0) return err_errno(e, "write", f->path);
    offset += (uint64_t)got;
    length -= (uint64_t)got;
  }
  return 0;
}

int copy_range(struct unpacker *u, struct reader *r, struct err *e) {
  struct open_file *f = &u->file;
  uint64_t offset = read_u64(r), length = read_u64(r);
  if (check_payload(r, e) < 0) return -1;
  if (length > f->size - f->written) return err_set(e, EFBIG, "more data than announced", f->path);
  if (offset > INT64_MAX - length) return err_set(e, EINVAL, "range of the source for", f->path);
  f->written += length;
  if (length > 0) f->ends_in_hole = 0;
  /* Small pieces are cheaper in one's own hands. */
  while (length >= COPY_MIN && u->can_copy) {
    off_t at = (off_t)offset;
    ssize_t got = copy_file_range(u->source, &at, f->fd, NULL, length, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)) u->can_copy = 0;
    else if (got < 0) return err_errno(e, "copy from the source into", f->path);
    if (got <= 0) break; /* the end of the source is told by the read below */
    offset += (uint64_t)got;
    length -= (uint64_t)got;
  }
  return copy_by_hand(u, offset, length, e);
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

