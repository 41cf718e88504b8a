// The socket under libssh, and the client's identification line, which is the first thing on it. libssh calls poll(2)
// and then recv(2) for each 4 KB. Here it reads from memory, which one recv(2) fills with up to 128 KB, and poll(2) is
// answered from what is known.
#include "socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

int __real_poll(struct pollfd *descriptors, nfds_t count, int milliseconds);
ssize_t __real_recv(int socket, void *bytes, size_t count, int flags);
ssize_t __real_send(int socket, const void *bytes, size_t count, int flags);

static struct {
  // Set once the socket is known; before that, every call goes to the system.
  bool owned;
  int number;
  // Bytes read ahead are those from `start` to `end`.
  size_t start;
  size_t end;
  // False: libssh is told that nothing can be read.
  bool reads;
  // There may be more to read, or room to write.
  bool readable;
  bool writable;
  // The client's identification line has been read.
  bool identified;
  // recv(2) has returned end of file, or failed with `failure`; send(2) has failed with `send_failure`.
  bool ended;
  int failure;
  int send_failure;
  uint8_t bytes[128 << 10];
} ahead;

// Limit of an identification line, CR and LF included. RFC 4253, section 4.2
enum { LONGEST_LINE = 255 };
// libssh accepts no line longer than 129. Of a longer one it reads the first 100 bytes, and gets the whole line for the
// exchange hash.
enum { LIBSSH_LINE = 129, BRIEF_LINE = 100 };

static struct {
  char whole[LONGEST_LINE + 1];
  char brief[BRIEF_LINE + 1];
  // The next copy of `brief` is to be a copy of `whole`.
  bool armed;
  // Why the line is invalid; NULL: it is not.
  const char *problem;
} identification;

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

// The end of the identification line in the bytes that were read; NULL when it is not among them.
static const uint8_t *end_of_line(void) {
  size_t count = ahead.end - ahead.start;
  return memchr(ahead.bytes + ahead.start, '\n', count < LONGEST_LINE ? count : LONGEST_LINE);
}

// True when a part of the identification line is here and the rest may still come: libssh gets only whole lines.
static bool line_is_partial(void) {
  return !ahead.identified && ahead.end - ahead.start < LONGEST_LINE && end_of_line() == NULL;
}

// True when libssh has something to read.
static bool has_input(void) { return ahead.start < ahead.end && !line_is_partial(); }

bool clibssh_has_read_ahead(void) { return has_input(); }

static void read_ahead(void) {
  if (has_input() || !ahead.readable || ahead.ended || ahead.failure != 0) return;
  if (ahead.start == ahead.end) ahead.start = ahead.end = 0;
  size_t room = sizeof ahead.bytes - ahead.end;
  ssize_t count;
  do count = __real_recv(ahead.number, ahead.bytes + ahead.end, room, MSG_DONTWAIT);
  while (count < 0 && errno == EINTR);
  if (count > 0) ahead.end += (size_t)count;
  // A full buffer may mean that there is more; a partial read means that there is none.
  if (count > 0 && (size_t)count < room) ahead.readable = false;
  if (count == 0) ahead.ended = true;
  if (count < 0 && errno == EAGAIN) ahead.readable = false;
  if (count < 0 && errno != EAGAIN) ahead.failure = errno;
}

static short ready(short events) {
  short result = 0;
  if ((events & POLLIN) && ahead.reads) {
    read_ahead();
    if (has_input() || ahead.ended || ahead.failure != 0) result |= POLLIN;
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

// Passes the identification line to libssh. Bytes behind it are left for the next read, because libssh writes its own
// KEXINIT before that: so a client without a common algorithm learns what was offered before libssh hangs up.
static ssize_t identify(void *bytes, size_t count) {
  const uint8_t *line = ahead.bytes + ahead.start;
  const uint8_t *end = end_of_line();
  if (end == NULL) identification.problem = "the identification line has more than 255 bytes";
  if (memcmp(line, "SSH-", 4) != 0) identification.problem = "the client does not speak SSH";
  if (identification.problem != NULL || count < LONGEST_LINE) {
    ahead.failure = EPROTO;
    ahead.start = ahead.end = 0;
    errno = EPROTO;
    return -1;
  }
  size_t length = (size_t)(end - line) + 1;
  ahead.start += length;
  ahead.identified = true;
  if (length > LIBSSH_LINE && memchr(line, 0, length) == NULL) {
    memcpy(identification.whole, line, length - 1);
    identification.whole[strcspn(identification.whole, "\r")] = 0;
    memcpy(identification.brief, line, BRIEF_LINE);
    identification.armed = true;
    memcpy(bytes, line, BRIEF_LINE);
    ((uint8_t *)bytes)[BRIEF_LINE] = '\n';
    return BRIEF_LINE + 1;
  }
  memcpy(bytes, line, length);
  return (ssize_t)length;
}

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);

// libssh copies the client's line by strdup(3) for the exchange hash, which must contain the line as it was sent.
char *__wrap_strdup(const char *text) {
  if (!identification.armed || strcmp(text, identification.brief) != 0) return __real_strdup(text);
  identification.armed = false;
  return __real_strdup(identification.whole);
}

const char *clibssh_socket_problem(void) {
  static char text[128];
  if (identification.problem != NULL) return identification.problem;
  if (ahead.failure == 0 && ahead.ended) return "Socket error: disconnected";
  int code = ahead.failure != 0 ? ahead.failure : ahead.send_failure;
  if (code == 0) return NULL;
  snprintf(text, sizeof text, "Socket error: %s", strerror(code));
  return text;
}

ssize_t __wrap_recv(int socket, void *bytes, size_t count, int flags) {
  if (!ahead.owned || socket != ahead.number) return __real_recv(socket, bytes, count, flags);
  if (!has_input()) {
    if (ahead.ended) return 0;
    errno = ahead.failure != 0 ? ahead.failure : EAGAIN;
    return -1;
  }
  if (!ahead.identified) return identify(bytes, count);
  size_t available = ahead.end - ahead.start;
  if (count > available) count = available;
  memcpy(bytes, ahead.bytes + ahead.start, count);
  ahead.start += count;
  return (ssize_t)count;
}

ssize_t __wrap_send(int socket, const void *bytes, size_t count, int flags) {
  if (!ahead.owned || socket != ahead.number) return __real_send(socket, bytes, count, flags);
  ssize_t sent;
  do sent = __real_send(socket, bytes, count, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno != EAGAIN) {
    ahead.send_failure = errno;
    return -1;
  }
  // A partial write means no room until the socket is writable again. libssh takes EAGAIN for the end of the
  // connection.
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
