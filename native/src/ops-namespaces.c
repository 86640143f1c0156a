/* Operations on namespaces and other processes: pidfd, setns, unshare, user namespaces for idmaps, /proc of the child,
 * host names, netlink. */
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "ops.h"
#include "process-stat.h"
#include "sys.h"
#include "text.h"

int op_pidfd_open(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  uint32_t slot = read_u32(&r);
  pid_t pid = (pid_t)read_u32(&r);
  uint64_t starttime = read_u64(&r);
  TEXT(number, 24);
  text_number(&number, (uint64_t)pid);
  int fd = sys_pidfd_open(pid);
  if (fd < 0) return err_errno(e, "pidfd_open", number.data);
  if (slot_set(vm, slot, fd, e) < 0) return -1;
  /* The pidfd came first: when the start time is the expected one now, the pidfd is of that process. */
  struct process_stat stat;
  if (starttime == 0 || (process_stat(vm->proc, pid, &stat) == 0 && stat.starttime == starttime)) return 0;
  return err_set(e, ESRCH, "process has ended, its pid is another's now", number.data);
}

int op_setns(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  uint32_t slot = read_u32(&r);
  const char *path = read_string(&r);
  int type = (int)read_u32(&r);
  if (slot != SLOT_NONE) {
    int fd = slot_fd(vm, slot, e);
    if (fd < 0) return -1;
    return setns(fd, type) < 0 ? err_errno(e, "setns", path) : 0;
  }
  cleanup_close int opened = open(path, O_RDONLY | O_CLOEXEC);
  if (opened < 0) return err_errno(e, "open", path);
  return setns(opened, type) < 0 ? err_errno(e, "setns", path) : 0;
}

int op_unshare(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  (void)vm;
  return unshare((int)read_u32(&r)) < 0 ? err_errno(e, "unshare", NULL) : 0;
}

static int write_proc(const struct vm *vm, pid_t pid, const char *name, struct bytes data, struct err *e) {
  TEXT(path, 128);
  text_number(&path, (uint64_t)pid);
  text_add(&path, "/");
  text_add(&path, name);
  if (path.cut) return err_set(e, ENAMETOOLONG, "open", name);
  cleanup_close int fd = openat(vm->proc, path.data, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return err_errno(e, "open /proc", path.data);
  ssize_t written = write(fd, data.data, data.length);
  if (written < 0) return err_errno(e, "write /proc", path.data);
  return (size_t)written == data.length ? 0 : err_set(e, EIO, "short write to /proc", path.data);
}

int op_write_proc(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  const char *name = read_string(&r);
  if (vm->child <= 0) return err_set(e, ESRCH, "no child yet", name);
  return write_proc(vm, vm->child, name, read_data(&r), e);
}

static int open_userns(struct vm *vm, pid_t pid, const char *uids, const char *gids, struct err *e) {
  if (write_proc(vm, pid, "uid_map", (struct bytes){uids, (uint32_t)strlen(uids)}, e) < 0) return -1;
  if (write_proc(vm, pid, "gid_map", (struct bytes){gids, (uint32_t)strlen(gids)}, e) < 0) return -1;
  TEXT(path, 48);
  text_number(&path, (uint64_t)pid);
  text_add(&path, "/ns/user");
  int fd = openat(vm->proc, path.data, O_RDONLY | O_CLOEXEC);
  return fd < 0 ? err_errno(e, "open /proc", path.data) : fd;
}

int op_idmap_userns(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  uint32_t slot = read_u32(&r);
  const char *uids = read_string(&r);
  const char *gids = read_string(&r);
  /* A namespace lives as long as a process in it or an fd of it: the process is needed until the fd is there. */
  pid_t parent = getpid();
  pid_t pid = sys_fork(CLONE_NEWUSER);
  if (pid < 0) return err_errno(e, "clone", "user namespace for an idmap");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (getppid() == parent || getppid() == 0) pause();
    _exit(0);
  }
  int fd = open_userns(vm, pid, uids, gids, e);
  int status;
  kill(pid, SIGKILL);
  wait_for(pid, &status);
  return slot_set(vm, slot, fd, e);
}

int op_hostname(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  const char *name = read_string(&r);
  (void)vm;
  return sethostname(name, strlen(name)) < 0 ? err_errno(e, "sethostname", name) : 0;
}

int op_domainname(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  const char *name = read_string(&r);
  (void)vm;
  return setdomainname(name, strlen(name)) < 0 ? err_errno(e, "setdomainname", name) : 0;
}

/* The next message of a buffer, copied because it may be unaligned; 0 at the end. */
static int next_message(const char **at, const char *end, struct nlmsghdr *header) {
  if (end - *at < (ptrdiff_t)sizeof *header) return 0;
  memcpy(header, *at, sizeof *header);
  if (header->nlmsg_len < sizeof *header || header->nlmsg_len > (size_t)(end - *at)) return 0;
  size_t step = ((size_t)header->nlmsg_len + 3) & ~(size_t)3;
  *at = step >= (size_t)(end - *at) ? end : *at + step;
  return 1;
}

static uint32_t count_acks(struct bytes messages) {
  uint32_t acks = 0;
  struct nlmsghdr header;
  const char *at = messages.data;
  while (next_message(&at, messages.data + messages.length, &header)) acks += (header.nlmsg_flags & NLM_F_ACK) != 0;
  return acks;
}

/* Where in what was sent the message with this sequence number stands. */
static uint32_t index_of(struct bytes messages, uint32_t sequence) {
  struct nlmsghdr header;
  const char *at = messages.data;
  uint32_t index = 0;
  for (; next_message(&at, messages.data + messages.length, &header); index++)
    if (header.nlmsg_seq == sequence) break;
  return index;
}

/* The kernel's own words (NLMSGERR_ATTR_MSG), or "". message: a whole NLMSG_ERROR. */
static const char *kernel_words(const char *message, const struct nlmsghdr *header) {
  size_t at = NLMSG_HDRLEN + sizeof(struct nlmsgerr);
  struct nlattr attribute;
  if ((header->nlmsg_flags & NLM_F_ACK_TLVS) == 0) return "";
  for (; at + sizeof attribute <= header->nlmsg_len; at += ((size_t)attribute.nla_len + 3) & ~(size_t)3) {
    memcpy(&attribute, message + at, sizeof attribute);
    if (attribute.nla_len <= sizeof attribute || at + attribute.nla_len > header->nlmsg_len) return "";
    if ((attribute.nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG && message[at + attribute.nla_len - 1] == '\0')
      return message + at + sizeof attribute;
  }
  return "";
}

static int netlink_error(struct bytes sent, const char *message, const struct nlmsghdr *header,
                         const struct nlmsgerr *error, struct err *e) {
  TEXT(index, 24);
  text_number(&index, index_of(sent, error->msg.nlmsg_seq));
  return err_set(e, -error->error, index.data, kernel_words(message, header));
}

/* Reads until all acknowledgements are there or the kernel refuses one message. */
static int read_acks(int socket, struct bytes sent, uint32_t acks, struct err *e) {
  char buffer[8192];
  while (acks > 0) {
    ssize_t got = recv(socket, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return err_errno(e, "recv", "netlink");
    struct nlmsghdr header;
    const char *start = buffer;
    for (const char *at = buffer; next_message(&at, buffer + got, &header); start = at) {
      struct nlmsgerr error;
      if (header.nlmsg_type != NLMSG_ERROR || header.nlmsg_len < NLMSG_HDRLEN + sizeof error) continue;
      memcpy(&error, start + NLMSG_HDRLEN, sizeof error);
      if (error.error != 0) return netlink_error(sent, start, &header, &error, e);
      if (acks > 0) acks--;
    }
  }
  return 0;
}

int op_netlink(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  int protocol = (int)read_u32(&r);
  struct bytes messages = read_data(&r);
  uint32_t offset = read_u32(&r);
  uint32_t pid = (uint32_t)vm->child;
  if (offset != SLOT_NONE && pid == 0) return err_set(e, ESRCH, "no child yet", NULL);
  cleanup_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (fd < 0) return err_errno(e, "socket", "netlink");
  const int on = 1; /* both only make errors better: kernels without them are fine */
  setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  /* The plan's bytes stay as they are: the pid is put between two parts of them. */
  char *data = (char *)(uintptr_t)messages.data;
  struct iovec parts[3] = {{data, messages.length}};
  if (offset != SLOT_NONE) {
    parts[0].iov_len = offset;
    parts[1] = (struct iovec){&pid, sizeof pid};
    parts[2] = (struct iovec){data + offset + sizeof pid, messages.length - offset - sizeof pid};
  }
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  struct msghdr message = {
      .msg_name = &kernel, .msg_namelen = sizeof kernel, .msg_iov = parts, .msg_iovlen = offset != SLOT_NONE ? 3 : 1};
  if (sendmsg(fd, &message, 0) < 0) return err_errno(e, "send", "netlink");
  return read_acks(fd, messages, count_acks(messages), e);
}
