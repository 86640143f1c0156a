/* A stand-in for libatomic.so.1 on systems without it: the one function that Node asks of it. Built for the package only,
 * and used only where the real one is missing (bin/run-node). */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* By its symbol: the name itself is the compiler's. */
bool compare_exchange(size_t size, void *object, void *expected, const void *desired, int success, int failure)
    __asm__("__atomic_compare_exchange");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define EXCHANGE(type)                                                                                     \
  do {                                                                                                     \
    type wanted;                                                                                           \
    memcpy(&wanted, desired, sizeof wanted);                                                               \
    return __atomic_compare_exchange_n((type *)object, (type *)expected, wanted, false, __ATOMIC_SEQ_CST, \
                                       __ATOMIC_SEQ_CST);                                                  \
  } while (0)

/* Always in the strictest order, whatever is asked. Aligned objects of a machine's word are exchanged by one instruction;
 * others under a lock, which is enough because nothing else of such objects comes through here. */
bool compare_exchange(size_t size, void *object, void *expected, const void *desired, int success, int failure)
{
  (void)success;
  (void)failure;
  if (size > 0 && (uintptr_t)object % size == 0) {
    if (size == 1) EXCHANGE(uint8_t);
    if (size == 2) EXCHANGE(uint16_t);
    if (size == 4) EXCHANGE(uint32_t);
    if (size == 8) EXCHANGE(uint64_t);
  }
  pthread_mutex_lock(&lock);
  bool same = memcmp(object, expected, size) == 0;
  memcpy(same ? object : expected, same ? desired : object, size);
  pthread_mutex_unlock(&lock);
  return same;
}
