/* Growing queues, writers, and events that wait for room without ever mixing. */
#include <fcntl.h>
#include <sys/socket.h>

#include "check.h"
#include "frame.h"
#include "plan.h"

static void queues_grow_and_keep_order(void) {
  struct buffer b = {0};
  struct err e;
  unsigned next_in = 0, next_out = 0;
  for (int round = 0; round < 2000; round++) {
    size_t n = (size_t)(round * 7919 % 3001);
    EXPECT(buffer_reserve(&b, n, &e) == 0);
    for (size_t i = 0; i < n; i++) b.data[b.end++] = (uint8_t)(next_in++ % 251);
    size_t taken = buffer_used(&b) * 2 / 3;
    for (size_t i = 0; i < taken; i++) EXPECT(b.data[b.start + i] == (uint8_t)(next_out++ % 251));
    buffer_consume(&b, taken);
  }
  buffer_consume(&b, buffer_used(&b));
  buffer_trim(&b, 0);
  EXPECT(b.data == NULL && b.capacity == 0);
}

static void writers_refuse_what_does_not_fit(void) {
  uint8_t bytes[14];
  struct writer w = {.at = bytes, .end = bytes + sizeof bytes};
  put_u16(&w, 0x1234);
  put_u32(&w, 0x89abcdef);
  put_string(&w, "abc");
  EXPECT(!w.failed && w.at == w.end);
  EXPECT(memcmp(bytes, "\x34\x12\xef\xcd\xab\x89\x03\0\0\0abc", 14) == 0);
  put_u16(&w, 1);
  EXPECT(w.failed && w.at == w.end);
}

static void make_event(struct event *ev, uint32_t number) {
  event_begin(ev, 5, 77);
  put_u32(&ev->body, number);
  put_string(&ev->body, "some detail to make it longer");
}

/* Two senders on one socket nobody reads, then a reader: whole frames, each sender's in order. */
static void events_wait_for_room(void) {
  int ends[2];
  struct event ev;
  EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  struct outbox boxes[2] = {{.fd = ends[0], .limit = 1 << 20}, {.fd = ends[0], .limit = 1 << 20}};
  uint32_t sent[2] = {0, 0}, seen[2] = {0, 0};
  while (buffer_used(&boxes[1].queue) == 0 || sent[1] % 100 != 0) {
    for (uint32_t i = 0; i < 2; i++) {
      make_event(&ev, i << 31 | sent[i]++);
      EXPECT(outbox_send(&boxes[i], &ev) == 0);
    }
  }
  for (;;) {
    uint8_t head[4], body[2048];
    for (int i = 0; i < 2; i++) EXPECT(outbox_flush(&boxes[i]) == 0);
    if (seen[0] == sent[0] && seen[1] == sent[1]) break;
    EXPECT_NUMBER(recv(ends[1], head, 4, MSG_WAITALL), 4);
    struct reader r = {.at = head, .end = head + 4};
    uint32_t length = read_u32(&r);
    EXPECT(length < sizeof body);
    EXPECT_NUMBER(recv(ends[1], body, length, MSG_WAITALL), length);
    r = (struct reader){.at = body, .end = body + length};
    EXPECT_NUMBER(read_u16(&r), 5);
    EXPECT_NUMBER(read_u16(&r), 0);
    EXPECT_NUMBER(read_u64(&r), 77);
    uint32_t number = read_u32(&r);
    EXPECT_NUMBER(number & 0x7fffffff, seen[number >> 31]++);
    EXPECT_TEXT(read_string(&r), "some detail to make it longer");
    EXPECT(!r.failed && r.at == r.end);
  }
  close(ends[1]);
  make_event(&ev, 0);
  EXPECT(outbox_send(&boxes[0], &ev) < 0 && errno == EPIPE);
  close(ends[0]);
}

static void a_full_queue_is_said(void) {
  int ends[2];
  struct event ev;
  EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  struct outbox box = {.fd = ends[0], .limit = 1000};
  int result;
  do {
    make_event(&ev, 1);
    result = outbox_send(&box, &ev);
  } while (result == 0);
  EXPECT_NUMBER(errno, ENOBUFS);
  EXPECT(buffer_used(&box.queue) <= 1000);
  buffer_free(&box.queue);
  close(ends[0]);
  close(ends[1]);
}

int main(void) {
  queues_grow_and_keep_order();
  writers_refuse_what_does_not_fit();
  events_wait_for_room();
  a_full_queue_is_said();
  printf("ok: frame\n");
  return 0;
}
