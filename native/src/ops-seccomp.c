/* Operations that load BPF programs: the system call filter, and the device filter of a cgroup. */
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>

#include "ops.h"
#include "sys.h"

#define INSN_SIZE 8
#define OLD_PROGRAMS 64

int op_seccomp(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  uint32_t flags = read_u32(&r);
  struct bytes insns = read_data(&r);
  uint32_t slot = read_u32(&r);
  if (insns.length / INSN_SIZE > BPF_MAXINSNS) return err_set(e, E2BIG, "seccomp", "filter too long");
  struct sock_fprog program = {.len = (unsigned short)(insns.length / INSN_SIZE),
                               .filter = (struct sock_filter *)(uintptr_t)insns.data};
  long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
  if (result < 0) return err_errno(e, "seccomp", NULL);
  if ((flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) == 0) {
    /* With TSYNC a thread that could not take the filter is named; there is only one here. */
    return result == 0 ? 0 : err_set(e, EBUSY, "seccomp", "a thread refused the filter");
  }
  if (slot != SLOT_NONE) return slot_set(vm, slot, (int)result, e);
  close((int)result);
  return err_set(e, EINVAL, "seccomp", "a listener needs a slot");
}

static int sys_bpf(int command, union bpf_attr *attr) {
  return (int)syscall(SYS_bpf, command, attr, sizeof *attr);
}

static int load_program(struct bytes insns) {
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attr.insns = (uint64_t)(uintptr_t)insns.data;
  attr.insn_cnt = insns.length / INSN_SIZE;
  attr.license = (uint64_t)(uintptr_t) "Apache";
  return sys_bpf(BPF_PROG_LOAD, &attr);
}

static int attach_or_detach(int command, int cgroup, int program, uint32_t flags) {
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.target_fd = (uint32_t)cgroup;
  attr.attach_bpf_fd = (uint32_t)program;
  attr.attach_type = BPF_CGROUP_DEVICE;
  attr.attach_flags = flags;
  return sys_bpf(command, &attr);
}

/* The ids of the device programs attached to this cgroup itself. */
static int query_programs(int cgroup, uint32_t ids[OLD_PROGRAMS], uint32_t *count) {
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.query.target_fd = (uint32_t)cgroup;
  attr.query.attach_type = BPF_CGROUP_DEVICE;
  attr.query.prog_ids = (uint64_t)(uintptr_t)ids;
  attr.query.prog_cnt = OLD_PROGRAMS;
  if (sys_bpf(BPF_PROG_QUERY, &attr) < 0) return -1;
  *count = attr.query.prog_cnt;
  return 0;
}

static int detach_by_id(int cgroup, uint32_t id) {
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.prog_id = id;
  cleanup_close int program = sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr);
  if (program < 0) return errno == ENOENT ? 0 : -1;
  return attach_or_detach(BPF_PROG_DETACH, cgroup, program, 0);
}

int op_bpf_device(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  const char *path = read_string(&r);
  struct bytes insns = read_data(&r);
  uint32_t old[OLD_PROGRAMS];
  uint32_t count = 0;
  (void)vm;
  cleanup_close int cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (cgroup < 0) return err_errno(e, "open", path);
  cleanup_close int program = load_program(insns);
  if (program < 0) return err_errno(e, "load device filter for", path);
  if ((op->flags & OPF_REPLACE) != 0 && query_programs(cgroup, old, &count) < 0)
    return err_errno(e, "list device filters of", path);
  /* The new one first: all attached programs must allow an access, so there is no moment without a filter. */
  if (attach_or_detach(BPF_PROG_ATTACH, cgroup, program, BPF_F_ALLOW_MULTI) < 0)
    return err_errno(e, "attach device filter to", path);
  for (uint32_t i = 0; i < count; i++)
    if (detach_by_id(cgroup, old[i]) < 0) return err_errno(e, "detach old device filter of", path);
  return 0;
}
