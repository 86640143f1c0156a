/* The container's log: json-file lines in a file that is rotated by size. */
#ifndef SKIFF_SHIM_LOG_H
#define SKIFF_SHIM_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define LOG_LINE_MAX 16384u  /* bytes of text in one line */
#define LOG_OUT_SIZE 262144u /* formatted bytes that are written at once */
#define LOG_ATTRS_MAX 65536u

struct log {
  int fd; /* -1: no log */
  const char *path;
  const char *attrs; /* JSON put before the closing brace of each line */
  size_t attrs_length;
  uint64_t max_bytes; /* of one file; 0: no limit */
  uint32_t max_files; /* including the current one */
  int compressed;     /* somebody compresses old files: `.1.gz` may be there in place of `.1` */
  uint64_t size;      /* of the current file */
  uint64_t limit;     /* the size at which it is rotated */
  uint64_t rotations; /* so far */
  uint64_t lines;     /* in `out` */
  uint64_t lost;      /* lines that could not be written and are not yet told of */
  int lost_errno;
  size_t used; /* bytes in `out` */
  char *out;   /* LOG_OUT_SIZE bytes */
};

/* Opens (appending) the file. path and attrs have to stay. Errors of open(2); EINVAL for attributes that are too long.
 */
int log_open(struct log *l, struct err *e);
/* Logs the complete lines of text, and full parts of over-long ones, with the time of now; gives how many bytes that
 * were. The rest, always less than LOG_LINE_MAX, is to be given again in front of what follows; with at_end everything
 * is logged. What is logged may stay in memory until log_flush. Write errors never fail: lost lines are counted. */
size_t log_text(struct log *l, int stream, const char *text, size_t length, int at_end);
void log_flush(struct log *l);
/* Makes the current file `.1` and begins a new one. Errors of rename(2) and open(2): the log goes on in the old file.
 */
int log_rotate(struct log *l, struct err *e);
/* Puts PATH.gz-NONCE, in decimal, in the place of the old file with this inode. ENOENT when there is no such file any more;
 * errors of rename(2). */
int log_put_compressed(struct log *l, uint64_t inode, uint64_t nonce, struct err *e);
void log_close(struct log *l);

#endif
