/* The small modes of the helper; see "Modes" in README.md. */
#ifndef SKIFF_MODES_H
#define SKIFF_MODES_H

/* Prints what a container sees of its isolation. Gives 0. */
int hello_main(void);
/* A small init: runs argv, forwards signals, reaps, gives its exit status (128 + signal; 126, 127 when it cannot run).
 */
int init_main(char **argv);

#endif
