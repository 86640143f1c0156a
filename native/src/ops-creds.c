/* Operations on what a process may do and have: capabilities, ids, limits, keyring, umask. Raw system calls for ids and
 * groups: the C library's wrappers would first look for threads of the process it was before clone. */
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>

#include "ops.h"
#include "sys.h"

#define CAP_LAST_POSSIBLE 63
#define GROUPS_LIMIT 4096 /* the kernel's limit is 65536; this is what stays on the stack */
#define KEYCTL_JOIN 1
#define KEYCTL_PERMISSIONS 5
/* keyrings(7): possessor all; user view, read, search, link. */
#define KEYRING_RIGHTS 0x3f1b0000ul

int op_rlimit(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  (void)vm;
  uint32_t resource = read_u32(&r);
  struct {
    uint64_t soft, hard;
  } limit;
  limit.soft = read_u64(&r);
  limit.hard = read_u64(&r);
  return syscall(SYS_prlimit64, 0, resource, &limit, NULL) < 0 ? err_errno(e, "prlimit", NULL) : 0;
}

int op_cap_bound(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  uint64_t mask = read_u64(&r);
  (void)vm;
  for (unsigned long cap = 0; cap <= CAP_LAST_POSSIBLE; cap++) {
    int present = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
    if (present < 0) return 0; /* the kernel knows no more */
    if (present == 1 && (mask >> cap & 1) == 0 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
      return err_errno(e, "drop from the bounding set", NULL);
  }
  return 0;
}

static int set_groups(struct reader *r, struct err *e) {
  gid_t groups[GROUPS_LIMIT];
  uint32_t count = read_u32(r);
  if (count > GROUPS_LIMIT) return err_set(e, EINVAL, "setgroups", "too many groups");
  for (uint32_t i = 0; i < count; i++) groups[i] = read_u32(r);
  return syscall(SYS_setgroups, count, groups) < 0 ? err_errno(e, "setgroups", NULL) : 0;
}

int op_user(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  uid_t uid = read_u32(&r);
  gid_t gid = read_u32(&r);
  (void)vm;
  /* Otherwise leaving uid 0 would empty the permitted set, and CAP_SET could grant nothing. Exec clears it. */
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) return err_errno(e, "prctl", "PR_SET_KEEPCAPS");
  if ((op->flags & OPF_NO_SETGROUPS) == 0 && set_groups(&r, e) < 0) return -1;
  if (syscall(SYS_setresgid, gid, gid, gid) < 0) return err_errno(e, "setresgid", NULL);
  return syscall(SYS_setresuid, uid, uid, uid) < 0 ? err_errno(e, "setresuid", NULL) : 0;
}

int op_cap_set(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  (void)vm;
  uint64_t effective = read_u64(&r);
  uint64_t permitted = read_u64(&r);
  uint64_t inheritable = read_u64(&r);
  uint64_t ambient = read_u64(&r);
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct sets[2];
  for (unsigned i = 0; i < 2; i++) {
    sets[i].effective = (uint32_t)(effective >> (32 * i));
    sets[i].permitted = (uint32_t)(permitted >> (32 * i));
    sets[i].inheritable = (uint32_t)(inheritable >> (32 * i));
  }
  if (syscall(SYS_capset, &header, sets) < 0) return err_errno(e, "capset", NULL);
  /* Before 4.3 there is no ambient set to clear. */
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && (errno != EINVAL || ambient != 0))
    return err_errno(e, "clear ambient capabilities", NULL);
  for (unsigned long cap = 0; cap <= CAP_LAST_POSSIBLE; cap++)
    if ((ambient >> cap & 1) != 0 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
      return err_errno(e, "raise ambient capability", NULL);
  return 0;
}

int op_no_new_privs(struct vm *vm, const struct op *op, struct err *e) {
  (void)vm;
  (void)op;
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? err_errno(e, "prctl", "PR_SET_NO_NEW_PRIVS") : 0;
}

int op_dumpable(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  (void)vm;
  return prctl(PR_SET_DUMPABLE, read_u32(&r), 0, 0, 0) < 0 ? err_errno(e, "prctl", "PR_SET_DUMPABLE") : 0;
}

/* Remembered for EXEC and hooks: until then the umask is 0, so that what a plan makes has the modes it says. */
int op_umask(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  (void)e;
  vm->umask = read_u32(&r) & 0777;
  return 0;
}

int op_keyring(struct vm *vm, const struct op *op, struct err *e) {
  struct reader r = op->payload;
  const char *name = read_string(&r);
  (void)vm;
  long ring = syscall(SYS_keyctl, KEYCTL_JOIN, name, 0, 0, 0);
  if (ring < 0) return err_errno(e, "join session keyring", name);
  if (syscall(SYS_keyctl, KEYCTL_PERMISSIONS, ring, KEYRING_RIGHTS, 0, 0) < 0)
    return err_errno(e, "set keyring permissions", name);
  return 0;
}
