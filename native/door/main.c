/* skiff-door PROGRAM [ARG...]: hands the arguments to the local daemon, which runs the command; execs PROGRAM, the same
 * command line as a Node program, for whatever the daemon cannot do for somebody else: another host, the user's own
 * files, a daemon that does not run. It decides nothing about commands. */
#include "door.h"

#include <fcntl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

extern char **environ;

static int connect_to(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fputs("usage: skiff-door PROGRAM [ARG...]\n", stderr);
    return 64;
  }
  // A descriptor that is closed (`<&-`) would be the connection's, and its bytes taken for the user's.
  for (int fd = open("/dev/null", O_RDWR); fd >= 0; fd = open("/dev/null", O_RDWR)) {
    if (fd <= STDERR_FILENO) continue;
    close(fd);
    break;
  }
  char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
  if (door_socket(argc - 2, argv + 2, environ, path, sizeof path) == 0) {
    int fd = connect_to(path);
    if (fd >= 0 && door_ask(fd, argc - 2, argv + 2, environ) == 0) {
      int code = door_pass(fd);
      if (code >= 0) return code;
    }
    if (fd >= 0) close(fd);
  }
  execv(argv[1], argv + 1);
  fprintf(stderr, "skiff: cannot run %s: %s\n", argv[1], strerror(errno));
  return 126;
}
