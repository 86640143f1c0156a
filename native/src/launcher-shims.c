/* Forks shims, hands them what they inherit, and passes the daemon's word to those that wait for it. */
#include "launcher-shims.h"

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>

#include "protocol.h"
#include "shim.h"
#include "sys.h"

/* Where a shim finds what it inherits; above the standard three, and nothing else is open. */
#define WORD_FD 3
#define LISTEN_FD 5

struct shim_entry {
  pid_t pid;
  int word; /* where PROCEED goes; -1: it does not wait, or no longer */
  uint64_t token;
};

static struct shim_entry *entries(const struct shim_table *table) {
  return (struct shim_entry *)(void *)(table->entries.data + table->entries.start);
}

static size_t entry_count(const struct shim_table *table) {
  return buffer_used(&table->entries) / sizeof(struct shim_entry);
}

/* What ps shows. */
static void set_title(const struct shim_home *home, const char *id) {
  static const char name[] = "skiff-shim ";
  prctl(PR_SET_NAME, "skiff-shim");
  if (home->title_size < sizeof name) return;
  memset(home->title, 0, home->title_size);
  memcpy(home->title, name, sizeof name - 1);
  strncpy(home->title + sizeof name - 1, id, home->title_size - sizeof name);
}

/* fd -1: nothing is to be open there. */
static void put_at(int fd, int place) {
  if (fd < 0) close(place);
  else if (fd != place) dup3(fd, place, O_CLOEXEC);
}

static void close_above(unsigned last) {
  if (sys_close_range(last + 1, ~0u, 0) == 0) return;
  for (unsigned fd = last + 1; fd < 1024; fd++) close((int)fd);
}

static _Noreturn void become_shim(const struct shim_home *home, struct reader body, int word, int listener) {
  struct shim_start start = {.token = read_u64(&body), .free_request = home->free_request, .context = home->context};
  struct shim_record parsed;
  start.record.data = (const char *)body.at;
  shim_record_read(&body, &parsed);
  start.record.length = (uint32_t)((const char *)body.at - start.record.data);
  start.plan = read_data(&body);
  setsid();
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  dup2(0, 2);
  put_at(word, WORD_FD);
  put_at(listener, LISTEN_FD);
  close_above(LISTEN_FD);
  home->forget_others(home->context);
  set_title(home, parsed.id);
  start.event_fd = home->event_fd;
  start.word_fd = word < 0 ? -1 : WORD_FD;
  start.listen_fd = listener < 0 ? -1 : LISTEN_FD;
  _exit(shim_main(&start));
}

/* The shim's socket, before there is the shim, so that the daemon need not ask whether it is there yet. Where this fails
 * the shim tries again, and says what is wrong. */
static int listen_ahead(const struct shim_record *record) {
  struct err e;
  int fd = -1;
  cleanup_close int folder = open(record->run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0 || folder_listen(folder, record->run_dir, SHIM_SOCKET, &fd, &e) == 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

int shims_launch(struct shim_table *table, const struct shim_home *home, struct reader body, pid_t *pid) {
  struct reader checked = body;
  struct shim_record record;
  struct err e;
  int word[2] = {-1, -1};
  uint64_t token = read_u64(&checked);
  shim_record_read(&checked, &record);
  read_data(&checked);
  if (checked.failed || checked.at != checked.end) return EINVAL;
  if (buffer_reserve(&table->entries, sizeof(struct shim_entry), &e) < 0) return e.number;
  if ((record.flags & SHIM_WAITS) && pipe2(word, O_CLOEXEC) < 0) return errno;
  cleanup_close int listener = listen_ahead(&record);
  *pid = fork();
  if (*pid == 0) become_shim(home, body, word[0], listener);
  int error = errno;
  if (word[0] >= 0) close(word[0]);
  if (*pid < 0) {
    if (word[1] >= 0) close(word[1]);
    return error;
  }
  struct shim_entry entry = {.pid = *pid, .word = word[1], .token = token};
  memcpy(table->entries.data + table->entries.end, &entry, sizeof entry);
  table->entries.end += sizeof entry;
  return 0;
}

void shims_proceed(struct shim_table *table, uint64_t token, int goes_on) {
  /* From the last one: it is mostly the newest that waits. */
  for (size_t i = entry_count(table); i-- > 0;) {
    struct shim_entry *entry = &entries(table)[i];
    if (entry->token != token) continue;
    if (entry->word < 0) return;
    if (goes_on) write_all(entry->word, "", 1);
    close(entry->word);
    entry->word = -1;
    return;
  }
}

int shims_forget(struct shim_table *table, pid_t pid, uint64_t *token) {
  size_t count = entry_count(table);
  for (size_t i = 0; i < count; i++) {
    struct shim_entry *entry = &entries(table)[i];
    if (entry->pid != pid) continue;
    *token = entry->token;
    if (entry->word >= 0) close(entry->word);
    *entry = entries(table)[count - 1];
    table->entries.end -= sizeof *entry;
    return 0;
  }
  return -1;
}
