/* What the daemon does, for tests: a launcher over socketpairs, requests, events, connections to shims. */
#ifndef SKIFF_TEST_SHIM_CLIENT_H
#define SKIFF_TEST_SHIM_CLIENT_H

#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "launcher.h"
#include "protocol.h"
#include "support.h"

#define PATIENCE 15 /* seconds before a test fails */

struct daemon {
  pid_t launcher;
  int requests, events, sockets;
  uint32_t last_id;
};

/* A frame that has come in. */
struct incoming {
  uint16_t type;
  uint32_t id;    /* replies */
  uint64_t token; /* events */
  struct reader body;
  uint8_t bytes[1 << 18];
};

static inline void be_patient(int fd) {
  struct timeval time = {.tv_sec = PATIENCE};
  CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) == 0);
}

static inline void start_launcher(struct daemon *d) {
  static char title[128];
  int requests[2], events[2], sockets[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, requests) == 0);
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, events) == 0);
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0);
  fflush(NULL);
  d->launcher = fork();
  CHECK(d->launcher >= 0);
  if (d->launcher == 0) {
    int mine[3] = {fcntl(requests[1], F_DUPFD, 20), fcntl(events[1], F_DUPFD, 20), fcntl(sockets[1], F_DUPFD, 20)};
    for (int fd = 3; fd < 20; fd++) close(fd);
    dup2(mine[0], 3);
    dup2(mine[1], 4);
    dup2(mine[2], 5);
    for (int i = 0; i < 3; i++) close(mine[i]);
    _exit(launcher_main(title, sizeof title));
  }
  close(requests[1]);
  close(events[1]);
  close(sockets[1]);
  d->requests = requests[0];
  d->events = events[0];
  d->sockets = sockets[0];
  d->last_id = 0;
  be_patient(d->requests);
  be_patient(d->events);
  be_patient(d->sockets);
}

static inline int launcher_status(struct daemon *d) {
  int status;
  close(d->requests);
  CHECK(waitpid(d->launcher, &status, 0) == d->launcher);
  return status;
}

/* 0 when the other side has closed. */
static inline int receive_frame(int fd, struct incoming *in) {
  uint8_t head[4];
  ssize_t n = recv(fd, head, 4, MSG_WAITALL);
  if (n == 0 || (n < 0 && errno == ECONNRESET)) return 0;
  CHECK(n == 4);
  struct reader r = {.at = head, .end = head + 4};
  uint32_t length = read_u32(&r);
  CHECK(length <= sizeof in->bytes);
  CHECK(recv(fd, in->bytes, length, MSG_WAITALL) == (ssize_t)length);
  in->body = (struct reader){.at = in->bytes, .end = in->bytes + length};
  return 1;
}

static inline uint32_t send_request(struct daemon *d, uint16_t type, const struct builder *body) {
  static struct builder frame;
  frame.length = 0;
  put_number(&frame, body->length + 8, 4);
  put_number(&frame, ++d->last_id, 4);
  put_number(&frame, type, 2);
  put_number(&frame, 0, 2);
  CHECK(send(d->requests, frame.bytes, frame.length, MSG_NOSIGNAL) == (ssize_t)frame.length);
  CHECK(send(d->requests, body->bytes, body->length, MSG_NOSIGNAL) == (ssize_t)body->length);
  return d->last_id;
}

static inline void receive_reply(struct daemon *d, struct incoming *in) {
  CHECK(receive_frame(d->requests, in));
  in->id = read_u32(&in->body);
  in->type = read_u16(&in->body);
  CHECK(read_u16(&in->body) == 0);
}

/* Sends, awaits, and leaves the body to be read. */
static inline void call(struct daemon *d, uint16_t type, const struct builder *body, struct incoming *in) {
  uint32_t id = send_request(d, type, body);
  receive_reply(d, in);
  CHECK(in->id == id && in->type == (type | REPLY_BIT));
}

static inline int receive_event(int fd, struct incoming *in) {
  if (!receive_frame(fd, in)) return 0;
  in->type = read_u16(&in->body);
  CHECK(read_u16(&in->body) == 0);
  in->token = read_u64(&in->body);
  return 1;
}

static inline void expect_event(int fd, struct incoming *in, uint16_t type) {
  CHECK(receive_event(fd, in));
  if (in->type != type) fprintf(stderr, "event %u instead of %u\n", in->type, type);
  if (in->type == EVT_FAILED) {
    uint32_t stream = read_u32(&in->body), index = read_u32(&in->body), code = read_u32(&in->body);
    uint32_t number = read_u32(&in->body);
    const char *detail = read_string(&in->body);
    if (type != EVT_FAILED) fprintf(stderr, "%u %u %u %u %s\n", stream, index, code, number, detail);
    in->body = (struct reader){.at = in->bytes + 12, .end = in->body.end};
  }
  CHECK(in->type == type);
}

/* What a test says about a container; the rest is the usual. */
struct container {
  const char *script;
  uint32_t flags;
  int hold;
  const char *run_dir; /* /tmp/run */
  const char *log;     /* /tmp/log */
  uint64_t max_bytes;
  uint32_t max_files;
  const char *oom_path;
  const char *program; /* instead of the shell */
  uint64_t namespaces;
  int awaits; /* with SHIM_WAITS in flags: until PROCEED */
};

static inline void put_container_plan(struct builder *b, const struct container *c) {
  plan_begin(b);
  op(b, OP_CLONE, 0, "Uu", c->namespaces, SLOT_NONE);
  if (c->awaits) op(b, OP_AWAIT, 0, "");
  if (c->awaits) op(b, OP_POST, 0, "u", 1);
  child_begin(b);
  if (c->awaits) op(b, OP_WAIT, 0, "u", 1);
  if (c->hold) op(b, OP_HOLD, 0, "u", SLOT_NONE);
  op(b, OP_SETSID, 0, "");
  if (c->flags & SHIM_TTY)
    op(b, OP_PTY, 0, "uuuuus", 0, 33, 77, 0, 0, "console");
  else
    op(b, OP_STDIO, 0, "");
  op(b, OP_EXEC, 0, "lll", LIST(c->program ? c->program : "/bin/sh"), LIST("sh", "-c", c->script),
     LIST("PATH=/usr/bin:/bin"));
  plan_end(b);
}

static inline uint32_t request_launch(struct daemon *d, uint64_t token, const struct container *c) {
  static struct builder plan, body;
  put_container_plan(&plan, c);
  body.length = 0;
  put_number(&body, token, 8);
  put_number(&body, c->flags, 4);
  put_bytes(&body, "some-id", 7);
  const char *run_dir = c->run_dir ? c->run_dir : "/tmp/run", *log = c->log ? c->log : "/tmp/log";
  put_bytes(&body, run_dir, strlen(run_dir));
  put_bytes(&body, log, strlen(log));
  put_number(&body, c->max_bytes, 8);
  put_number(&body, c->max_files ? c->max_files : 1, 4);
  put_bytes(&body, "", 0);
  put_number(&body, 0, 8);
  put_bytes(&body, c->oom_path ? c->oom_path : "", c->oom_path ? strlen(c->oom_path) : 0);
  put_number(&body, c->oom_path ? 1 : 0, 4);
  put_bytes(&body, plan.bytes, plan.length);
  return send_request(d, REQ_LAUNCH, &body);
}

/* Launches and awaits the reply: the shim's pid. */
static inline pid_t launch_container(struct daemon *d, uint64_t token, const struct container *c) {
  static struct incoming in;
  mkdir(c->run_dir ? c->run_dir : "/tmp/run", 0700);
  uint32_t id = request_launch(d, token, c);
  receive_reply(d, &in);
  CHECK(in.id == id && read_u32(&in.body) == 0);
  return (pid_t)read_u32(&in.body);
}

/* Awaits EXIT: the wait status. */
static inline int expect_exit(int fd) {
  static struct incoming in;
  expect_event(fd, &in, EVT_EXIT);
  return (int)read_u32(&in.body);
}

/* A connection to the shim after its hello has been answered with `error`. */
static inline int connect_shim_at(const char *path, uint8_t kind, uint8_t flags, uint32_t error) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
  be_patient(fd);
  uint8_t hello[8] = {0x31, 0x4d, 0x48, 0x53, kind, flags, 0, 0}, answer[4];
  CHECK(send(fd, hello, 8, MSG_NOSIGNAL) == 8);
  CHECK(recv(fd, answer, 4, MSG_WAITALL) == 4);
  struct reader r = {.at = answer, .end = answer + 4};
  CHECK(read_u32(&r) == error);
  return fd;
}

static inline int connect_shim(uint8_t kind, uint8_t flags) {
  return connect_shim_at("/tmp/run/shim.sock", kind, flags, 0);
}

static inline void send_control(int fd, uint16_t type, uint32_t id, const char *fields, uint32_t first,
                                uint32_t second) {
  struct builder *b = calloc(1, sizeof *b);
  size_t arguments = strlen(fields);
  put_number(b, 8 + 4 * arguments, 4);
  put_number(b, type, 2);
  put_number(b, 0, 2);
  put_number(b, id, 4);
  if (arguments > 0) put_number(b, first, 4);
  if (arguments > 1) put_number(b, second, 4);
  CHECK(send(fd, b->bytes, b->length, MSG_NOSIGNAL) == (ssize_t)b->length);
  free(b);
}

/* Sends a command and awaits DONE: its errno. Other events in between are skipped. */
static inline uint32_t control(int fd, uint16_t type, const char *fields, uint32_t first, uint32_t second) {
  static struct incoming in;
  static uint32_t id = 100;
  send_control(fd, type, ++id, fields, first, second);
  do CHECK(receive_event(fd, &in));
  while (in.type != EVT_DONE);
  CHECK(read_u32(&in.body) == id);
  return read_u32(&in.body);
}

/* Everything until end of file. */
static inline size_t receive_rest(int fd, char *out, size_t size) {
  size_t used = 0;
  ssize_t n;
  while (used < size - 1 && (n = recv(fd, out + used, size - 1 - used, 0)) > 0) used += (size_t)n;
  out[used] = 0;
  return used;
}

/* Splits Docker's multiplexed frames into the two streams. */
static inline void demultiplex(const char *data, size_t length, char *out, char *err) {
  char *to[3] = {NULL, out, err};
  *out = *err = 0;
  for (size_t at = 0; at < length;) {
    const uint8_t *head = (const uint8_t *)data + at;
    CHECK(length - at >= 8 && (head[0] == 1 || head[0] == 2) && !head[1] && !head[2] && !head[3]);
    size_t part = (size_t)head[4] << 24 | (size_t)head[5] << 16 | (size_t)head[6] << 8 | head[7];
    CHECK(length - at - 8 >= part);
    memcpy(to[head[0]], data + at + 8, part);
    to[head[0]] += part;
    *to[head[0]] = 0;
    at += 8 + part;
  }
}

static inline const char *read_file(const char *path) {
  static char text[1 << 20];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NULL;
  read_all(fd, text, sizeof text);
  close(fd);
  return text;
}

#endif
