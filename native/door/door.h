/* The front door: a command line handed to the daemon, and the terminal between it and the daemon. */
#ifndef SKIFF_DOOR_H
#define SKIFF_DOOR_H

#include <stddef.h>
#include <stdint.h>

/* Frames on the connection, src/wire/command-frames.ts: one byte, the payload's length in four bytes (big endian), the
 * payload. From here to the daemon: */
#define FRAME_COMMAND 'c' /* version, folder, which are terminals and the size, argument count, arguments, variables, each ending in NUL */
#define FRAME_INPUT 'i'   /* bytes of stdin; none: its end */
#define FRAME_SIGNAL 's'  /* one byte: its number */
#define FRAME_SIZE 'z'    /* rows and columns of the terminal, two bytes each */
/* and back: */
#define FRAME_OUT 'o'     /* for stdout */
#define FRAME_ERR 'e'     /* for stderr */
#define FRAME_WANT 'w'    /* read stdin once */
#define FRAME_RAW 'r'     /* one byte: the terminal is the program's (1) or the user's (0) */
#define FRAME_CATCH 'k'   /* numbers of the signals that are sent instead of suffered; none: none */
#define FRAME_EXIT 'x'    /* one byte: the exit code. The last frame */
#define FRAME_ELSE 'n'    /* this command needs a process of the user's own. The only frame */

#define CHUNK_BYTES 65536

/* Where the daemon of this command line listens: 0, or -1 when that is not for this program to find out. */
int door_socket(int argc, char **argv, char **environment, char *path, size_t size);

/* Sends a command line. 0, or -1 when the daemon does not take it. */
int door_ask(int fd, int argc, char **argv, char **environment);

/* Passes bytes until the command has ended. Its exit code, or -1: it was not begun, somebody else has to. */
int door_pass(int fd);

int send_frame(int fd, char type, const void *payload, size_t length);
/* A byte of the other side's; 0, or -1 at the end. */
int read_whole(int fd, void *to, size_t length);
int write_whole(int fd, const void *from, size_t length);

/* Signals: suffered as usual, after the terminal was given back, unless the daemon wants them. */
void watch_signals(void);
/* Readable when something was caught. */
int signal_bell(void);
void catch_signals(const uint8_t *numbers, size_t count);
/* Sends what was caught since. */
void send_signals(int fd);
void set_raw(int on);
void restore_terminal(void);
void send_size(int fd);

#endif
