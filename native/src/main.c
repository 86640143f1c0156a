/* skiff-helper: which of its modes is meant. See README.md. */
#include <string.h>

#include "folder.h"
#include "frame.h"
#include "launcher.h"
#include "log-read.h"
#include "modes.h"
#include "pack.h"
#include "protect.h"
#include "protocol.h"
#include "run.h"
#include "text.h"
#include "unpack.h"

static int usage(void) {
  static const char text[] =
      "usage: skiff-helper launcher | run [--foreground] [--tty] | unpack DIR | pack DIR [OPTION…] |\n"
      "       folder spread DIR | folder limit PROJECT BYTES DIR… | log START END WISH | hello | init -- CMD… | version\n"
      "This program is part of Skiff and is started by it.\n";
  write_all(2, text, sizeof text - 1);
  return 2;
}

static int version(void) {
  TEXT(line, 24);
  text_number(&line, PROTOCOL_VERSION);
  text_add(&line, "\n");
  return write_all(1, line.data, line.length) < 0;
}

/* The memory from the first argument to the end of the environment is one piece (execve(2)). */
static int launcher(int argc, char **argv, char **env) {
  const char *end = argv[argc - 1] + strlen(argv[argc - 1]) + 1;
  for (; *env; env++)
    if (*env == end) end += strlen(*env) + 1;
  return launcher_main(argv[0], (size_t)(end - argv[0]));
}

/* Before anything else, see protect.h. */
static int protect(char **argv) {
  struct err e;
  if (protect_executable(argv, &e) == 0) return 0;
  TEXT(line, ERR_DETAIL + 64);
  text_add(&line, "skiff-helper: cannot protect its own program file: ");
  text_add(&line, e.detail);
  text_add(&line, "\n");
  write_all(2, line.data, line.length);
  return -1;
}

int main(int argc, char **argv, char **env) {
  const char *mode = argc > 1 ? argv[1] : "";
  int makes_containers = strcmp(mode, "launcher") == 0 || strcmp(mode, "run") == 0;
  if (makes_containers && protect(argv) < 0) return 1;
  if (strcmp(mode, "launcher") == 0) return launcher(argc, argv, env);
  if (strcmp(mode, "run") == 0) return run_main(argc - 1, argv + 1);
  if (strcmp(mode, "unpack") == 0 && argc >= 3) return unpack_main(argc, argv);
  if (strcmp(mode, "pack") == 0 && argc >= 3) return pack_main(argc, argv);
  if (strcmp(mode, "folder") == 0 && argc >= 3) return folder_main(argc, argv);
  if (strcmp(mode, "log") == 0 && argc == 5) return log_main(argv + 1);
  if (strcmp(mode, "hello") == 0) return hello_main();
  if (strcmp(mode, "init") == 0 && argc > 3 && strcmp(argv[2], "--") == 0) return init_main(argv + 3);
  if (strcmp(mode, "version") == 0) return version();
  return usage();
}
