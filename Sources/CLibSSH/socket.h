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
