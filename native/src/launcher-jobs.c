/* Requests that are performed in processes of their own, side by side: begun, listened to, and passed on when they have
 * replied. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jobs.h"
#include "launcher-parts.h"
#include "protocol.h"

#define REPLY_MAX (64u << 20)

static struct job *job_table(struct launcher *l) {
  return (struct job *)(void *)(l->jobs.data + l->jobs.start);
}
size_t job_count(const struct launcher *l) {
  return buffer_used(&l->jobs) / sizeof(struct job);
}

struct job *job_at(struct launcher *l, size_t index) {
  return &job_table(l)[index];
}

/* The whole reply frame goes into the pipe; the launcher passes it on. */
static _Noreturn void perform_job(struct request *r, int fd) {
  struct buffer reply = {0};
  struct err e;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  set_dispositions(SIG_DFL);
  if (buffer_reserve(&reply, FRAME_HEAD, &e) < 0) _exit(1);
  reply.end = FRAME_HEAD;
  if (r->type == REQ_SOCKET) {
    job_socket(&r->body, STDOUT_FILENO, &reply);
  } else if (r->type == REQ_RUN) {
    struct bytes plan = read_data(&r->body);
    job_run(plan.data, plan.length, &reply);
  } else {
    job_netlink(&r->body, &reply);
  }
  struct writer w = {.at = reply.data, .end = reply.data + FRAME_HEAD};
  frame_head(&w, (uint32_t)(reply.end - 4), r->id, r->type);
  _exit(reply.end == FRAME_HEAD || write_all(fd, reply.data, reply.end) < 0);
}

int start_job(struct launcher *l, struct request *r) {
  int ends[2];
  struct err e;
  if (buffer_reserve(&l->jobs, sizeof(struct job), &e) < 0 || pipe2(ends, O_CLOEXEC) < 0)
    return reply_unperformed(l, r->id, r->type, errno, "make a pipe");
  pid_t pid = fork();
  if (pid == 0) {
    /* The one thing a job may need of ours besides its pipe. */
    if (r->type == REQ_SOCKET) dup2(SOCKET_FD, STDOUT_FILENO);
    close_others(REQUEST_FD, (unsigned)ends[1]);
    perform_job(r, ends[1]);
  }
  int error = errno;
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return reply_unperformed(l, r->id, r->type, error, "fork");
  }
  struct job job = {.fd = ends[0], .id = r->id, .type = r->type};
  memcpy(l->jobs.data + l->jobs.end, &job, sizeof job);
  l->jobs.end += sizeof job;
  return 0;
}

static void remove_job(struct launcher *l, size_t index) {
  struct job *table = job_table(l);
  size_t count = job_count(l);
  close(table[index].fd);
  buffer_free(&table[index].reply);
  table[index] = table[count - 1];
  l->jobs.end -= sizeof(struct job);
  if (count == 1) l->jobs.start = l->jobs.end = 0;
}

int job_ready(struct launcher *l, size_t index) {
  struct job *job = job_at(l, index);
  struct err e;
  if (buffer_reserve(&job->reply, 4096, &e) < 0) return complain(e.detail);
  ssize_t n = read(job->fd, job->reply.data + job->reply.end, job->reply.capacity - job->reply.end);
  if (n < 0 && errno == EINTR) return 0;
  if (n > 0) job->reply.end += (size_t)n;
  size_t used = buffer_used(&job->reply);
  int whole = used >= FRAME_HEAD && frame_length(&job->reply) == used;
  if (n > 0 && !whole && used < REPLY_MAX) return 0;
  int failed = whole ? queue_bytes(l, job->reply.data, used)
                     : reply_unperformed(l, job->id, job->type, EIO, "the process ended without a report");
  remove_job(l, index);
  return failed;
}
