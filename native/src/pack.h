/* Mode `pack`: says what a tree holds. Its parts share struct packer; see "Pack" in README.md. */
#ifndef SKIFF_PACK_H
#define SKIFF_PACK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "frame.h"
#include "plan.h"

#define PACK_PATH_MAX 4096

/* Files with several names that were seen, by device and inode: an open hash table, paths in a pool of their own. */
struct seen_file {
  uint64_t device, inode;
  size_t path; /* offset into the pool; where the entry is free, inode is 0 */
};

struct seen {
  struct seen_file *files;
  size_t count, capacity;
  char *pool;
  size_t pool_used, pool_size;
};

struct packer {
  int out;
  int root;
  uint8_t *output; /* records that are not sent yet */
  size_t used;
  int wants_content;
  int skips_kernel;
  char path[PACK_PATH_MAX]; /* of the entry at hand, relative to the root; "" is the root */
  size_t path_length;
  struct seen seen;
};

/* pack.c: records. */
int packer_open(struct packer *p, int root, int out, struct err *e);
void packer_close(struct packer *p);
/* A record in the making; pack_end sets its length. There is room for any record. */
struct writer pack_begin(struct packer *p, uint16_t kind, struct err *e);
void pack_end(struct packer *p, const struct writer *w);
int pack_flush(struct packer *p, struct err *e);
/* Performs the request and says how it went; -1: that could not be said. */
int pack_request(struct packer *p, uint16_t kind, uint16_t flags, struct reader *payload, struct err *e);
/* `pack DIR [OPTION…]`: requests on fd 0, records on fd 1. With options an overlay of those is the tree; DIR is then
 * only where it is mounted where a kernel needs a place for it. Gives the exit status. */
int pack_main(int argc, char **argv);

/* pack-walk.c: names. The folder path ("" is the root) as the root of all that is said, and all under it, in byte order,
 * a folder before what is in it. */
int pack_walk(struct packer *p, const char *path, struct err *e);
/* One path, no symlink on the way followed; what is missing is said to be. */
int pack_stat(struct packer *p, const char *path, struct err *e);

/* pack-entry.c: what an entry is, with its content if wanted. name: in the folder that is the cwd and open as dir. */
int pack_entry(struct packer *p, int dir, const char *name, const struct stat *st, struct err *e);
/* The same for another name of a file: what it is, and the name it had before. */
int pack_link(struct packer *p, const char *name, const struct stat *st, const char *existing, struct err *e);

/* pack-seen.c: the path under which the file was seen first, NULL now for the first time or (with e set) on failure. */
const char *seen_before(struct seen *s, const struct stat *st, const char *path, struct err *e);
void seen_free(struct seen *s);

#endif
