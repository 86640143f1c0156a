/* What the parts of the launcher share: its state, and the replies of both. */
#ifndef SKIFF_LAUNCHER_PARTS_H
#define SKIFF_LAUNCHER_PARTS_H

#include "frame.h"
#include "launcher-shims.h"
#include "launcher.h"
#include "plan.h"

#define REQUEST_FD 3
#define EVENT_FD 4
#define SOCKET_FD 5 /* where jobs send the sockets that were asked for */
#define FRAME_HEAD 12

/* A request that is performed in a process of its own; it ends with end of file on the pipe. */
struct job {
  int fd;
  uint32_t id;
  uint16_t type;
  struct buffer reply; /* the whole frame */
};

struct launcher {
  struct shim_home home;
  int signal_fd;
  struct buffer in, out;
  struct outbox events;
  struct buffer jobs; /* of struct job; a buffer, so that a shim can give everything back */
  struct shim_table shims;
};

struct request {
  uint32_t id;
  uint16_t type;
  struct reader body;
};

/* launcher.c */
int complain(const char *message);
void frame_head(struct writer *w, uint32_t rest, uint32_t id, uint16_t type);
/* Of the frame at the beginning of a buffer that holds its head, with these four bytes. */
size_t frame_length(const struct buffer *b);
/* Puts a whole frame behind the replies. */
int queue_bytes(struct launcher *l, const void *data, size_t length);
/* The reply of a RUN or NETLINK_QUERY that could not be performed at all. */
int reply_unperformed(struct launcher *l, uint32_t id, uint16_t type, int error, const char *detail);
/* Closes everything from first on, but keep, which is larger. */
void close_others(unsigned first, unsigned keep);
/* The launcher and its shims outlive terminals and peers; programs run for a batch get the usual dispositions. */
void set_dispositions(void (*handler)(int));

/* launcher-jobs.c */
size_t job_count(const struct launcher *l);
struct job *job_at(struct launcher *l, size_t index);
int start_job(struct launcher *l, struct request *r);
/* Takes what a job has written; with its frame whole, or its pipe ended, the job is over. */
int job_ready(struct launcher *l, size_t index);

#endif
