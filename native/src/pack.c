/* Answers what is asked about a tree: a folder, or an overlay that nobody else sees. */
#include "pack.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "ops.h"
#include "protocol.h"

#define OUTPUT_SIZE (2u << 20)
#define RECORD_ROOM (1u << 20) /* for any record */
#define RECORD_HEAD 8
#define REQUEST_MAX (PACK_PATH_MAX + 16)

int packer_open(struct packer *p, int root, int out, struct err *e) {
  *p = (struct packer){.out = out, .root = root};
  p->output = mmap(NULL, OUTPUT_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p->output == MAP_FAILED ? err_errno(e, "map a buffer", NULL) : 0;
}

void packer_close(struct packer *p) {
  seen_free(&p->seen);
  if (p->output != MAP_FAILED) munmap(p->output, OUTPUT_SIZE);
}

int pack_flush(struct packer *p, struct err *e) {
  size_t used = p->used;
  p->used = 0;
  return write_all(p->out, p->output, used) < 0 ? err_errno(e, "write", NULL) : 0;
}

struct writer pack_begin(struct packer *p, uint16_t kind, struct err *e) {
  struct writer w = {.failed = OUTPUT_SIZE - p->used < RECORD_ROOM && pack_flush(p, e) < 0};
  w.at = p->output + p->used;
  w.end = p->output + OUTPUT_SIZE;
  put_u16(&w, kind);
  put_u16(&w, 0);
  put_u32(&w, 0);
  return w;
}

void pack_end(struct packer *p, const struct writer *w) {
  uint8_t *start = p->output + p->used;
  struct writer length = {.at = start + 4, .end = start + RECORD_HEAD};
  put_u32(&length, (uint32_t)(w->at - start - RECORD_HEAD));
  p->used = (size_t)(w->at - p->output);
}

static int perform(struct packer *p, uint16_t kind, uint16_t flags, struct reader *r, struct err *e) {
  p->wants_content = (flags & PACK_CONTENT) != 0;
  p->skips_kernel = (flags & PACK_SKIP_KERNEL) != 0;
  if (kind == PACK_WALK && r->at == r->end) return pack_walk(p, "", e);
  const char *path = kind == PACK_STAT || kind == PACK_WALK ? read_string(r) : NULL;
  if (path == NULL || r->failed || r->at != r->end) return err_set(e, EPROTO, "a malformed request", NULL);
  return kind == PACK_WALK ? pack_walk(p, path, e) : pack_stat(p, path, e);
}

int pack_request(struct packer *p, uint16_t kind, uint16_t flags, struct reader *payload, struct err *e) {
  struct err failure = {0};
  if (perform(p, kind, flags, payload, &failure) == 0) failure = (struct err){0};
  struct writer w = pack_begin(p, PACK_DONE, e);
  if (w.failed) return -1;
  put_u32(&w, (uint32_t)failure.number);
  put_string(&w, failure.detail);
  pack_end(p, &w);
  return pack_flush(p, e);
}

/* n bytes: 1, or 0 when the input has ended before the first. */
static int read_fully(int fd, uint8_t *data, size_t n, struct err *e) {
  for (size_t have = 0; have < n;) {
    ssize_t got = read(fd, data + have, n - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return err_errno(e, "read a request", NULL);
    if (got == 0 && have == 0) return 0;
    if (got == 0) return err_set(e, EPROTO, "the input ends inside a request", NULL);
    have += (size_t)got;
  }
  return 1;
}

static int answer(struct packer *p, int in, struct err *e) {
  uint8_t head[RECORD_HEAD], payload[REQUEST_MAX];
  for (;;) {
    int more = read_fully(in, head, sizeof head, e);
    if (more <= 0) return more;
    struct reader r = {.at = head, .end = head + sizeof head};
    uint16_t kind = read_u16(&r), flags = read_u16(&r);
    uint32_t length = read_u32(&r);
    if (length > sizeof payload) return err_set(e, EMSGSIZE, "a request is too long", NULL);
    if (length > 0 && read_fully(in, payload, length, e) <= 0) return -1;
    struct reader body = {.at = payload, .end = payload + length};
    if (pack_request(p, kind, flags, &body, e) < 0) return -1;
  }
}

/* The tree's root. */
static int open_tree_root(int argc, char **argv, struct err *e) {
  uint8_t list[128 << 10];
  struct writer w = {.at = list, .end = list + sizeof list};
  if (argc > 3) {
    for (int i = 3; i < argc; i++) put_string(&w, argv[i]);
    if (w.failed) return err_set(e, E2BIG, "options", NULL);
    struct reader options = {.at = list, .end = w.at};
    return mount_apart("overlay", &options, (uint32_t)argc - 3, argv[2], 1, e);
  }
  int root = open(argv[2], O_PATH | O_DIRECTORY | O_CLOEXEC);
  return root < 0 ? err_errno(e, "open", argv[2]) : root;
}

int pack_main(int argc, char **argv) {
  struct err e = {0};
  struct packer p = {.output = MAP_FAILED};
  struct rlimit files;
  if (argc < 3) return 2;
  /* One is open for every level of the tree. */
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  cleanup_close int root = open_tree_root(argc, argv, &e);
  if (packer_open(&p, root, 1, &e) < 0) return 1;
  int failed;
  if (root < 0) { /* told as the answer to whatever was going to be asked */
    struct err unsaid;
    struct writer w = pack_begin(&p, PACK_DONE, &unsaid);
    put_u32(&w, (uint32_t)e.number);
    put_string(&w, e.detail);
    pack_end(&p, &w);
    pack_flush(&p, &unsaid);
    failed = 1;
  } else {
    failed = answer(&p, 0, &e) < 0;
  }
  packer_close(&p);
  return failed;
}
