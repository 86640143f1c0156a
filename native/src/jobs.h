/* Requests of the launcher that are performed in a process of their own, because they change namespaces or may block.
 */
#ifndef SKIFF_JOBS_H
#define SKIFF_JOBS_H

#include "frame.h"
#include "plan.h"

/* Each writes the body of a reply (README.md, "Launcher") behind reply->end. */
void job_run(const void *plan, size_t length, struct buffer *reply);
void job_netlink(struct reader *request, struct buffer *reply);
/* Sends the socket it makes over `channel`. */
void job_socket(struct reader *request, int channel, struct buffer *reply);
/* In the launcher itself: a signal to a process that must be the one meant. Gives an errno. */
int signal_process(uint32_t pid, uint64_t starttime, uint32_t number);

#endif
