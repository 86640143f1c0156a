/* Mode `folder`: what file systems keep about folders besides their attributes; see "Folder" in README.md. */
#ifndef SKIFF_FOLDER_H
#define SKIFF_FOLDER_H

#include <stdint.h>

#include "error.h"

/* `folder spread DIR` or `folder limit PROJECT BYTES DIR…`; the report goes to fd 1. Gives the exit status. */
int folder_main(int argc, char **argv);

/* Folders made in this one are spread over the disk (ext4), as those of different users are. */
int folder_spread(const char *path, struct err *e);
/* What is made below the folders, which have to be empty, counts for the project; together at most so many bytes, 0 for
 * any number. */
int folder_limit(uint32_t project, uint64_t bytes, char *const *paths, struct err *e);

#endif
