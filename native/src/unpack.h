/* Mode `unpack`: file operations from fd 0, performed inside a folder. Its parts share struct tree; see "Unpack" in
 * README.md. */
#ifndef SKIFF_UNPACK_H
#define SKIFF_UNPACK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "error.h"
#include "plan.h"

#define XATTRS_MAX (256u << 10) /* bytes of extended attributes of one file */
#define UNPACK_PATH_MAX 4096

/* The folder that is filled, and the parent that was used last: entries of one folder come together. */
struct tree {
  int root;
  int parent;
  char parent_path[UNPACK_PATH_MAX];
  int has_openat2;
};

/* Where an entry goes: its parent, opened (belongs to the tree, until the next call), and its last component; "" is the
 * root. */
struct place {
  int parent;
  char name[256];
};

/* Owner, permission and times of an entry. */
struct attributes {
  uint32_t mode, uid, gid;
  struct timespec mtime;
};

/* unpack-tree.c: paths. */
int tree_open(struct tree *t, const char *root, struct err *e);
void tree_close(struct tree *t);
/* Resolves the parent of path inside the root; missing parents are made (0755) if asked for. ENOENT, ENOTDIR, EINVAL.
 */
int tree_place(struct tree *t, const char *path, int make_parents, struct place *place, struct err *e);
/* Removes what is at the place, folders with all they hold. What is missing is removed already. */
int tree_remove(struct tree *t, const struct place *place, const char *path, struct err *e);

/* unpack.c */
/* `unpack DIR` with the stream on fd 0 and the report on fd 1. Gives the exit status. */
int unpack_main(int argc, char **argv);
/* Performs the records of `in` inside root (not chrooted here) and fills the report; the number of records performed
 * goes to *index. */
int unpack_stream(int in, const char *root, uint32_t *index, struct err *e);

#endif
