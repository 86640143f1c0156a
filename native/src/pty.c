/* Operation PTY: a terminal of the container's own devpts, as stdio and as the controlling terminal. */
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <termios.h>

#include "ops.h"
#include "sys.h"
#include "text.h"

#define DEVPTS_MAGIC 0x1cd1
#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

struct pty {
  int master, slave;
};

/* Before 4.13 the slave has only its name. */
static int open_slave_by_name(int master) {
  int number;
  TEXT(path, 32);
  if (ioctl(master, TIOCGPTN, &number) < 0) return -1;
  text_add(&path, "/dev/pts/");
  text_number(&path, (uint64_t)number);
  return open(path.data, O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
}

static int open_pty(struct pty *p, struct err *e) {
  struct statfs fs;
  int unlock = 0;
  p->master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
  if (p->master < 0) return err_errno(e, "open", "/dev/pts/ptmx");
  /* An image could have put something else at that path: the terminal must be one of a devpts. */
  if (fstatfs(p->master, &fs) < 0 || fs.f_type != DEVPTS_MAGIC)
    return err_set(e, ENODEV, "not on a devpts", "/dev/pts/ptmx");
  if (ioctl(p->master, TIOCSPTLCK, &unlock) < 0) return err_errno(e, "unlock", "/dev/pts/ptmx");
  p->slave = ioctl(p->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (p->slave < 0 && (errno == ENOTTY || errno == EINVAL)) p->slave = open_slave_by_name(p->master);
  return p->slave < 0 ? err_errno(e, "open the terminal of", "/dev/pts/ptmx") : 0;
}

static int open_console(struct err *e) {
  struct stat st;
  cleanup_close int dev = open("/dev", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (dev < 0) return err_errno(e, "open", "/dev");
  cleanup_close int made = openat(dev, "console", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (made < 0 && errno != EEXIST) return err_errno(e, "make", "/dev/console");
  int console = openat(dev, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (console < 0) return err_errno(e, "open", "/dev/console");
  if (fstat(console, &st) == 0 && !S_ISLNK(st.st_mode)) return console;
  close(console);
  return err_set(e, ELOOP, "open", "/dev/console");
}

static int bind_console(int slave, struct err *e) {
  cleanup_close int console = open_console(e);
  if (console < 0) return -1;
  cleanup_close int tree = tree_clone(slave, "", 0);
  if (tree >= 0 && sys_move_mount(tree, console) == 0) return 0;
  if (errno != ENOSYS) return err_errno(e, "bind", "/dev/console");
  TEXT(from, 40);
  TEXT(to, 40);
  text_fd_path(&from, slave, "");
  text_fd_path(&to, console, "");
  return mount(from.data, to.data, NULL, MS_BIND, NULL) < 0 ? err_errno(e, "bind", "/dev/console") : 0;
}

static int send_master(int socket, uint32_t slot, int master, const char *name, struct err *e) {
  struct message m = {.kind = MESSAGE_PTY};
  const char *data = name[0] == '\0' ? "/dev/pts/ptmx" : name; /* a stream carries no fd without a byte */
  int result = slot == SLOT_SYNC ? send_with_fd(socket, master, &m, offsetof(struct message, detail))
                                 : send_with_fd(socket, master, data, strlen(data));
  return result < 0 ? err_errno(e, "send", "the terminal's master") : 0;
}

static int become_terminal(int slave, struct err *e) {
  if (ioctl(slave, TIOCSCTTY, 0) < 0) return err_errno(e, "make controlling terminal", NULL);
  for (int fd = 0; fd <= STDERR_FILENO; fd++)
    if (dup2(slave, fd) < 0) return err_errno(e, "dup2", "the terminal");
  return 0;
}

int op_pty(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  uint32_t slot = read_u32(&r);
  int socket = slot_fd(vm, slot, e);
  if (socket < 0) return -1;
  struct winsize size = {0};
  size.ws_row = (unsigned short)read_u32(&r);
  size.ws_col = (unsigned short)read_u32(&r);
  uid_t uid = read_u32(&r);
  gid_t gid = read_u32(&r);
  const char *name = read_string(&r);
  struct pty p = {-1, -1};
  int result = open_pty(&p, e);
  cleanup_close int master = p.master;
  cleanup_close int slave = p.slave;
  if (result < 0) return -1;
  if (fchown(slave, uid, gid) < 0) return err_errno(e, "chown", "the terminal");
  if ((size.ws_row != 0 || size.ws_col != 0) && ioctl(master, TIOCSWINSZ, &size) < 0)
    return err_errno(e, "set the size of", "the terminal");
  if ((op->flags & OPF_CONSOLE) != 0 && bind_console(slave, e) < 0) return -1;
  if (send_master(socket, slot, master, name, e) < 0) return -1;
  return become_terminal(slave, e);
}
