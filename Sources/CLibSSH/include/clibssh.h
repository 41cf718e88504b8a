// libssh as the transport layer of RFC 4253 and nothing more: key exchange, encryption, packets.
//
// The only place that knows libssh's internals; Documentation/LIBSSH.md lists them and says why each is safe to use.
// One connection per process. User authentication and channels are not libssh's business here: their messages go to
// the owner's `packet` before libssh sees them, and replies are sent as raw packets.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct clibssh_owner {
  void *context;
  // Signs an exchange hash with the host key that has this public blob; waits for the answer.
  // Writes the SSH signature blob into `signature` and returns its length; 0: refused.
  size_t (*sign)(void *context, const uint8_t *host_key, size_t host_key_length, const char *algorithm,
                 const uint8_t *hash, size_t hash_length, uint8_t *signature, size_t capacity);
  // A message that is the owner's, without its number: SERVICE_REQUEST (5) and 50 to 100.
  void (*packet)(void *context, uint8_t number, const uint8_t *payload, size_t length);
  // A message that libssh handles, but the owner should know of: DISCONNECT (1), NEWKEYS (21).
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

// Prepares everything that does not need a connection. NULL, or what went wrong.
const char *clibssh_prepare(const struct clibssh_settings *settings, const struct clibssh_owner *owner);
// Adds a host key by its public blob, whose name is `type`. At most one each of RSA, ECDSA and Ed25519.
const char *clibssh_add_host_key(const char *type, const uint8_t *blob, size_t length);
// Takes a connected, non-blocking socket, and owns it. NULL, or what went wrong.
const char *clibssh_accept(int socket);

// Reads what is there (at most about 256 KiB), hands messages to the owner, writes what can be written. The owner says
// what its event loop has found the socket ready for. 0, or -1 when the connection is over.
int clibssh_step(int readable, int writable);
// Not 0 while bytes that were read wait to be handled by the next step.
int clibssh_is_read_pending(void);
// Writes what can be written, and reads nothing.
int clibssh_flush(int writable);
// Not 0 while bytes wait for the socket to take them.
int clibssh_is_write_pending(void);
// Why the connection is over; empty when the client closed it.
const char *clibssh_error(void);

// Sends a message, its number first. 0: sent or buffered; 1: held back until a key exchange under way is complete;
// -1: the connection is over.
int clibssh_send(const uint8_t *message, size_t length);
// Sends USERAUTH_SUCCESS and lets connection protocol messages through from now on.
int clibssh_authenticated(void);
// Sends USERAUTH_INFO_REQUEST with one prompt whose answer is not shown, and lets its response through.
int clibssh_prompt(const char *name, const char *instruction, const char *prompt);
// Bytes and packets that came in, after decryption.
void clibssh_received(uint64_t *bytes, uint64_t *packets);
// Bytes that went out: payloads, and 32 for what a packet adds to each.
uint64_t clibssh_sent(void);

// What the key exchange agreed on; NULL before.
const char *clibssh_client(void);
const char *clibssh_key_exchange(void);
const char *clibssh_cipher_in(void);
const char *clibssh_cipher_out(void);

// When this process gets no more memory, it writes these bytes (at most 512) to this pipe, which does not wait, and exits.
// 0, or -1 when they are more.
int clibssh_when_out_of_memory(int pipe, const uint8_t *message, size_t length);

// Writes what is buffered, waiting at most `milliseconds`, and closes the connection; before that the client has half of
// that time to end it, too.
void clibssh_close(int milliseconds);
