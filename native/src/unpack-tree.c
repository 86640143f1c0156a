/* Paths of an unpacked tree: nothing outside the root is ever reached, and no last component is ever followed. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "sys.h"
#include "unpack.h"

#define FOLDER (O_PATH | O_DIRECTORY | O_CLOEXEC)
#define NO_MAGICLINKS 0x02u /* RESOLVE_NO_MAGICLINKS */

int tree_open(struct tree *t, const char *root, struct err *e) {
  t->parent = -1;
  t->has_openat2 = 1;
  t->root = open(root, FOLDER);
  return t->root < 0 ? err_errno(e, "open", root) : 0;
}

static void forget_parent(struct tree *t) {
  close_fd(&t->parent);
  t->parent = -1;
}

void tree_close(struct tree *t) {
  forget_parent(t);
  close_fd(&t->root);
  t->root = -1;
}

/* Opens a folder of the tree. A kernel without openat2 (before 5.6) leaves the confinement to the chroot we are in. */
static int open_inside(struct tree *t, const char *path) {
  struct open_args how = {.flags = FOLDER, .resolve = IN_ROOT | NO_MAGICLINKS};
  if (t->has_openat2) {
    int fd;
    do fd = sys_openat2(t->root, path, &how);
    while (fd < 0 && errno == EAGAIN); /* a rename elsewhere while ".." was resolved */
    if (fd >= 0 || errno != ENOSYS) return fd;
    t->has_openat2 = 0;
  }
  return open(path, FOLDER);
}

/* Opens the folder path (relative, no leading slash), making what is missing, one prefix after the other. */
static int open_or_make(struct tree *t, char *path, struct err *e) {
  int parent = open_inside(t, ".");
  if (parent < 0) return err_errno(e, "open", ".");
  for (char *component = path; *component;) {
    size_t length = strcspn(component, "/");
    char separator = component[length];
    component[length] = 0;
    int fd = open_inside(t, path);
    if (fd < 0 && errno == ENOENT) {
      if (mkdirat(parent, component, 0755) == 0)
        fd = open_inside(t, path);
      else if (errno == EEXIST)
        errno = ENOENT; /* a symlink to nowhere */
    }
    if (fd < 0) {
      err_errno(e, "open parent folder", path);
      close(parent);
      return -1;
    }
    close(parent);
    parent = fd;
    component[length] = separator;
    component += length;
    while (*component == '/') component++;
  }
  return parent;
}

int tree_place(struct tree *t, const char *path, int make_parents, struct place *place, struct err *e) {
  char folder[UNPACK_PATH_MAX];
  while (*path == '/') path++;
  size_t length = strlen(path);
  while (length > 0 && path[length - 1] == '/') length--;
  if (length >= sizeof folder) return err_set(e, ENAMETOOLONG, "path", path);
  size_t name = length;
  while (name > 0 && path[name - 1] != '/') name--;
  size_t name_length = length - name;
  if (name_length >= sizeof place->name) return err_set(e, ENAMETOOLONG, "path", path);
  memcpy(place->name, path + name, name_length);
  place->name[name_length] = 0;
  if (strcmp(place->name, "..") == 0) return err_set(e, EINVAL, "path ends in ..", path);
  if (strcmp(place->name, ".") == 0) { /* "./" in archives: the root itself. "a/." is nobody's name. */
    if (name > 0 && strncmp(path, "./", 2) != 0) return err_set(e, EINVAL, "path ends in .", path);
    place->name[0] = 0;
  }
  while (name > 0 && path[name - 1] == '/') name--;
  memcpy(folder, path, name);
  folder[name] = 0;
  if (t->parent < 0 || strcmp(folder, t->parent_path) != 0) {
    forget_parent(t);
    t->parent = open_inside(t, *folder ? folder : ".");
    if (t->parent < 0 && errno == ENOENT && make_parents) {
      strcpy(t->parent_path, folder);
      t->parent = open_or_make(t, folder, e);
      if (t->parent < 0) return -1;
    } else if (t->parent < 0) {
      return err_errno(e, "open parent folder", path);
    } else {
      strcpy(t->parent_path, folder);
    }
  }
  place->parent = t->parent;
  return 0;
}

/* Removes the entries of a folder as far as that goes with unlink and rmdir. Gives 1 and the name of a folder that
 * still holds something, 0 when nothing is left, -1 on failure. */
static int empty_folder(int fd, char *full) {
  _Alignas(8) char buffer[32768];
  int seen;
  do {
    seen = 0;
    if (lseek(fd, 0, SEEK_SET) < 0) return -1;
    long n;
    while ((n = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0) {
      for (long at = 0; at < n;) {
        const struct dirent64 *entry = (const struct dirent64 *)(const void *)(buffer + at);
        at += entry->d_reclen;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        seen = 1;
        if (unlinkat(fd, entry->d_name, 0) == 0 || errno == ENOENT) continue;
        if (errno != EISDIR && errno != EPERM) return -1;
        if (unlinkat(fd, entry->d_name, AT_REMOVEDIR) == 0 || errno == ENOENT) continue;
        if (errno != ENOTEMPTY && errno != EEXIST) return -1;
        strcpy(full, entry->d_name);
        return 1;
      }
    }
    if (n < 0) return -1;
  } while (seen);
  return 0;
}

/* Empties a folder of any depth with one open file: down into what is not empty, up again through "..". Takes fd. */
static int remove_contents(int fd) {
  char name[256];
  for (uint64_t depth = 0;;) {
    int full = empty_folder(fd, name);
    int next = full < 0 || (full == 0 && depth == 0)
                   ? -1
                   : openat(fd, full ? name : "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int error = errno;
    close(fd);
    if (full == 0 && depth == 0) return 0;
    errno = error;
    if (next < 0) return -1;
    fd = next;
    depth = full ? depth + 1 : depth - 1;
  }
}

int tree_remove(struct tree *t, const struct place *place, const char *path, struct err *e) {
  if (!*place->name) return err_set(e, EBUSY, "remove the root", path);
  if (unlinkat(place->parent, place->name, 0) == 0 || errno == ENOENT) return 0;
  if (errno != EISDIR && errno != EPERM) return err_errno(e, "remove", path);
  int fd = openat(place->parent, place->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 || remove_contents(fd) < 0 || unlinkat(place->parent, place->name, AT_REMOVEDIR) < 0)
    return err_errno(e, "remove", path);
  t->parent_path[0] = '/'; /* no folder has this name: the next place is resolved anew */
  t->parent_path[1] = 0;
  return 0;
}
