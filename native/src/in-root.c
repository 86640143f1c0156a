/* Paths inside a container's root: resolved by the kernel so that no symlink leads outside (openat2(2),
 * RESOLVE_IN_ROOT), and made component by component on already opened parents. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "ops.h"
#include "sys.h"

#define MAX_LINKS 40
#define MAX_RACES 64

/* Where openat2 is missing: every component by itself, and a symlink is refused, as it could lead outside. */
static int walk(int root, const char *path, int oflags) {
  char name[NAME_MAX + 1];
  int at = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  while (at >= 0) {
    path += strspn(path, "/");
    size_t length = strcspn(path, "/");
    int last = path[length + strspn(path + length, "/")] == '\0';
    const char *wanted = length == 0 ? "." : name;
    int refused = length > NAME_MAX ? ENAMETOOLONG : length == 2 && memcmp(path, "..", 2) == 0 ? EXDEV : 0;
    if (refused == 0) {
      memcpy(name, path, length);
      name[length] = '\0';
    }
    int flags = last ? oflags | O_NOFOLLOW : O_PATH | O_NOFOLLOW | O_CLOEXEC;
    int next = refused == 0 ? openat(at, wanted, flags) : -1;
    int number = refused != 0 ? refused : errno;
    struct stat st;
    if (next >= 0 && fstat(next, &st) == 0 && S_ISLNK(st.st_mode) && !(last && (oflags & O_NOFOLLOW) != 0)) {
      close(next);
      next = -1;
      number = ELOOP;
    }
    close(at);
    if (next < 0) errno = number;
    if (next < 0 || last) return next;
    at = next;
    path += length;
  }
  return -1;
}

static int open_inside(int root, const char *path, int oflags) {
  if (root == AT_FDCWD) return openat(root, path, oflags | O_CLOEXEC);
  struct open_args how = {.flags = (uint64_t)(unsigned)(oflags | O_CLOEXEC), .resolve = IN_ROOT};
  int fd = -1;
  for (int i = 0; i < MAX_RACES; i++) { /* kernel: EAGAIN when a rename or mount elsewhere raced with ".." */
    fd = sys_openat2(root, path[0] == '\0' ? "." : path, &how);
    if (fd >= 0 || errno != EAGAIN) break;
  }
  return fd < 0 && errno == ENOSYS ? walk(root, path, oflags | O_CLOEXEC) : fd;
}

int root_open(int root, const char *path, int oflags, struct err *e) {
  int fd = open_inside(root, path, oflags);
  return fd < 0 ? err_errno(e, "open", path) : fd;
}

/* The deepest directory of path that exists; *rest is set to the first missing component. */
static int open_deepest(int root, char *path, size_t *rest) {
  size_t end = strlen(path);
  for (;;) {
    while (end > 0 && path[end - 1] == '/') end--;
    while (end > 0 && path[end - 1] != '/') end--;
    *rest = end;
    char saved = path[end];
    path[end] = '\0';
    int fd = open_inside(root, end > 0 ? path : ".", O_PATH | O_DIRECTORY);
    path[end] = saved;
    if (fd >= 0 || errno != ENOENT || end == 0) return fd;
  }
}

/* path = path[0 … prefix) + the target of the symlink name + tail; an absolute target starts anew. */
static int splice_link(int dir, const char *name, char path[PATH_MAX], size_t prefix, const char *tail) {
  char spliced[2 * PATH_MAX + 2];
  ssize_t length = readlinkat(dir, name, spliced + prefix, PATH_MAX);
  if (length <= 0) return -1;
  size_t end = prefix + (size_t)length;
  char *start = spliced[prefix] == '/' ? spliced + prefix : memcpy(spliced, path, prefix);
  size_t tail_length = strlen(tail);
  memcpy(spliced + end, tail, tail_length + 1);
  size_t total = (size_t)(spliced + end - start) + tail_length;
  if (total >= PATH_MAX) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memmove(path, start, total + 1);
  return 0;
}

enum step { STEP_FAILED = -1, STEP_DONE, STEP_AGAIN };

/* Makes one component and opens it. STEP_AGAIN: it is a dangling symlink, whose target is now part of path. */
static enum step make_one(int *dir, const char *name, int file, char path[PATH_MAX], size_t prefix, const char *tail) {
  struct stat st;
  int made =
      file ? openat(*dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644) : mkdirat(*dir, name, 0755);
  if (made < 0 && errno != EEXIST) return STEP_FAILED;
  if (file && made >= 0) close(made);
  int next = openat(*dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (next < 0 || fstat(next, &st) < 0) return STEP_FAILED;
  if (S_ISLNK(st.st_mode)) {
    close(next);
    return splice_link(*dir, name, path, prefix, tail) < 0 ? STEP_FAILED : STEP_AGAIN;
  }
  close(*dir);
  *dir = next;
  return STEP_DONE;
}

/* Makes the components of path from rest on; *dir moves down with them. */
static enum step make_rest(int *dir, char path[PATH_MAX], size_t rest, enum root_kind kind) {
  char name[NAME_MAX + 1];
  const char *at = path + rest;
  for (;;) {
    at += strspn(at, "/");
    size_t length = strcspn(at, "/");
    if (length == 0) return STEP_DONE;
    if (length > NAME_MAX || (length == 2 && memcmp(at, "..", 2) == 0)) {
      errno = length > NAME_MAX ? ENAMETOOLONG : ENOENT; /* ".." of something that does not exist */
      return STEP_FAILED;
    }
    memcpy(name, at, length);
    name[length] = '\0';
    const char *tail = at + length;
    int last = tail[strspn(tail, "/")] == '\0';
    enum step step = make_one(dir, name, last && kind == ROOT_FILE, path, (size_t)(at - path), tail);
    if (step != STEP_DONE) return step;
    at = tail;
  }
}

int root_make(int root, const char *path, enum root_kind kind, struct err *e) {
  char work[PATH_MAX];
  if (strlen(path) >= sizeof work) return err_set(e, ENAMETOOLONG, "open", path);
  strcpy(work, path);
  for (int links = 0; links < MAX_LINKS; links++) {
    int fd = open_inside(root, work, O_PATH);
    if (fd >= 0) return fd;
    if (errno != ENOENT || kind == ROOT_EXISTING) return err_errno(e, "open", path);
    size_t rest;
    int dir = open_deepest(root, work, &rest);
    if (dir < 0) return err_errno(e, "open a parent of", path);
    enum step step = make_rest(&dir, work, rest, kind);
    if (step == STEP_DONE) return dir;
    int number = errno;
    close(dir);
    if (step == STEP_FAILED) return err_set(e, number, "make", path);
  }
  return err_set(e, ELOOP, "make", path);
}

int root_parent(int root, const char *path, char name[256], struct err *e) {
  char parent[PATH_MAX];
  size_t end = strlen(path);
  if (end >= sizeof parent) return err_set(e, ENAMETOOLONG, "open", path);
  while (end > 0 && path[end - 1] == '/') end--;
  size_t start = end;
  while (start > 0 && path[start - 1] != '/') start--;
  size_t length = end - start;
  if (length == 0 || length > NAME_MAX) return err_set(e, length == 0 ? EEXIST : ENAMETOOLONG, "make", path);
  memcpy(name, path + start, length);
  name[length] = '\0';
  if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return err_set(e, EEXIST, "make", path);
  memcpy(parent, path, start);
  parent[start] = '\0';
  return root_make(root, start == 0 ? "." : parent, ROOT_DIR, e);
}
