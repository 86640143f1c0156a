/* The shim: parent and subreaper of one container. Its parts share struct shim; see "Shim" in README.md. */
#ifndef SKIFF_SHIM_H
#define SKIFF_SHIM_H

#include <stdint.h>
#include <sys/types.h>

#include "frame.h"
#include "plan.h"
#include "protocol.h"
#include "shim-log.h"
#include "text.h"
#include "vm.h"

#define READ_MAX 65536u  /* of the container's output at once */
#define RING_SIZE 65536u /* output kept for a slow client */
#define CONNECTION_MAX 64
#define SHIM_SOCKET "shim.sock"
#define STALL_MS 10000          /* after the exit a client that takes nothing for so long is dropped */
#define SETUP_INDEX 0xffffffffu /* "op index" of failures of the shim's own set-up */

/* The shim record of a LAUNCH; the strings stand in the record. */
struct shim_record {
  uint32_t flags;
  const char *id;
  const char *run_dir;
  const char *log_path;
  uint64_t log_max_bytes;
  uint32_t log_max_files;
  struct bytes log_attrs;
  uint32_t rows, columns;
  const char *oom_path;
  uint32_t oom_kind; /* 0 none, 1 cgroup v1, 2 cgroup v2 */
};

/* One output of the container: its stdout or stderr, or the terminal (as stdout). */
struct stream {
  int fd; /* -1: ended */
  int number;
  uint32_t carried; /* bytes of an incomplete line */
  char carry[LOG_LINE_MAX];
};

/* A client of shim.sock. */
struct connection {
  int fd;       /* -1: free */
  uint8_t kind; /* 0: it has not said yet */
  uint8_t flags;
  uint8_t stdin_open;
  uint8_t hung_up;  /* its output has no reader any more */
  uint8_t finished; /* attach: it has been told that there is no more output */
  uint8_t have;     /* bytes in `in` */
  uint8_t in[64];   /* the hello, then the control frame that is being read */
  int64_t progress; /* ms, when it last took something */
  uint8_t *ring;    /* attach: output not yet sent */
  uint32_t ring_size, ring_start, ring_used;
  struct outbox events; /* control */
};

struct oom_watch {
  uint32_t kind;
  int count_fd;  /* memory.oom_control or memory.events */
  int notify_fd; /* v1: an eventfd */
  int recheck;   /* v1 tells before it counts: look again in a moment */
  uint64_t kills;
};

struct shim {
  uint64_t token;
  struct shim_record record;
  enum shim_state state;
  int exited; /* the child is reaped, the exit record may not be written yet */
  int released;
  int handing_over; /* the child is a runtime that has not yet said whom it made */
  int console_fd;   /* where that one sends the terminal; -1: nowhere */
  int run_fd, listen_fd, signal_fd, mnt_ns_fd;
  int stdin_fd;           /* write end, or the terminal; -1 closed */
  int terminal_fd;        /* the pty master (then also stdin_fd and out[0].fd are it) */
  int stdin_ending;       /* close stdin when `input` has been written */
  uint32_t rows, columns; /* asked for before there was a terminal; 0: nothing */
  pid_t pid;
  uint64_t starttime;
  int wait_status;
  uint64_t exit_time; /* unix, ns */
  struct vm vm;
  struct outbox events; /* to the daemon */
  struct oom_watch oom;
  struct log log;
  uint64_t told_rotations;
  struct stream out[2];
  uint32_t input_start, input_end;
  int scratch_used; /* `text` and `formatted` hold pages */
  struct connection connections[CONNECTION_MAX];
  /* Large and rarely used: pages appear when touched and are given back when the container is quiet. */
  _Alignas(4096) char input[READ_MAX];
  char text[LOG_LINE_MAX + READ_MAX];
  char formatted[LOG_OUT_SIZE];
};

struct shim_start {
  uint64_t token;
  struct bytes record, plan; /* in memory the caller may free when `free_request` is called with context */
  int event_fd;
  int word_fd;   /* where the word comes from that AWAIT waits for; -1: from nobody */
  int listen_fd; /* RUN/shim.sock, listening; -1: the shim makes it */
  void (*free_request)(void *context);
  void *context;
};

/* The whole life of a shim, in a process forked for it. Gives the process's exit status. */
int shim_main(const struct shim_start *start);

int64_t monotonic_ms(void);
uint64_t unix_time_ns(void);

/* Events: to the daemon and to every control connection. */
void shim_announce(struct shim *s, struct event *ev);
/* One that names the process. */
void shim_announce_process(struct shim *s, uint16_t type);
/* The child runs its program. */
void shim_announce_started(struct shim *s);

/* shim-launch.c: reads a record, -1 if it is malformed; */
int shim_record_read(struct reader *r, struct shim_record *record);
/* performs the plan; s has its process then. -1: it has none, f says why. */
int shim_launch(struct shim *s, const void *plan, size_t length, struct failure *f);
/* The process is known: what hangs on it. A failure kills it. */
int shim_take_process(struct shim *s, struct err *e);
/* Makes or replaces a file of the run folder. */
int run_write(struct shim *s, const char *name, const struct text *content);

/* shim-streams.c: the container's input and output. */
int streams_prepare(struct shim *s, struct err *e);
/* After the child exists: closes its ends, takes the terminal if there is one. */
int streams_adopt(struct shim *s, struct err *e);
/* Whether there is output to wait for that all clients have room for. */
int stream_wants_read(const struct shim *s, const struct stream *out);
/* Reads at most `most` bytes once, logs them, gives them to clients. The bytes read; 0: nothing now, or the end. */
size_t stream_pump(struct shim *s, struct stream *out, size_t most);
/* Takes what is in the pipes right now without waiting, then ends the streams. */
void streams_drain(struct shim *s);
/* Writes pending input; closes stdin when it was the last of it. */
void input_write(struct shim *s);
/* No more input: stdin is closed when what is pending has been written. A terminal stays. */
void input_end(struct shim *s);
int terminal_resize(struct shim *s, uint32_t rows, uint32_t columns);
int streams_ended(const struct shim *s);
/* Whether stdin takes more, now or once the terminal is there. */
int input_possible(const struct shim *s);

/* shim-handover.c: containers another runtime makes. Before it is launched: */
int handover_prepare(struct shim *s, struct err *e);
/* The runtime has ended like this: the process it made takes its place in s. -1: it made none, e says why. */
int handover(struct shim *s, int status, struct err *e);

/* A listening socket in the run folder. */
int run_listen(const struct shim *s, const char *name, int *fd, struct err *e);
/* The same in a folder that is open; run_dir is for the message. */
int folder_listen(int folder, const char *run_dir, const char *name, int *fd, struct err *e);

/* shim-clients.c: connections. shim-attach.c, shim-control.c: the two kinds. All may drop the connection (fd -1). */
int clients_listen(struct shim *s, struct err *e);
void clients_accept(struct shim *s);
void client_drop(struct shim *s, struct connection *c);
/* poll(2) events to wait for; 0 with a -1 fd in *fd to leave it out. */
short client_interest(const struct shim *s, const struct connection *c, int *fd);
void client_ready(struct shim *s, struct connection *c, short events);
/* Closes what has been served to the end. With the container gone also what makes no progress. The number left. */
int clients_settle(struct shim *s);
/* With RELEASE the held container runs from here on; an errno. */
int attach_begin(struct shim *s, struct connection *c);
/* The client sends nothing more (or is gone): with STDIN_ONCE or CLOSE_STDIN the container sees the end of its stdin.
 */
void attach_input_ended(struct shim *s, struct connection *c);
short attach_interest(const struct shim *s, const struct connection *c, int *fd);
void attach_ready(struct shim *s, struct connection *c, short events);
/* Gives this client what of an incomplete line is in no log yet; less than the ring holds. */
void attach_carried(struct shim *s, struct connection *c);
void attach_output(struct shim *s, const struct stream *out, const char *text, size_t length);
/* The number of bytes every client of this stream has room for. */
size_t attach_room(const struct shim *s, const struct stream *out);
/* Makes room for the last output whatever clients do. */
void attach_widen(struct shim *s, size_t more);
/* Lets a held container run its program; an errno. */
int shim_release(struct shim *s);
void control_ready(struct shim *s, struct connection *c, short events);

/* oom.c */
void oom_open(struct oom_watch *w, const char *path, uint32_t kind);
/* Reads the count; 1 when it has grown. */
int oom_read(struct oom_watch *w);
/* The notification has come. */
void oom_notified(struct oom_watch *w);

#endif
