/* Files with several names: which path came first. */
#include <stdlib.h>
#include <string.h>

#include "pack.h"

static size_t slot_of(const struct seen *s, uint64_t device, uint64_t inode) {
  uint64_t mixed = (inode ^ (device << 32) ^ (device >> 32)) * 0x9e3779b97f4a7c15u;
  size_t at = (size_t)(mixed >> 20) & (s->capacity - 1);
  while (s->files[at].inode != 0 && (s->files[at].inode != inode || s->files[at].device != device))
    at = (at + 1) & (s->capacity - 1);
  return at;
}

static int grow(struct seen *s) {
  struct seen larger = *s;
  larger.capacity = s->capacity ? 2 * s->capacity : 256;
  larger.files = calloc(larger.capacity, sizeof *larger.files);
  if (!larger.files) return -1;
  for (size_t i = 0; i < s->capacity; i++) {
    const struct seen_file *f = &s->files[i];
    if (f->inode != 0) larger.files[slot_of(&larger, f->device, f->inode)] = *f;
  }
  free(s->files);
  *s = larger;
  return 0;
}

/* Keeps a path: gives its offset, -1 without memory. */
static int64_t keep(struct seen *s, const char *path) {
  size_t length = strlen(path) + 1;
  if (length > s->pool_size - s->pool_used) {
    size_t size = 2 * s->pool_size + PACK_PATH_MAX;
    char *pool = realloc(s->pool, size);
    if (!pool) return -1;
    s->pool = pool;
    s->pool_size = size;
  }
  memcpy(s->pool + s->pool_used, path, length);
  s->pool_used += length;
  return (int64_t)(s->pool_used - length);
}

const char *seen_before(struct seen *s, const struct stat *st, const char *path, struct err *e) {
  e->number = 0;
  if (2 * (s->count + 1) > s->capacity && grow(s) < 0) {
    err_errno(e, "remember a file", path);
    return NULL;
  }
  struct seen_file *f = &s->files[slot_of(s, st->st_dev, st->st_ino)];
  if (f->inode != 0) return s->pool + f->path;
  int64_t kept = keep(s, path);
  if (kept < 0) {
    err_errno(e, "remember a file", path);
    return NULL;
  }
  *f = (struct seen_file){.device = st->st_dev, .inode = st->st_ino, .path = (size_t)kept};
  s->count++;
  return NULL;
}

void seen_free(struct seen *s) {
  free(s->files);
  free(s->pool);
  *s = (struct seen){0};
}
