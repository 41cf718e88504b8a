// The socket under libssh. libssh asks poll(2) before each read of 4 KB, two system calls each time; here it reads from
// memory, which one recv(2) fills with up to 128 KB, and poll(2) is answered from what is known.
#include "socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

int __real_poll(struct pollfd *descriptors, nfds_t count, int milliseconds);
ssize_t __real_recv(int socket, void *bytes, size_t count, int flags);
ssize_t __real_send(int socket, const void *bytes, size_t count, int flags);

static struct {
  // Not set up: every call goes to the system.
  bool owned;
  int number;
  // Bytes read ahead: from `start` to `end`.
  size_t start;
  size_t end;
  // False: libssh is told of nothing to read.
  bool reads;
  // There may be more to read; room to write.
  bool readable;
  bool writable;
  // The client's identification line has been read.
  bool identified;
  // recv(2) has said end of file, or failed with this errno.
  bool ended;
  int failure;
  uint8_t bytes[128 << 10];
} ahead;

void clibssh_own_socket(int number) {
  ahead.owned = true;
  ahead.number = number;
  ahead.reads = true;
  ahead.readable = true;
  ahead.writable = true;
}

void clibssh_set_reading(bool reads) { ahead.reads = reads; }

void clibssh_socket_is_ready(bool readable, bool writable) {
  ahead.readable |= readable;
  ahead.writable |= writable;
}

bool clibssh_has_read_ahead(void) { return ahead.start < ahead.end; }

static void read_ahead(void) {
  if (ahead.start < ahead.end || !ahead.readable || ahead.ended || ahead.failure != 0) return;
  ssize_t count;
  do count = __real_recv(ahead.number, ahead.bytes, sizeof ahead.bytes, MSG_DONTWAIT);
  while (count < 0 && errno == EINTR);
  ahead.start = 0;
  ahead.end = count > 0 ? (size_t)count : 0;
  // What filled the buffer may not be all; less than that is.
  if (count > 0 && (size_t)count < sizeof ahead.bytes) ahead.readable = false;
  if (count == 0) ahead.ended = true;
  if (count < 0 && errno == EAGAIN) ahead.readable = false;
  if (count < 0 && errno != EAGAIN) ahead.failure = errno;
}

static short ready(short events) {
  short result = 0;
  if ((events & POLLIN) && ahead.reads) {
    read_ahead();
    if (ahead.start < ahead.end || ahead.ended || ahead.failure != 0) result |= POLLIN;
  }
  if ((events & POLLOUT) && ahead.writable) result |= POLLOUT;
  return result;
}

int __wrap_poll(struct pollfd *descriptors, nfds_t count, int milliseconds) {
  if (!ahead.owned || count != 1 || descriptors->fd != ahead.number)
    return __real_poll(descriptors, count, milliseconds);
  descriptors->revents = ready(descriptors->events);
  if (descriptors->revents != 0 || milliseconds == 0) return descriptors->revents != 0;
  struct pollfd waiting = *descriptors;
  if (!ahead.reads) waiting.events &= (short)~POLLIN;
  int result = __real_poll(&waiting, 1, milliseconds);
  if (result <= 0) return result;
  bool broken = (waiting.revents & (POLLERR | POLLHUP)) != 0;
  clibssh_socket_is_ready((waiting.revents & POLLIN) || broken, (waiting.revents & POLLOUT) || broken);
  descriptors->revents = ready(descriptors->events);
  return descriptors->revents != 0;
}

ssize_t __wrap_recv(int socket, void *bytes, size_t count, int flags) {
  if (!ahead.owned || socket != ahead.number) return __real_recv(socket, bytes, count, flags);
  if (ahead.start == ahead.end) {
    if (ahead.ended) return 0;
    errno = ahead.failure != 0 ? ahead.failure : EAGAIN;
    return -1;
  }
  size_t available = ahead.end - ahead.start;
  if (count > available) count = available;
  if (!ahead.identified) {
    // What comes with the line is for the next read, before which libssh writes its own key exchange message: a client
    // with which no algorithm is in common learns what was offered before libssh hangs up.
    const uint8_t *end = memchr(ahead.bytes + ahead.start, '\n', count);
    if (end != NULL) {
      count = (size_t)(end - (ahead.bytes + ahead.start)) + 1;
      ahead.identified = true;
    }
  }
  memcpy(bytes, ahead.bytes + ahead.start, count);
  ahead.start += count;
  return (ssize_t)count;
}

ssize_t __wrap_send(int socket, const void *bytes, size_t count, int flags) {
  if (!ahead.owned || socket != ahead.number) return __real_send(socket, bytes, count, flags);
  ssize_t sent;
  do sent = __real_send(socket, bytes, count, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno != EAGAIN) return -1;
  // Less than asked for: no room until the socket is writable again. libssh would take EAGAIN for the end.
  if (sent < (ssize_t)count) ahead.writable = false;
  return sent < 0 ? 0 : sent;
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void clibssh_socket_linger(int milliseconds) {
  if (!ahead.owned || ahead.ended || ahead.failure != 0 || shutdown(ahead.number, SHUT_WR) != 0) return;
  int64_t end = now() + milliseconds;
  struct pollfd waiting = {.fd = ahead.number, .events = POLLIN};
  for (int64_t rest = milliseconds; rest > 0; rest = end - now()) {
    if (__real_poll(&waiting, 1, (int)rest) <= 0) return;
    ssize_t count = __real_recv(ahead.number, ahead.bytes, sizeof ahead.bytes, MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return;
  }
}
