// Implemented in socket.c.
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

// Takes over a non-blocking socket: from now on all calls for it go through here.
void clibssh_own_socket(int number);
// Sets whether libssh may read; bytes read ahead wait meanwhile.
void clibssh_set_reading(bool reads);
// Reports what the owner's event loop has found out.
void clibssh_socket_is_ready(bool readable, bool writable);
// True when bytes were read from the socket that libssh has not read yet.
bool clibssh_has_read_ahead(void);
// What is wrong with the client's identification line, or with the socket; NULL: nothing.
const char *clibssh_socket_problem(void);
// Shuts down sending, and discards what still arrives, until the client has closed its side or the time is over.
// Closing at once would send a reset to a client that is still sending, which discards our last message before the
// client has read it.
void clibssh_socket_linger(int milliseconds);
