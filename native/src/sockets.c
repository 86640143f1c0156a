/* Operations on unix sockets: listen, connect, hand over a file descriptor. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "ops.h"
#include "text.h"

#define BACKLOG 128
#define SEND_MAX 65536

/* The address of a path; one too long for it goes through an fd of its directory, which the caller closes. */
static int make_address(const char *path, struct sockaddr_un *address, int *directory, struct err *e) {
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  if (strlen(path) < sizeof address->sun_path) {
    strcpy(address->sun_path, path);
    return 0;
  }
  TEXT(parent, PATH_MAX);
  const char *slash = strrchr(path, '/');
  if (slash == NULL) return err_set(e, ENAMETOOLONG, "socket", path);
  text_bytes(&parent, path, (size_t)(slash - path) + 1);
  *directory = open(parent.data, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (*directory < 0) return err_errno(e, "open", parent.data);
  struct text through = text_over(address->sun_path, sizeof address->sun_path);
  text_fd_path(&through, *directory, slash);
  return through.cut ? err_set(e, ENAMETOOLONG, "socket", path) : 0;
}

int op_listen(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  struct sockaddr_un address;
  uint32_t slot = read_u32(&r);
  const char *path = read_string(&r);
  cleanup_close int directory = -1;
  if (make_address(path, &address, &directory, e) < 0) return -1;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return err_errno(e, "socket", path);
  if (slot_set(vm, slot, fd, e) < 0) return -1;
  fd = vm->slots[slot];
  /* kernel: the file takes the mode of the socket, so it is never there with a wider one. */
  if (fchmod(fd, read_u32(&r)) < 0) return err_errno(e, "chmod", path);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) return err_errno(e, "bind", path);
  return listen(fd, BACKLOG) < 0 ? err_errno(e, "listen", path) : 0;
}

int op_connect(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  struct sockaddr_un address;
  uint32_t slot = read_u32(&r);
  const char *path = read_string(&r);
  cleanup_close int directory = -1;
  if (make_address(path, &address, &directory, e) < 0) return -1;
  int type = op->flags & OPF_DATAGRAM ? SOCK_DGRAM : SOCK_STREAM;
  int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  if (fd < 0) return err_errno(e, "socket", path);
  if (slot_set(vm, slot, fd, e) < 0) return -1;
  fd = vm->slots[slot];
  return connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ? err_errno(e, "connect", path) : 0;
}

int op_send_fd(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  struct reader parts;
  TEXT(data, SEND_MAX);
  int socket = slot_fd(vm, read_u32(&r), e);
  if (socket < 0) return -1;
  int fd = slot_fd(vm, read_u32(&r), e);
  if (fd < 0) return -1;
  uint32_t count = read_list(&r, &parts);
  for (uint32_t i = 0; i < count; i++) {
    if (i > 0 && child_pid_text(vm, &data, e) < 0) return -1;
    text_add(&data, read_string(&parts));
  }
  if (data.cut) return err_set(e, E2BIG, "send", "data beside a file descriptor");
  return send_with_fd(socket, fd, data.data, data.length) < 0 ? err_errno(e, "send", "file descriptor") : 0;
}
