/* Flags and project quotas of folders. */
#include "folder.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/quota.h>

#include "frame.h"
#include "sys.h"

#define PROJECT_QUOTA 2 /* PRJQUOTA */
#define BLOCK_LIMITS 1u /* QIF_BLIMITS: only the limits of bytes are meant */
#define QUOTA_BLOCK 1024

static int open_folder(const char *path, struct err *e) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return fd < 0 ? err_errno(e, "open", path) : fd;
}

int folder_spread(const char *path, struct err *e) {
  int flags = 0; /* the kernel's own idea of a long in these calls */
  cleanup_close int fd = open_folder(path, e);
  if (fd < 0) return -1;
  if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0) return err_errno(e, "get flags", path);
  flags |= FS_TOPDIR_FL;
  return ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0 ? err_errno(e, "set flags", path) : 0;
}

static int join_project(int fd, uint32_t project, const char *path, struct err *e) {
  struct fsxattr attributes;
  if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0) return err_errno(e, "get the project of", path);
  attributes.fsx_projid = project;
  attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
  return ioctl(fd, FS_IOC_FSSETXATTR, &attributes) < 0 ? err_errno(e, "set the project of", path) : 0;
}

int folder_limit(uint32_t project, uint64_t bytes, char *const *paths, struct err *e) {
  struct dqblk limits;
  memset(&limits, 0, sizeof limits);
  limits.dqb_valid = BLOCK_LIMITS;
  limits.dqb_bhardlimit = (bytes + QUOTA_BLOCK - 1) / QUOTA_BLOCK;
  cleanup_close int first = open_folder(paths[0], e);
  if (first < 0) return -1;
  /* The limit before anything can be counted for it. */
  if (sys_quotactl_fd(first, QCMD(Q_SETQUOTA, PROJECT_QUOTA), project, &limits) < 0)
    return err_errno(e, "set the quota of the project of", paths[0]);
  for (char *const *path = paths; *path; path++) {
    cleanup_close int fd = open_folder(*path, e);
    if (fd < 0 || join_project(fd, project, *path, e) < 0) return -1;
  }
  return 0;
}

static int number(const char *text, uint64_t max, uint64_t *value, struct err *e) {
  char *end;
  errno = 0;
  *value = strtoull(text, &end, 10);
  return *text < '0' || *text > '9' || *end || errno != 0 || *value > max ? err_set(e, EINVAL, "number", text) : 0;
}

static int perform(int argc, char **argv, struct err *e) {
  uint64_t project, bytes;
  if (argc == 4 && strcmp(argv[2], "spread") == 0) return folder_spread(argv[3], e);
  if (argc < 6 || strcmp(argv[2], "limit") != 0) return err_set(e, EINVAL, "arguments of folder", argv[2]);
  if (number(argv[3], UINT32_MAX, &project, e) < 0 || number(argv[4], INT64_MAX, &bytes, e) < 0) return -1;
  return folder_limit((uint32_t)project, bytes, argv + 5, e);
}

int folder_main(int argc, char **argv) {
  struct err e = {0};
  uint8_t report[ERR_DETAIL + 16];
  if (argc < 3) return 2;
  int failed = perform(argc, argv, &e) < 0;
  struct writer w = {.at = report, .end = report + sizeof report};
  put_u32(&w, failed ? (uint32_t)e.number : 0);
  put_string(&w, failed ? e.detail : "");
  return write_all(1, report, (size_t)(w.at - report)) < 0 || failed;
}
