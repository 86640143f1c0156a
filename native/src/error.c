/* The one error convention: see error.h. */
#include "error.h"

#include "text.h"

int err_set(struct err *e, int number, const char *what, const char *subject) {
  struct text detail = text_over(e->detail, sizeof e->detail);
  e->number = number == 0 ? EIO : number;
  if (what != NULL) text_add(&detail, what);
  if (subject == NULL || subject[0] == '\0') return -1;
  if (detail.length > 0) text_add(&detail, ": ");
  text_add(&detail, subject);
  return -1;
}

int err_errno(struct err *e, const char *what, const char *subject) {
  return err_set(e, errno, what, subject);
}
