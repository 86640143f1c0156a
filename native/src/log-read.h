/* Lines of a json-file log as Docker's clients get them. See "Log" in README.md. */
#ifndef SKIFF_LOG_READ_H
#define SKIFF_LOG_READ_H

#include <stddef.h>

#define LOG_STDOUT 1u
#define LOG_STDERR 2u
#define LOG_RAW 4u        /* the text alone, without frames */
#define LOG_TIMESTAMPS 8u /* the time and a space before the text */

/* Renders the whole lines of a block that are as the shim writes them, up to the first that is not. Gives the bytes of the
 * block that it has dealt with; out has room for as many as the block has, and *written says how many it took. */
size_t log_render(const char *block, size_t length, unsigned wish, char *out, size_t *written);
/* The mode `log`: argv[1] is START, argv[2] END, argv[3] the wish. Gives the exit status. */
int log_main(char **argv);

#endif
