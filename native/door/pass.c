/* Frames between the terminal and the daemon. */
#include "door.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#ifndef SKIFF_VERSION
#error "the Makefile gives the version of the package"
#endif

#define BROKEN_PIPE 141 /* as SIGPIPE would end others */
#define LOST 125        /* compat: what clients say of a daemon that failed */

static const char request[] = "POST /skiff/command HTTP/1.1\r\nHost: skiff\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";

int write_whole(int fd, const void *from, size_t length) {
  for (const char *at = from; length > 0;) {
    ssize_t done = write(fd, at, length);
    if (done < 0 && errno == EAGAIN) {
      struct pollfd room = {.fd = fd, .events = POLLOUT};
      poll(&room, 1, -1);
    }
    if (done < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (done < 0) return -1;
    at += done;
    length -= (size_t)done;
  }
  return 0;
}

int read_whole(int fd, void *to, size_t length) {
  for (char *at = to; length > 0;) {
    ssize_t got = read(fd, at, length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return -1;
    at += got;
    length -= (size_t)got;
  }
  return 0;
}

static void put_length(uint8_t *at, size_t length) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(length >> (24 - 8 * i));
}

int send_frame(int fd, char type, const void *payload, size_t length) {
  uint8_t head[5] = {(uint8_t)type};
  put_length(head + 1, length);
  if (write_whole(fd, head, sizeof head) < 0) return -1;
  return length == 0 ? 0 : write_whole(fd, payload, length);
}

static size_t strings(char **list) {
  size_t total = 0;
  for (; *list; list++) total += strlen(*list) + 1;
  return total;
}

static char *put(char *at, const char *text) {
  return stpcpy(at, text) + 1;
}

int door_ask(int fd, int argc, char **argv, char **environment) {
  char folder[4096], terminals[32], count[16];
  struct winsize size = {0};
  if (!getcwd(folder, sizeof folder)) return -1;
  for (int each = 0; each < 3; each++) terminals[each] = isatty(each) ? 't' : '-';
  if (terminals[1] == 't') ioctl(1, TIOCGWINSZ, &size);
  snprintf(terminals + 3, sizeof terminals - 3, " %u %u", size.ws_row, size.ws_col);
  snprintf(count, sizeof count, "%d", argc);
  size_t length = strlen(SKIFF_VERSION) + strlen(folder) + strlen(terminals) + strlen(count) + 4 + strings(argv) +
                  strings(environment);
  size_t head = sizeof request - 1;
  char *message = malloc(head + 5 + length);
  if (!message) return -1;
  memcpy(message, request, head);
  message[head] = FRAME_COMMAND;
  put_length((uint8_t *)message + head + 1, length);
  char *at = put(put(put(put(message + head + 5, SKIFF_VERSION), folder), terminals), count);
  for (; *argv; argv++) at = put(at, *argv);
  for (; *environment; environment++) at = put(at, *environment);
  watch_signals();
  int result = write_whole(fd, message, head + 5 + length);
  free(message);
  if (result < 0) return -1;
  /* The answer's head, byte for byte up to the empty line: frames begin right behind it. */
  char answer[1024];
  for (size_t got = 0; got < sizeof answer; got++) {
    if (read_whole(fd, answer + got, 1) < 0) return -1;
    if (got >= 3 && !memcmp(answer + got - 3, "\r\n\r\n", 4)) {
      if (strncmp(answer, "HTTP/1.1 101", 12)) return -1;
      return 0;
    }
  }
  return -1;
}

/* What is there, up to a chunk, or its end. 0 when there was nothing after all. */
static int pass_input(int fd) {
  static char chunk[CHUNK_BYTES];
  ssize_t got = read(0, chunk, sizeof chunk);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return 0;
  send_frame(fd, FRAME_INPUT, chunk, got > 0 ? (size_t)got : 0);
  return 1;
}

/* Copies a frame's payload; a reader that has seen enough ends us as it would end others. */
static int pass_output(int fd, int to, size_t length) {
  static char chunk[CHUNK_BYTES];
  while (length > 0) {
    size_t part = length < sizeof chunk ? length : sizeof chunk;
    if (read_whole(fd, chunk, part) < 0) return -1;
    for (size_t done = 0; done < part;) {
      ssize_t now = write(to, chunk + done, part - done);
      send_signals(fd);
      if (now >= 0) done += (size_t)now;
      else if (errno == EAGAIN) poll(&(struct pollfd){.fd = to, .events = POLLOUT}, 1, -1);
      else if (errno != EINTR) {
        restore_terminal();
        _exit(BROKEN_PIPE);
      }
    }
    length -= part;
  }
  return 0;
}

/* One frame of the daemon's. -1 to go on, -2 at the end of the connection, -3 for FRAME_ELSE, or the exit code. */
static int take_frame(int fd, int *wants_input) {
  uint8_t head[5], payload[64];
  if (read_whole(fd, head, sizeof head) < 0) return -2;
  size_t length = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
  if (head[0] == FRAME_OUT) return pass_output(fd, 1, length) < 0 ? -2 : -1;
  if (head[0] == FRAME_ERR) return pass_output(fd, 2, length) < 0 ? -2 : -1;
  if (length > sizeof payload || read_whole(fd, payload, length) < 0) return -2;
  switch (head[0]) {
    case FRAME_WANT: *wants_input = 1; return -1;
    case FRAME_RAW: set_raw(length > 0 && payload[0]); return -1;
    case FRAME_CATCH: catch_signals(payload, length); return -1;
    case FRAME_EXIT: return length > 0 ? payload[0] : 0;
    case FRAME_ELSE: return -3;
    default: return -2;
  }
}

int door_pass(int fd) {
  int wants_input = 0;
  for (;;) {
    struct pollfd each[3] = {{.fd = fd, .events = POLLIN},
                             {.fd = wants_input ? 0 : -1, .events = POLLIN},
                             {.fd = signal_bell(), .events = POLLIN}};
    int ready = poll(each, 3, -1);
    send_signals(fd);
    if (ready <= 0) continue;
    if (each[1].revents && pass_input(fd)) wants_input = 0;
    if (!each[0].revents) continue;
    int result = take_frame(fd, &wants_input);
    if (result == -1) continue;
    restore_terminal();
    if (result == -3) return -1;
    if (result >= 0) return result;
    static const char lost[] = "skiff: the daemon went away in the middle of the command\n";
    write_whole(2, lost, sizeof lost - 1);
    return LOST;
  }
}
