/* Performs a plan: the two streams, the child, and what they tell each other. */
#ifndef SKIFF_VM_H
#define SKIFF_VM_H

#include <sys/types.h>

#include "plan.h"

/* The first failure of a plan. */
struct failure {
  uint32_t stream; /* 0 parent, 1 child */
  uint32_t index;  /* of the op in its stream */
  uint32_t code;
  struct err err;
};

enum vm_state {
  VM_BATCH_DONE, /* the plan had no CLONE and has been performed */
  VM_HELD,       /* the child is in HOLD */
  VM_EXECED,     /* the child runs its program */
};

/* Where the child stands; on a page shared with the parent, so that a child killed before exec can be located. */
struct progress {
  uint32_t index;
  uint32_t code;
};

struct vm {
  int slots[SLOT_COUNT];    /* -1: empty; all close-on-exec */
  pid_t child;              /* as the parent sees it; 0 before CLONE */
  uint64_t child_starttime; /* field 22 of /proc/PID/stat */
  int pty_master;           /* received from the child's PTY op, else -1 */
  int held_by_parent;       /* HOLD without a slot: vm_release lets it go */
  int preserve_fds;         /* `run`: fds 3 … 2+n belong to the container */
  /* Private to the executor. */
  int in_child;
  int proc;                  /* /proc as it was before the plan, so that pids keep their meaning after SETNS */
  int word;                  /* what AWAIT reads from, else -1; the parent's */
  int reporter;              /* the child's place for error reports after HOLD with a slot, else -1 */
  mode_t umask;              /* what EXEC sets; while a plan is performed the umask is 0 and modes are exact */
  const char *program;       /* found by FIND_EXEC */
  struct progress *progress; /* NULL outside vm_launch … vm_finish */
  int child_failed;          /* child_failure has been received */
  struct failure child_failure;
  unsigned char tree[SLOT_COUNT]; /* the slot holds a detached mount, to be attached rather than cloned */
};

/* Empty slots; the caller puts the child's stdio into slots 1 to 3 (close-on-exec, above 2) and sets preserve_fds. */
void vm_init(struct vm *vm);
/* Runs the parent stream, and waits until the child is held or has exec'ed. -1: f is set, the child is dead and reaped.
 * The plan's bytes must stay until then. Do not reap the child before vm_finish: its status tells whether it exec'ed.
 */
int vm_launch(struct vm *vm, const struct plan *plan, enum vm_state *state, struct failure *f);
/* After VM_HELD with held_by_parent: lets the child go. vm->slots[SLOT_SYNC] then becomes readable when it has exec'ed
 * or failed. */
int vm_release(struct vm *vm, struct failure *f);
/* Reads the end of the child's stream (blocking): 0 exec'ed, -1 f is set, the child is dead and reaped. */
int vm_finish(struct vm *vm, struct failure *f);
/* Closes every slot and the pty master (take it out before by setting it to -1). */
void vm_close(struct vm *vm);

#endif
