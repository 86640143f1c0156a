/* Frames between the daemon, the launcher and the shims. Compared with src/linux/helper-protocol.ts by a test. */
#ifndef SKIFF_PROTOCOL_H
#define SKIFF_PROTOCOL_H

#define PROTOCOL_VERSION 1

enum request_type {
  REQ_LAUNCH = 1,
  REQ_RUN = 2,
  REQ_SIGNAL = 3,
  REQ_PING = 4,
  REQ_NETLINK_QUERY = 5,
  REQ_SOCKET = 6,
  REQ_PROCEED = 7,
};
#define REPLY_BIT 0x8000u

#define SHIM_TTY 1u
#define SHIM_STDIN 2u
#define SHIM_STDIN_ONCE 4u
#define SHIM_NO_LOG 8u
#define SHIM_LINGER 16u
#define SHIM_COMPRESSED 32u
#define SHIM_HANDS_OVER 64u
#define SHIM_WAITS 128u

enum event_type {
  EVT_CREATED = 1,
  EVT_STARTED = 2,
  EVT_FAILED = 3,
  EVT_EXIT = 4,
  EVT_OOM = 5,
  EVT_SHIM_LOST = 6,
  EVT_STATUS = 7,
  EVT_DONE = 8,
  EVT_ROTATED = 9,
};

#define HELLO_MAGIC 0x53484d31u
enum connection_kind { CONN_ATTACH = 1, CONN_CONTROL = 2, CONN_ATTACH_MARKED = 3 };
#define ATTACH_STDIN 1u
#define ATTACH_STDOUT 2u
#define ATTACH_STDERR 4u
#define ATTACH_RAW 8u
#define ATTACH_CLOSE_STDIN 16u
#define ATTACH_RELEASE 32u

enum control_type {
  CTL_STATUS = 1,
  CTL_SIGNAL = 2,
  CTL_RESIZE = 3,
  CTL_CLOSE_STDIN = 4,
  CTL_RELEASE = 5,
  CTL_ROTATE = 6,
  CTL_FLUSH_LOG = 7,
  CTL_COMPRESSED = 8,
};

enum shim_state { SHIM_SETTING_UP = 0, SHIM_CREATED = 1, SHIM_RUNNING = 2, SHIM_EXITED = 3 };

enum unpack_kind {
  UNPACK_DIR = 1,
  UNPACK_FILE = 2,
  UNPACK_DATA = 3,
  UNPACK_HOLE = 4,
  UNPACK_END = 5,
  UNPACK_SYMLINK = 6,
  UNPACK_LINK = 7,
  UNPACK_NODE = 8,
  UNPACK_XATTR = 9,
  UNPACK_REMOVE = 10,
  UNPACK_COPY = 11,
  UNPACK_SYNC = 12,
  UNPACK_CLONE = 13,
};

/* Requests of `pack`; flag: with content. */
enum pack_request_kind { PACK_WALK = 1, PACK_STAT = 2 };
#define PACK_CONTENT 1u
#define PACK_SKIP_KERNEL 2u

enum pack_kind {
  PACK_ENTRY = 1,
  PACK_DATA = 2,
  PACK_HOLE = 3,
  PACK_END = 4,
  PACK_LINK = 5,
  PACK_MISSING = 6,
  PACK_DONE = 7,
};

/* Flags of records, each of one kind. */
#define UNPACK_XATTR_OPTIONAL 1u
#define UNPACK_DIR_KEEP 1u
#define UNPACK_SAME_KIND 0x80u /* of every record that makes an entry */
#define UNPACK_LINK_LEAVE_OUT 1u
#define UNPACK_NODE_UNLESS_THERE 1u

#endif
