/* The names of a tree, in an order that does not depend on the file system. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include "pack.h"
#include "protocol.h"

#define FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* The names in one folder, sorted. */
struct names {
  char *text; /* one after the other, each with its NUL */
  size_t used, size;
  const char **sorted;
  size_t count;
};

static int add_name(struct names *n, const char *name) {
  size_t length = strlen(name) + 1;
  if (length > n->size - n->used) {
    size_t size = 2 * n->size + 4096;
    char *text = realloc(n->text, size);
    if (!text) return -1;
    n->text = text;
    n->size = size;
  }
  memcpy(n->text + n->used, name, length);
  n->used += length;
  n->count++;
  return 0;
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int read_names(int dir, struct names *n) {
  int copy = fcntl(dir, F_DUPFD_CLOEXEC, 0);
  DIR *stream = fdopendir(copy);
  if (!stream) {
    close_fd(&copy);
    return -1;
  }
  const struct dirent *entry;
  int failed = 0;
  while (errno = 0, !failed && (entry = readdir(stream))) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    failed = add_name(n, entry->d_name) < 0;
  }
  failed = failed || errno != 0;
  int error = errno;
  closedir(stream);
  errno = error;
  if (failed) return -1;
  n->sorted = reallocarray(NULL, n->count + 1, sizeof *n->sorted);
  if (!n->sorted) return -1;
  const char *name = n->text;
  for (size_t i = 0; i < n->count; i++, name += strlen(name) + 1) n->sorted[i] = name;
  qsort(n->sorted, n->count, sizeof *n->sorted, compare_names);
  return 0;
}

static int walk_folder(struct packer *p, int dir, struct err *e);

/* Whether what is in the folder is no files but the kernel's answers. */
static int is_kernel_made(int fd) {
  struct statfs fs;
  if (fstatfs(fd, &fs) < 0) return 0;
  switch ((unsigned long)fs.f_type) {
    case PROC_SUPER_MAGIC:
    case SYSFS_MAGIC:
    case CGROUP_SUPER_MAGIC:
    case CGROUP2_SUPER_MAGIC:
    case DEBUGFS_MAGIC:
    case TRACEFS_MAGIC:
    case SECURITYFS_MAGIC:
      return 1;
    default:
      return 0;
  }
}

/* The entry at p->path, which is name in the folder dir and the cwd. */
static int walk_entry(struct packer *p, int dir, const char *name, struct err *e) {
  struct stat st;
  if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) return errno == ENOENT ? 0 : err_errno(e, "stat", p->path);
  if (S_ISDIR(st.st_mode)) {
    cleanup_close int fd = openat(dir, name, FOLDER);
    if (fd < 0) return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : err_errno(e, "open", p->path);
    if (fstat(fd, &st) < 0) return err_errno(e, "stat", p->path);
    if (pack_entry(p, dir, name, &st, e) < 0) return -1;
    if (p->skips_kernel && is_kernel_made(fd)) return 0;
    if (walk_folder(p, fd, e) < 0) return -1;
    return fchdir(dir) < 0 ? err_errno(e, "chdir to the parent of", p->path) : 0;
  }
  if (st.st_nlink > 1) {
    const char *first = seen_before(&p->seen, &st, p->path, e);
    if (!first && e->number != 0) return -1;
    if (first) return pack_link(p, name, &st, first, e);
  }
  return pack_entry(p, dir, name, &st, e);
}

static int walk_names(struct packer *p, int dir, const struct names *n, struct err *e) {
  const size_t length = p->path_length;
  if (fchdir(dir) < 0) return err_errno(e, "chdir", p->path);
  for (size_t i = 0; i < n->count; i++) {
    size_t name_length = strlen(n->sorted[i]), slash = length > 0;
    if (length + slash + name_length >= sizeof p->path) return err_set(e, ENAMETOOLONG, "below", p->path);
    if (slash) p->path[length] = '/';
    memcpy(p->path + length + slash, n->sorted[i], name_length + 1);
    p->path_length = length + slash + name_length;
    if (walk_entry(p, dir, n->sorted[i], e) < 0) return -1;
    p->path_length = length;
    p->path[length] = 0;
  }
  return 0;
}

static int walk_folder(struct packer *p, int dir, struct err *e) {
  struct names n = {0};
  int failed = read_names(dir, &n) < 0 ? err_errno(e, "read the folder", p->path) : walk_names(p, dir, &n, e);
  free(n.sorted);
  free(n.text);
  return failed;
}

static int say_missing(struct packer *p, struct err *e) {
  struct writer w = pack_begin(p, PACK_MISSING, e);
  if (w.failed) return -1;
  pack_end(p, &w);
  return 0;
}

static int is_missing(int error) {
  return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

/* Opens the folder that holds the last name of path, and gives that name ("." for the root). No symlink on the way is
 * followed: one component after the other. -1 with errno. */
static int open_parent(const struct packer *p, const char *path, char name[256]) {
  int dir = openat(p->root, ".", FOLDER);
  strcpy(name, ".");
  for (const char *at = path; dir >= 0 && *at;) {
    size_t length = strcspn(at, "/");
    if (length == 0 || length >= 256 || (length == 2 && strncmp(at, "..", 2) == 0)) {
      close(dir);
      errno = EINVAL;
      return -1;
    }
    if (strcmp(name, ".") != 0) {
      int next = openat(dir, name, FOLDER);
      int error = errno;
      close(dir);
      errno = error;
      dir = next;
    }
    memcpy(name, at, length);
    name[length] = 0;
    at += length + (at[length] == '/');
  }
  return dir;
}

int pack_walk(struct packer *p, const char *path, struct err *e) {
  struct stat st;
  char name[256];
  p->path_length = 0;
  p->path[0] = 0;
  seen_free(&p->seen);
  cleanup_close int parent = open_parent(p, path, name);
  cleanup_close int folder = parent < 0 ? -1 : openat(parent, name, FOLDER);
  if (folder < 0 && *path && is_missing(errno)) return say_missing(p, e);
  if (folder < 0 || fchdir(folder) < 0 || fstat(folder, &st) < 0) return err_errno(e, "open", *path ? path : ".");
  if (pack_entry(p, folder, ".", &st, e) < 0) return -1;
  return walk_folder(p, folder, e);
}

int pack_stat(struct packer *p, const char *path, struct err *e) {
  struct stat st;
  char name[256];
  if (strlen(path) >= sizeof p->path) return err_set(e, ENAMETOOLONG, "path", path);
  strcpy(p->path, path);
  cleanup_close int parent = open_parent(p, path, name);
  if (parent < 0 && errno == EINVAL) return err_set(e, EINVAL, "path", path);
  if (parent < 0 && is_missing(errno)) return say_missing(p, e);
  if (parent < 0 || fchdir(parent) < 0) return err_errno(e, "open the parent of", path);
  if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return errno == ENOENT ? say_missing(p, e) : err_errno(e, "stat", path);
  return pack_entry(p, parent, name, &st, e);
}
