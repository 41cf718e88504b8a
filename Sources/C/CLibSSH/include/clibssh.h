// libssh as the transport layer of RFC 4253 and nothing more: key exchange, encryption, packets.
//
// Only Sources/C/CLibSSH depends on libssh's internals; Documentation/LIBSSH.md lists them and explains why each use is
// safe. One connection per process. libssh does not handle user authentication and channels here: their messages go to
// the owner's `packet` before libssh sees them, and replies are sent as raw packets.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct clibssh_owner {
  void *context;
  // Signs an exchange hash with the host key of this public key blob, and waits for the signature. Writes the SSH
  // signature blob into `signature` and returns its length; 0: refused.
  size_t (*sign)(void *context, const uint8_t *host_key, size_t host_key_length, const char *algorithm,
                 const uint8_t *hash, size_t hash_length, uint8_t *signature, size_t capacity);
  // Handles a message that is the owner's: SERVICE_REQUEST (5) and 50 to 100. The payload does not include the number.
  void (*packet)(void *context, uint8_t number, const uint8_t *payload, size_t length);
  // Observes a message that libssh handles: DISCONNECT (1), NEWKEYS (21).
  void (*notice)(void *context, uint8_t number, const uint8_t *payload, size_t length);
};

// Name-lists are comma-separated.
struct clibssh_settings {
  const char *identification;
  const char *key_exchanges;
  const char *host_key_algorithms;
  const char *ciphers;
  const char *macs;
  const char *public_key_algorithms;
  int compression;
  uint64_t rekey_bytes;
  uint32_t rekey_seconds;
};

// Prepares everything that does not need a connection. Returns NULL, or the error.
const char *clibssh_prepare(const struct clibssh_settings *settings, const struct clibssh_owner *owner);
// Adds a host key by its public key blob of this type. At most one each of RSA, ECDSA and Ed25519. Returns NULL, or the
// error.
const char *clibssh_add_host_key(const char *type, const uint8_t *blob, size_t length);
// Takes ownership of a connected, non-blocking socket, and begins the key exchange. Returns NULL, or the error.
const char *clibssh_accept(int socket);

// Reads what is available (at most about 256 KiB), delivers messages to the owner, and writes what can be written.
// `readable` and `writable` say what the event loop found the socket ready for. 0, or -1 when the connection is over.
int clibssh_step(int readable, int writable);
// Not 0 while bytes that were read wait for the next step.
int clibssh_is_read_pending(void);
// Writes what can be written, and reads nothing. 0, or -1 when the connection is over.
int clibssh_flush(int writable);
// Not 0 while bytes wait until the socket accepts them.
int clibssh_is_write_pending(void);
// Why the connection is over; empty when there is no reason yet.
const char *clibssh_error(void);

// Sends a message that begins with its number. 0: sent or buffered; 1: held back until the current key exchange is
// complete; -1: the connection is over.
int clibssh_send(const uint8_t *message, size_t length);
// Sends USERAUTH_SUCCESS, and lets messages of the connection protocol through from now on. 0, or -1 when the
// connection is over.
int clibssh_authenticated(void);
// Sends USERAUTH_INFO_REQUEST with one prompt whose answer is not echoed, and lets the response through. 0, or -1 when
// the connection is over.
int clibssh_prompt(const char *name, const char *instruction, const char *prompt);
// Bytes and packets received so far, after decryption.
void clibssh_received(uint64_t *bytes, uint64_t *packets);
// Bytes sent so far: payloads, plus 32 for the overhead of each packet.
uint64_t clibssh_sent(void);

// The client's identification and the algorithms of the key exchange; NULL before it.
const char *clibssh_client(void);
const char *clibssh_key_exchange(void);
const char *clibssh_cipher_in(void);
const char *clibssh_cipher_out(void);

// When this process gets no more memory, it writes these bytes, at most 512, to this non-blocking pipe and exits. 0, or
// -1 when they are too many.
int clibssh_when_out_of_memory(int pipe, const uint8_t *message, size_t length);

// Writes what is buffered, waiting at most `milliseconds`; then gives the client half of that time to close its side,
// and closes the connection.
void clibssh_close(int milliseconds);
