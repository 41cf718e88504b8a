// The end of a process that gets no more memory. Swift and libcrypto would abort, by system calls for which the sandbox
// kills the process: that would look like an attack. So this process reports the reason itself.
//
// These functions replace the allocator's in this executable and call those of the C library, to which all memory still
// belongs.
#include "clibssh.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static struct {
  int pipe;
  size_t length;
  uint8_t message[512];
} farewell;

int clibssh_when_out_of_memory(int pipe, const uint8_t *message, size_t length) {
  if (length > sizeof farewell.message) return -1;
  memcpy(farewell.message, message, length);
  farewell.pipe = pipe;
  farewell.length = length;
  return 0;
}

// Returns `memory`, unless allocation failed although the size was not 0.
static void *given(void *memory, size_t size) {
  if (memory != NULL || size == 0 || farewell.length == 0) return memory;
  // A pipe accepts a write as short as this completely or not at all, and does not block.
  if (write(farewell.pipe, farewell.message, farewell.length) < 0) _exit(EX_SOFTWARE);
  _exit(EX_OSERR);
}

void *malloc(size_t size) { return given(__libc_malloc(size), size); }

void *calloc(size_t count, size_t size) { return given(__libc_calloc(count, size), count == 0 ? 0 : size); }

void *realloc(void *memory, size_t size) { return given(__libc_realloc(memory, size), size); }

void *memalign(size_t alignment, size_t size) { return given(__libc_memalign(alignment, size), size); }

void *aligned_alloc(size_t alignment, size_t size) { return given(__libc_memalign(alignment, size), size); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
  if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
  void *new = given(__libc_memalign(alignment, size), size);
  if (new == NULL && size != 0) return ENOMEM;
  *memory = new;
  return 0;
}
