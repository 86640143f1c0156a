/* Which socket a command line is for. Anything but a plain answer is left to the program behind the door. */
#include "door.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The local daemon nobody named: DEFAULT_HOST of src/client/host.ts. */
#define DEFAULT_SOCKET "/run/skiff.sock"
#define CONFIG_BYTES (1024 * 1024)

/* NULL when it is not set or empty. */
static const char *variable(char **environment, const char *name) {
  size_t length = strlen(name);
  for (; *environment; environment++)
    if (!strncmp(*environment, name, length) && (*environment)[length] == '=' && (*environment)[length + 1])
      return *environment + length + 1;
  return NULL;
}

/* A file that names a context in use; what cannot be read counts as one. */
static int names_context(char **environment) {
  char path[4096];
  const char *folder = variable(environment, "DOCKER_CONFIG"), *home = variable(environment, "HOME");
  int length = folder ? snprintf(path, sizeof path, "%s/config.json", folder)
                      : snprintf(path, sizeof path, "%s/.docker/config.json", home ? home : "");
  if (length >= (int)sizeof path) return 1;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return access(path, F_OK) == 0;
  static char text[CONFIG_BYTES];
  ssize_t got = read(fd, text, sizeof text);
  close(fd);
  return got < 0 || got == (ssize_t)sizeof text || memmem(text, (size_t)got, "currentContext", 14) != NULL;
}

static int unix_path(const char *host, char *path, size_t size) {
  if (strncmp(host, "unix:///", 8)) return -1;
  size_t length = strlen(host + 7);
  if (length >= size) return -1;
  memcpy(path, host + 7, length + 1);
  return 0;
}

int door_socket(int argc, char **argv, char **environment, char *path, size_t size) {
  if (argc == 0) return -1;
  if (argv[0][0] == '-') {
    int is_host = !strcmp(argv[0], "-H") || !strcmp(argv[0], "--host");
    return is_host && argc > 2 && argv[2][0] != '-' ? unix_path(argv[1], path, size) : -1;
  }
  const char *host = variable(environment, "SKIFF_HOST");
  if (!host) host = variable(environment, "DOCKER_HOST");
  if (host) return unix_path(host, path, size);
  if (variable(environment, "DOCKER_CONTEXT") || names_context(environment)) return -1;
  return unix_path("unix://" DEFAULT_SOCKET, path, size);
}
