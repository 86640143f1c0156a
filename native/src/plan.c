/* The reader of untrusted bytes, and the decoder: it checks a whole plan before the first operation is performed. */
#include "plan.h"

#include <sched.h>
#include <string.h>

#include "op-table.h"
#include "text.h"

#define OP_LIMIT 128 /* codes are below */
#define HEADER_SIZE 16
/* CLONE_NEW*: what CLONE may ask for; anything else (shared memory, threads) would break parent and child. */
#define CLONE_NAMESPACES \
  (0x80u | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

struct op_shape {
  const char *fields; /* NULL: no such operation */
  unsigned who;
  unsigned flags;
};

#define OP_SHAPE(name, function, where, shape, allowed) [OP_##name] = {shape, where, allowed},
static const struct op_shape shapes[OP_LIMIT] = {OP_TABLE(OP_SHAPE)};
#undef OP_SHAPE

static const uint8_t *take(struct reader *r, size_t length) {
  if (r->failed || (size_t)(r->end - r->at) < length) {
    r->failed = 1;
    return NULL;
  }
  const uint8_t *start = r->at;
  r->at += length;
  return start;
}

uint16_t read_u16(struct reader *r) {
  const uint8_t *p = take(r, 2);
  if (p == NULL) return 0;
  return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t read_u32(struct reader *r) {
  const uint8_t *p = take(r, 4);
  return p == NULL ? 0 : (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t read_u64(struct reader *r) {
  uint64_t low = read_u32(r);
  return low | (uint64_t)read_u32(r) << 32;
}

struct bytes read_data(struct reader *r) {
  uint32_t length = read_u32(r);
  const uint8_t *data = take(r, (size_t)length + 1);
  if (data != NULL && data[length] != 0) r->failed = 1;
  if (r->failed) return (struct bytes){NULL, 0};
  return (struct bytes){(const char *)data, length};
}

const char *read_string(struct reader *r) {
  struct bytes b = read_data(r);
  if (b.data != NULL && memchr(b.data, 0, b.length) != NULL) r->failed = 1;
  return r->failed ? NULL : b.data;
}

uint32_t read_list(struct reader *r, struct reader *items) {
  uint32_t count = read_u32(r);
  *items = *r;
  for (uint32_t i = 0; i < count && !r->failed; i++) read_string(r);
  items->end = r->at;
  items->failed = r->failed;
  return r->failed ? 0 : count;
}

static void read_slot(struct reader *r, uint32_t lowest, int may_be_none) {
  uint32_t slot = read_u32(r);
  if (slot == SLOT_NONE ? !may_be_none : slot < lowest || slot >= SLOT_COUNT) r->failed = 1;
}

static void read_numbers(struct reader *r) {
  take(r, (size_t)read_u32(r) * 4);
}

static void read_field(struct reader *r, char field) {
  struct reader items;
  switch (field) {
    case 'u':
      read_u32(r);
      break;
    case 'U':
      read_u64(r);
      break;
    case 's':
      read_string(r);
      break;
    case 'd':
      read_data(r);
      break;
    case 'i':
      if (read_data(r).length % 8 != 0) r->failed = 1;
      break;
    case 'l':
      read_list(r, &items);
      break;
    case 'g':
      read_numbers(r);
      break;
    case 'R':
    case 'O':
      read_slot(r, 0, field == 'O');
      break;
    default: /* W and V */
      read_slot(r, SLOT_SYNC + 1, field == 'V');
  }
}

int plan_next(struct reader *stream, struct op *op) {
  if (stream->at == stream->end) return 0;
  op->code = read_u16(stream);
  op->flags = read_u16(stream);
  uint32_t length = read_u32(stream);
  const uint8_t *payload = take(stream, length);
  if (payload == NULL) return 0;
  op->payload = (struct reader){payload, payload + length, 0};
  return 1;
}

static int refuse(struct err *e, const char *what, uint32_t stream, uint32_t index, uint32_t code) {
  TEXT(place, 80);
  text_add(&place, stream == 0 ? "parent operation " : "child operation ");
  text_number(&place, index);
  text_add(&place, ", code ");
  text_number(&place, code);
  return err_set(e, EINVAL, what, place.data);
}

/* What the shape cannot say: values that must not reach the kernel, and offsets into other fields. */
static const char *check_values(const struct op *op) {
  struct reader r = op->payload;
  if (op->code == OP_CLONE && (read_u64(&r) & ~(uint64_t)CLONE_NAMESPACES) != 0) return "clone flag is not a namespace";
  if (op->code == OP_POST && read_u32(&r) == POST_RELEASE) return "this number is kept for the release";
  if (op->code == OP_NETLINK) {
    read_u32(&r);
    uint32_t length = read_data(&r).length;
    uint32_t offset = read_u32(&r);
    if (offset != SLOT_NONE && (length < 4 || offset > length - 4)) return "pid offset is outside of the messages";
  }
  return NULL;
}

static const char *check_op(const struct op *op, uint32_t stream) {
  if (op->code >= OP_LIMIT || shapes[op->code].fields == NULL) return "unknown operation";
  const struct op_shape *shape = &shapes[op->code];
  if ((shape->who & (stream == 0 ? IN_PARENT : IN_CHILD)) == 0) return "operation is not allowed in this stream";
  if ((op->flags & ~shape->flags) != 0) return "unknown flag";
  struct reader r = op->payload;
  for (const char *field = shape->fields; *field != '\0'; field++) read_field(&r, *field);
  if (r.failed) return "malformed payload";
  if (r.at != r.end) return "bytes after the payload";
  return check_values(op);
}

/* Walks one stream; counts of the codes that may stand only once or only at the end are given back. */
static int check_stream(struct reader *r, uint32_t stream, uint32_t ops, uint32_t seen[OP_LIMIT], struct err *e) {
  struct op op = {0};
  for (uint32_t i = 0; i < ops; i++) {
    if (!plan_next(r, &op)) return refuse(e, "plan is cut off", stream, i, 0);
    const char *wrong = check_op(&op, stream);
    if (wrong == NULL && (op.code == OP_CLONE || op.code == OP_HOLD || op.code == OP_EXEC) && seen[op.code] > 0)
      wrong = "operation may stand only once";
    if (wrong == NULL && op.code == OP_EXEC && i + 1 != ops) wrong = "operation must be the last";
    if (wrong != NULL) return refuse(e, wrong, stream, i, op.code);
    seen[op.code]++;
  }
  return 0;
}

int plan_decode(const void *data, size_t length, struct plan *plan, struct err *e) {
  struct reader r = {data, (const uint8_t *)data + length, 0};
  uint32_t seen[OP_LIMIT] = {0};
  if (length < HEADER_SIZE) return err_set(e, EINVAL, "plan is cut off", "header");
  if (read_u32(&r) != PLAN_MAGIC) return err_set(e, EINVAL, "not a plan", "magic");
  if (read_u32(&r) != length) return err_set(e, EINVAL, "plan has another length than its header says", NULL);
  plan->parent_ops = read_u32(&r);
  plan->child_ops = read_u32(&r);
  plan->parent = r;
  if (check_stream(&r, 0, plan->parent_ops, seen, e) < 0) return -1;
  plan->parent.end = r.at;
  plan->child = r;
  if (check_stream(&r, 1, plan->child_ops, seen, e) < 0) return -1;
  if (r.at != r.end) return err_set(e, EINVAL, "bytes after the last operation", NULL);
  if (seen[OP_CLONE] != seen[OP_EXEC])
    return err_set(e, EINVAL, seen[OP_CLONE] ? "child stream has no EXEC" : "child stream without CLONE", NULL);
  if (seen[OP_CLONE] == 0 && plan->child_ops > 0) return err_set(e, EINVAL, "child stream without CLONE", NULL);
  return 0;
}
