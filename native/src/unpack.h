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

/* A folder whose time is set at the end, because what is put into it changes it. */
struct folder_time {
  char *path;
  struct timespec mtime;
};

/* The file that is being written. */
struct open_file {
  int fd; /* -1: none */
  char *path;
  struct attributes attributes;
  uint64_t size, written;
  int ends_in_hole;
};

struct unpacker {
  int in;
  int source;   /* where COPY copies from; a folder for CLONE */
  int can_copy; /* the kernel copies between source and tree by itself */
  int can_clone;  /* the file system of both shares blocks */
  uint8_t *input; /* INPUT_SIZE bytes */
  size_t start, end;
  struct tree tree;
  struct open_file file;
  struct folder_time *folders;
  size_t folder_count, folder_capacity;
  uint8_t *xattrs; /* of the next entry: payloads of XATTR records, each behind u32 length, u32 flags */
  size_t xattrs_used;
  int same_kind; /* no folder is replaced by anything else, nor anything else by a folder */
  uint32_t index;     /* of the record that is performed */
  uint32_t *left_out; /* links to what is not there */
  size_t left_out_count, left_out_capacity;
};

/* What may be made at a place where something may stand already. Gives 0 or -1 with errno. */
struct creation {
  uint16_t kind;
  uint32_t mode;
  dev_t device;
  const char *target;
  const struct place *existing;
  int fd; /* result of FILE */
};

/* unpack-tree.c: paths. */
int tree_open(struct tree *t, const char *root, struct err *e);
void tree_close(struct tree *t);
/* Resolves the parent of path inside the root; missing parents are made (0755) if asked for. ENOENT, ENOTDIR, EINVAL.
 */
int tree_place(struct tree *t, const char *path, int make_parents, struct place *place, struct err *e);
/* Removes what is at the place, folders with all they hold. What is missing is removed already. */
int tree_remove(struct tree *t, const struct place *place, const char *path, struct err *e);

/* unpack-file.c: files and their content. */
int begin_file(struct unpacker *u, struct reader *r, struct err *e);
int write_data(struct unpacker *u, const struct reader *data, struct err *e);
int copy_range(struct unpacker *u, struct reader *r, struct err *e);
/* A whole file of the source, which is a folder: its blocks are shared where the file system can. */
int clone_file(struct unpacker *u, struct reader *r, struct err *e);
int skip_hole(struct unpacker *u, struct reader *r, struct err *e);
int end_file(struct unpacker *u, struct reader *r, struct err *e);
void forget_file(struct unpacker *u);

/* unpack-attributes.c */
/* Keeps an XATTR record for the entry that follows. */
int keep_xattr(struct unpacker *u, uint16_t flags, struct reader *r, struct err *e);
/* Puts the waiting extended attributes on an open file, or on name in the current folder when fd is -1. */
int apply_xattrs(struct unpacker *u, int fd, const char *name, const char *path, struct err *e);
/* Owner before mode (chown clears setuid), both before xattrs (it clears security.capability too). */
int apply_to_open(struct unpacker *u, int fd, const struct attributes *a, const char *path, struct err *e);
/* For what cannot be opened: symlinks and nodes. */
int apply_to_name(struct unpacker *u, const struct place *p, const struct attributes *a, const char *path,
                  struct err *e);
int open_folder(const struct place *p);
int remember_folder(struct unpacker *u, const char *path, struct timespec mtime, struct err *e);
/* The times of all folders, which may have been replaced in the meantime. */
int set_folder_times(struct unpacker *u, struct err *e);
void forget_folders(struct unpacker *u);

/* unpack-entry.c: one per kind of record. */
int make_dir(struct unpacker *u, uint16_t flags, struct reader *r, struct err *e);
int make_symlink(struct unpacker *u, struct reader *r, struct err *e);
int make_node(struct unpacker *u, uint16_t flags, struct reader *r, struct err *e);
int make_link(struct unpacker *u, uint16_t flags, struct reader *r, struct err *e);
int remove_entry(struct unpacker *u, struct reader *r, struct err *e);
int place_entry(struct unpacker *u, const char *path, struct place *place, struct err *e);
/* Makes it, in place of what is there. */
int create(struct unpacker *u, struct creation *c, const struct place *p, const char *path, struct err *e);

/* unpack.c */
int check_payload(const struct reader *r, struct err *e);
struct timespec read_time(struct reader *r);
struct attributes read_attributes(struct reader *r);

/* `unpack DIR` with the stream on fd 0, the source of COPY on fd 3 and the report on fd 1. Gives the exit status. */
int unpack_main(int argc, char **argv);
/* Performs the records of `in` inside root (not chrooted here). Close it whatever open gave. */
int unpack_open(struct unpacker *u, int in, int source, const char *root, struct err *e);
int unpack_stream(struct unpacker *u, struct err *e);
/* Writes the report; without a failure all went well. */
int unpack_report(int out, const struct unpacker *u, const struct err *failure);
void unpack_close(struct unpacker *u);

#endif
