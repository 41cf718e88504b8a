// See socket.c.
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

// Every call for this socket goes through here from now on. It is non-blocking.
void clibssh_own_socket(int number);
// Whether libssh may read; what was read ahead waits meanwhile.
void clibssh_set_reading(bool reads);
// What the owner's event loop has found out.
void clibssh_socket_is_ready(bool readable, bool writable);
// Bytes have been read from the socket that libssh has not taken yet.
bool clibssh_has_read_ahead(void);
// What is wrong with the client's identification, or with the socket; NULL: nothing.
const char *clibssh_socket_problem(void);
// Ends what is sent, and takes what still comes, until the other side has ended, too, or for so long. Without this, a
// client that is just sending gets a reset, which takes the last words away from it before it has read them.
void clibssh_socket_linger(int milliseconds);
