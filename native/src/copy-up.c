/* Copies a directory's content into a new file system: modes, owners, times, extended attributes, symlinks, hard links,
 * device nodes. Without heap, as it runs in the child: the table of hard links has pages of its own. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "ops.h"
#include "text.h"

#define MAX_DEPTH 200 /* two descriptors and a few KiB of stack each */
#define LINKS_SIZE (1u << 20)

/* A file with several names that has been copied; its path follows. */
struct linked {
  dev_t device;
  ino_t inode;
  uint32_t size; /* of this record, with the path */
  char path[];
};

struct copy {
  int root;    /* of the new file system */
  char *links; /* records of struct linked; NULL until the first is needed */
  size_t used;
  struct text path; /* of the current entry below root, for links and messages */
};

static int copy_data(int from, int to, uint64_t size) {
  ssize_t moved = 1;
  while (size > 0 && moved != 0) {
    moved = sendfile(to, from, NULL, size > 0x7ffff000 ? 0x7ffff000 : (size_t)size);
    if (moved < 0 && errno != EINTR) return -1;
    if (moved > 0) size -= (uint64_t)moved;
  }
  return 0;
}

/* Attributes that the new file system does not know, or that its owner may not set, are left out. */
static int copy_xattrs(int from, int to) {
  char names[4096];
  char value[4096];
  ssize_t length = flistxattr(from, names, sizeof names);
  if (length < 0) return errno == ENOTSUP ? 0 : -1;
  for (char *name = names; name < names + length; name += strlen(name) + 1) {
    ssize_t size = fgetxattr(from, name, value, sizeof value);
    if (size < 0 && errno != ENODATA) return -1;
    if (size < 0) continue;
    if (fsetxattr(to, name, value, (size_t)size, 0) < 0 && errno != ENOTSUP && errno != EPERM) return -1;
  }
  return 0;
}

/* The order matters: changing the owner clears set-id bits and file capabilities, everything changes the times. */
static int copy_attributes(int from, int to, const struct stat *st) {
  const struct timespec times[2] = {st->st_atim, st->st_mtim};
  if (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0) return -1;
  if (copy_xattrs(from, to) < 0) return -1;
  return futimens(to, times);
}

static int copy_file(int from_dir, int to_dir, const char *name, const struct stat *st) {
  cleanup_close int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (from < 0) return -1;
  cleanup_close int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (to < 0 || copy_data(from, to, (uint64_t)st->st_size) < 0) return -1;
  return copy_attributes(from, to, st);
}

static int copy_symlink(int from_dir, int to_dir, const char *name) {
  char target[PATH_MAX];
  ssize_t length = readlinkat(from_dir, name, target, sizeof target - 1);
  if (length < 0) return -1;
  target[length] = '\0';
  return symlinkat(target, to_dir, name);
}

static const char *find_link(const struct copy *c, const struct stat *st) {
  for (size_t at = 0; at < c->used;) {
    const struct linked *known = (const struct linked *)(const void *)(c->links + at);
    if (known->device == st->st_dev && known->inode == st->st_ino) return known->path;
    at += known->size;
  }
  return NULL;
}

/* When the table is full, further links become files of their own. */
static int remember_link(struct copy *c, const struct stat *st) {
  size_t size = (sizeof(struct linked) + c->path.length + 1 + 15) & ~(size_t)15;
  if (c->links == NULL) {
    c->links = mmap(NULL, LINKS_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (c->links == MAP_FAILED) c->links = NULL;
    if (c->links == NULL) return -1;
  }
  if (c->used + size > LINKS_SIZE) return 0;
  struct linked *entry = (struct linked *)(void *)(c->links + c->used);
  *entry = (struct linked){.device = st->st_dev, .inode = st->st_ino, .size = (uint32_t)size};
  memcpy(entry->path, c->path.data, c->path.length + 1);
  c->used += size;
  return 0;
}

static int copy_leaf(struct copy *c, int from, int to, const char *name, const struct stat *st) {
  const struct timespec times[2] = {st->st_atim, st->st_mtim};
  if (st->st_nlink > 1) {
    const char *known = find_link(c, st);
    if (known != NULL) return linkat(c->root, known, to, name, 0);
    if (remember_link(c, st) < 0) return -1;
  }
  if (S_ISREG(st->st_mode)) return copy_file(from, to, name, st);
  if (S_ISLNK(st->st_mode) ? copy_symlink(from, to, name) < 0 : mknodat(to, name, st->st_mode, st->st_rdev) < 0)
    return -1;
  if (fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0) return -1;
  return utimensat(to, name, times, AT_SYMLINK_NOFOLLOW);
}

static int copy_directory(struct copy *c, int from, int to, int depth, struct err *e);

static int copy_entry(struct copy *c, int from, int to, const char *name, int depth, struct err *e) {
  struct stat st;
  if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0) return err_errno(e, "copy", c->path.data);
  if (!S_ISDIR(st.st_mode)) return copy_leaf(c, from, to, name, &st) < 0 ? err_errno(e, "copy", c->path.data) : 0;
  if (mkdirat(to, name, 0700) < 0 && errno != EEXIST) return err_errno(e, "copy", c->path.data);
  cleanup_close int source = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (source < 0) return err_errno(e, "copy", c->path.data);
  cleanup_close int target = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (target < 0) return err_errno(e, "copy", c->path.data);
  if (copy_directory(c, source, target, depth + 1, e) < 0) return -1;
  return copy_attributes(source, target, &st) < 0 ? err_errno(e, "copy", c->path.data) : 0;
}

static int copy_directory(struct copy *c, int from, int to, int depth, struct err *e) {
  char buffer[2048] __attribute__((aligned(8)));
  size_t length = c->path.length;
  ssize_t got;
  if (depth > MAX_DEPTH) return err_set(e, ELOOP, "copy: nested too deeply", c->path.data);
  while ((got = getdents64(from, buffer, sizeof buffer)) > 0) {
    const struct dirent64 *entry;
    for (char *at = buffer; at < buffer + got; at += entry->d_reclen) {
      entry = (const struct dirent64 *)(const void *)at;
      if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
      if (length > 0) text_add(&c->path, "/");
      text_add(&c->path, entry->d_name);
      if (c->path.cut) return err_set(e, ENAMETOOLONG, "copy", c->path.data);
      if (copy_entry(c, from, to, entry->d_name, depth, e) < 0) return -1;
      c->path.length = length;
      c->path.data[length] = '\0';
    }
  }
  return got < 0 ? err_errno(e, "read directory", c->path.data) : 0;
}

int copy_up(int source, int target, struct err *e) {
  char path[PATH_MAX];
  struct copy c = {.root = target, .path = text_over(path, sizeof path)};
  int result = copy_directory(&c, source, target, 0, e);
  if (c.links != NULL) munmap(c.links, LINKS_SIZE);
  return result;
}
