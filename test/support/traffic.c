/*
 * Sends and counts: how fast a connection is, and how many questions for names are answered at a steady pace. Static, so
 * that it runs in any root file system.
 *
 *   traffic sink PORT                 takes one connection, prints "BYTES MILLISECONDS" of what came by it
 *   traffic source ADDRESS PORT MS    sends for so long
 *   traffic ask ADDRESS NAME RATE MS  asks for A records, prints "ASKED ANSWERED"
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long now_us(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1000000L + at.tv_nsec / 1000;
}

static int fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  return 1;
}

static struct sockaddr_in address_of(const char *text, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  inet_pton(AF_INET, text, &address.sin_addr);
  return address;
}

static char buffer[1 << 16];

static int sink(int port) {
  struct sockaddr_in address = address_of("0.0.0.0", port);
  int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (void *)&address, sizeof address) || listen(listener, 1)) return fail("listen");
  int peer = accept(listener, NULL, NULL);
  if (peer < 0) return fail("accept");
  long bytes = 0, start = 0, end = 0;
  for (ssize_t got; (got = read(peer, buffer, sizeof buffer)) > 0; bytes += got) {
    end = now_us();
    if (start == 0) start = end;
  }
  printf("%ld %ld\n", bytes, (end - start) / 1000);
  return 0;
}

static int source(const char *to, int port, long ms) {
  struct sockaddr_in address = address_of(to, port);
  int peer = -1;
  for (int tries = 0; tries < 200; tries++) {
    peer = socket(AF_INET, SOCK_STREAM, 0);
    if (!connect(peer, (void *)&address, sizeof address)) break;
    close(peer);
    peer = -1;
    usleep(10000);
  }
  if (peer < 0) return fail("connect");
  /* What waits here when the time is over still has to go through. */
  int most = 1 << 15;
  setsockopt(peer, SOL_SOCKET, SO_SNDBUF, &most, sizeof most);
  for (long until = now_us() + ms * 1000; now_us() < until;)
    if (write(peer, buffer, 1 << 14) < 0) return fail("write");
  return 0;
}

/* A question with this id, of type A. */
static size_t question(unsigned char *out, const char *name, unsigned id) {
  memset(out, 0, 12);
  out[0] = (unsigned char)(id >> 8);
  out[1] = (unsigned char)id;
  out[2] = out[5] = 1;
  unsigned char *at = out + 12;
  for (const char *label = name; *label;) {
    size_t length = strcspn(label, ".");
    *at++ = (unsigned char)length;
    memcpy(at, label, length);
    at += length;
    label += length + (label[length] == '.');
  }
  memcpy(at, "\0\0\1\0\1", 5);
  return (size_t)(at + 5 - out);
}

static long take(int fd) {
  unsigned char answer[512];
  long count = 0;
  /* An answer without a mistake, with one record. */
  for (ssize_t got; (got = recv(fd, answer, sizeof answer, MSG_DONTWAIT)) > 0;)
    count += got > 12 && (answer[3] & 15) == 0 && answer[7] >= 1;
  return count;
}

static int ask(const char *server, const char *name, long rate, long ms) {
  struct sockaddr_in address = address_of(server, 53);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (connect(fd, (void *)&address, sizeof address)) return fail("connect");
  /* Whoever asks that much makes room for the answers. */
  int room = 1 << 22;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  unsigned char message[512];
  long asked = 0, answered = 0, total = rate * ms / 1000, start = now_us();
  while (asked < total) {
    long due = (now_us() - start) * rate / 1000000 + 1;
    for (; asked < due && asked < total; asked++)
      if (send(fd, message, question(message, name, (unsigned)asked), 0) < 0) return fail("send");
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    struct timespec pause = {0, 500000};
    ppoll(&wait, 1, &pause, NULL);
    answered += take(fd);
  }
  for (long until = now_us() + 3000000; answered < asked && now_us() < until; answered += take(fd)) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    poll(&wait, 1, 50);
  }
  printf("%ld %ld\n", asked, answered);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 3 && !strcmp(argv[1], "sink")) return sink(atoi(argv[2]));
  if (argc == 5 && !strcmp(argv[1], "source")) return source(argv[2], atoi(argv[3]), atol(argv[4]));
  if (argc == 6 && !strcmp(argv[1], "ask")) return ask(argv[2], argv[3], atol(argv[4]), atol(argv[5]));
  fprintf(stderr, "traffic sink PORT | source ADDRESS PORT MS | ask ADDRESS NAME RATE MS\n");
  return 2;
}
