/* Mode `run`: performs one plan for the OCI command line. See README.md, "Run". */
#ifndef SKIFF_RUN_H
#define SKIFF_RUN_H

/* argv[0] is the mode. Gives the exit status of the process. */
int run_main(int argc, char **argv);

#endif
