/* The one error convention: int fn(…, struct err *e) gives 0 or -1 and has set e once on failure. */
#ifndef SKIFF_ERROR_H
#define SKIFF_ERROR_H

#include <errno.h>
#include <unistd.h>

#define ERR_DETAIL 512

struct err {
  int number;              /* errno */
  char detail[ERR_DETAIL]; /* what it was about: a path, a key; always NUL-terminated */
};

/* Sets e from errno (or the given number) and joins the parts ("" or NULL are skipped) with ": ". Gives -1. */
int err_errno(struct err *e, const char *what, const char *subject);
int err_set(struct err *e, int number, const char *what, const char *subject);

#define UNLIKELY(x) __builtin_expect(!!(x), 0)

static inline void close_fd(const int *fd) {
  if (*fd >= 0) close(*fd);
}
#define cleanup_close __attribute__((cleanup(close_fd)))

#endif
