/* What the files of operations share: slots, paths inside a root, vectors of strings, the dialogue with the other side.
 */
#ifndef SKIFF_OPS_H
#define SKIFF_OPS_H

#include "op-table.h"

/* The fd in a slot; -1 (EBADF) when it is empty. With slot_at: AT_FDCWD for none. */
int slot_fd(const struct vm *vm, uint32_t slot, struct err *e);
int slot_at(const struct vm *vm, uint32_t slot, struct err *e);
/* Puts an fd (0 … 2 are moved up) into a slot and closes what was there. A negative fd is passed on as the failure. */
int slot_set(struct vm *vm, uint32_t slot, int fd, struct err *e);

/* Held by the parent only (the report of `run`): the child closes it, so that a held one does not keep it open. */
#define SLOT_PARENT_ONLY 4

/* in-root.c. root: the fd of a directory, or AT_FDCWD for the process's own root and cwd. */
enum root_kind { ROOT_EXISTING, ROOT_DIR, ROOT_FILE };
/* Opens path inside root with these open(2) flags. Gives the fd. */
int root_open(int root, const char *path, int oflags, struct err *e);
/* Opens path (O_PATH), making it and its parents where they are missing. Gives the fd. */
int root_make(int root, const char *path, enum root_kind kind, struct err *e);
/* Opens the directory of path's last component (made when missing), and copies that component. Gives the fd. */
int root_parent(int root, const char *path, char name[256], struct err *e);

/* A NULL-terminated vector over strings of the plan, in pages of its own. */
struct vector {
  char **items;
  size_t size;
};
int vector_make(struct reader *items, uint32_t count, struct vector *v, struct err *e);
void vector_free(struct vector *v);

/* The child's pid as the parent sees it, in decimal, on either side. */
struct text;
int child_pid_text(const struct vm *vm, struct text *t, struct err *e);

/* sync.c: messages over the socketpair. */
enum message_kind { MESSAGE_END, MESSAGE_POST, MESSAGE_ERROR, MESSAGE_HOLD, MESSAGE_PTY };
struct message {
  uint32_t kind;
  uint32_t number; /* POST: number; ERROR: op index; HOLD: 1 when the parent must release */
  uint32_t code;   /* POST: child's pid; ERROR: op code */
  uint32_t error;
  char detail[ERR_DETAIL];
};
int message_send(int socket, const struct message *m);
/* Receives one message; PTY and ERROR are taken into vm first. flags: of recv. MESSAGE_END: the other side is gone. */
int message_receive(struct vm *vm, struct message *m, int flags, struct err *e);
/* Sends data with a file descriptor over a unix socket. */
int send_with_fd(int socket, int fd, const void *data, size_t length);
/* One message and the file descriptor that came with it, close-on-exec; *fd is -1 without one. As recvmsg(2). */
ssize_t receive_with_fd(int socket, void *data, size_t size, int flags, int *fd);
/* Tells the parent, or who started the held container, why the child ends. */
void report_child_failure(const struct vm *vm, const struct failure *f);

/* Default dispositions and an empty mask: what a new program expects. */
void signals_reset(void);
/* Waits for this child, whatever interrupts. */
int wait_for(pid_t pid, int *status);
/* Appends "exited with 3" or "was killed by signal 9". */
void text_status(struct text *t, int status);
/* Sets close-on-exec on all fds from first up. */
int close_range_on_exec(const struct vm *vm, unsigned first, struct err *e);

/* mount-api.c. */
struct mount_change {
  uint64_t set, clear;  /* MOUNT_ATTR_ bits */
  uint64_t propagation; /* MS_ bits, 0 none */
  int userns;           /* for an idmapped mount, else -1 */
  int recursive;
};
/* A detached copy of what path (or, when it is empty, dir itself) names. */
int tree_clone(int dir, const char *path, int recursive);
/* Changes a mount by an fd of its root. ENOSYS from the kernel is had with mount(2), where that can do it. */
int mount_change(int fd, const struct mount_change *c, struct err *e);
/* Changes only the propagation type. */
int mount_propagate(int fd, uint64_t propagation, struct err *e);
/* MOUNT_ATTR_ bits as MS_ bits, and those of the mount an fd stands on. */
unsigned long attr_to_ms(uint64_t attr);
int mount_current_attr(int fd, uint64_t *attr);

/* mount-fs.c: a new read-only file system nobody else sees, by an fd of its root; a kernel without fsopen mounts it on
 * the folder `place`, in a mount namespace of its own. */
int mount_apart(const char *type, const struct reader *options, uint32_t count, const char *place, int readonly,
                struct err *e);

/* copy-up.c: copies what the directory source holds into the directory target. */
int copy_up(int source, int target, struct err *e);

#endif
