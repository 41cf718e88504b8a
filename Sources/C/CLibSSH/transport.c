#include "clibssh.h"
#include "hybrid.h"
#include "socket.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

// Functions inside libssh.a that no public header has; these prototypes are those of 0.10.6, 0.11.4 and 0.12.2.
// scripts/check-libssh.sh fails the build when a symbol is not where it is expected.
struct ssh_signature_struct;
typedef struct ssh_signature_struct *ssh_signature;
void ssh_packet_set_callbacks(ssh_session session, ssh_packet_callbacks callbacks);
int ssh_packet_global_request(ssh_session session, uint8_t type, ssh_buffer packet, void *user);
int ssh_packet_userauth_request(ssh_session session, uint8_t type, ssh_buffer packet, void *user);
int ssh_auth_reply_success(ssh_session session, int partial);
ssh_key pki_key_dup(const ssh_key key, int demote);
int ssh_pki_export_pubkey_blob(const ssh_key key, ssh_string *blob);
ssh_string __real_ssh_srv_pki_do_sign_sessionid(ssh_session session, const ssh_key key, int digest);
int __real_ssh_buffer_add_u8(ssh_buffer buffer, uint8_t value);
uint32_t __real_ssh_buffer_get_u8(ssh_buffer buffer, uint8_t *value);
uint32_t __real_ssh_buffer_pass_bytes_end(ssh_buffer buffer, uint32_t count);

enum { DISCONNECT = 1, IGNORE = 2, SERVICE_REQUEST = 5, NEWKEYS = 21, FIRST_OWNED = 50, LAST_OWNED = 100 };
enum { GLOBAL_REQUEST = 80, REQUEST_FAILURE = 82, USERAUTH_REQUEST = 50, USERAUTH_INFO_RESPONSE = 61 };
// enum ssh_digest_e in libssh's priv.h.
enum { DIGEST_SHA256 = 2, DIGEST_SHA512 = 4 };

static struct {
  struct clibssh_owner owner;
  ssh_bind bind;
  ssh_session session;
  ssh_event event;
  // A dummy key that never signs: libssh's signing function is called with it to get the exchange hash.
  ssh_key stand_in;
  struct ssh_counter_struct socket_counter;
  struct ssh_counter_struct raw_counter;
  uint64_t rekey_bytes;
  uint32_t rekey_seconds;
  bool compression;
  bool handshake_done;
  // A packet that may contain a password has been decrypted.
  bool heard_secret;
} transport;

// MARK: Host keys. libssh has the public key only, and the owner makes every signature.

int __wrap_ssh_pki_export_privkey_to_pubkey(const ssh_key key, ssh_key *public_key) {
  if (key == NULL || (*public_key = pki_key_dup(key, 1)) == NULL) return SSH_ERROR;
  return SSH_OK;
}

static struct {
  bool armed;
  uint8_t hash[64];
  size_t length;
} capture;

// In this process libssh may be asked only for the signature whose input we want; anything else is a bug.
ssh_signature __wrap_pki_sign_data(const ssh_key key, int digest, const unsigned char *input, size_t length) {
  (void)key;
  (void)digest;
  if (!capture.armed || length > sizeof capture.hash) abort();
  memcpy(capture.hash, input, length);
  capture.length = length;
  capture.armed = false;
  return NULL;
}

ssh_string __wrap_ssh_srv_pki_do_sign_sessionid(ssh_session session, const ssh_key key, int digest) {
  capture.length = 0;
  capture.armed = true;
  ssh_string none = __real_ssh_srv_pki_do_sign_sessionid(session, transport.stand_in, 0);
  if (none != NULL || capture.armed || capture.length == 0) abort();

  const char *algorithm = NULL;
  switch (ssh_key_type(key)) {
    case SSH_KEYTYPE_ED25519: algorithm = "ssh-ed25519"; break;
    case SSH_KEYTYPE_ECDSA_P256: algorithm = "ecdsa-sha2-nistp256"; break;
    case SSH_KEYTYPE_ECDSA_P384: algorithm = "ecdsa-sha2-nistp384"; break;
    case SSH_KEYTYPE_ECDSA_P521: algorithm = "ecdsa-sha2-nistp521"; break;
    case SSH_KEYTYPE_RSA:
      if (digest == DIGEST_SHA256) algorithm = "rsa-sha2-256";
      if (digest == DIGEST_SHA512) algorithm = "rsa-sha2-512";
      break;
    default: break;
  }
  ssh_string blob = NULL;
  if (algorithm == NULL || ssh_pki_export_pubkey_blob(key, &blob) != SSH_OK) return NULL;
  uint8_t signature[4096];
  size_t length = transport.owner.sign(transport.owner.context, ssh_string_data(blob), ssh_string_len(blob), algorithm,
                                       capture.hash, capture.length, signature, sizeof signature);
  ssh_string_free(blob);
  if (length == 0) return NULL;
  ssh_string result = ssh_string_new(length);
  if (result != NULL) ssh_string_fill(result, signature, length);
  return result;
}

// Users' signatures are verified by the authority. This is never called, and would fail.
int __wrap_ssh_pki_signature_verify(ssh_session session, ssh_signature signature, const ssh_key key,
                                    const unsigned char *input, size_t length) {
  (void)session;
  (void)signature;
  (void)key;
  (void)input;
  (void)length;
  return SSH_ERROR;
}

// MARK: Raw packets. libssh replies to an unknown global request with a packet of one byte, by its own functions. Our
// message replaces that byte, so no code here depends on the layout of a structure.

static struct {
  bool armed;
  const uint8_t *message;
  size_t length;
  ssh_buffer used;
} carrier;

int __wrap_ssh_buffer_add_u8(ssh_buffer buffer, uint8_t value) {
  if (!carrier.armed) return __real_ssh_buffer_add_u8(buffer, value);
  if (value != REQUEST_FAILURE || ssh_buffer_get_len(buffer) != 0) abort();
  carrier.armed = false;
  carrier.used = buffer;
  return ssh_buffer_add_data(buffer, carrier.message, (uint32_t)carrier.length) < 0 ? SSH_ERROR : SSH_OK;
}

static bool is_over(void) {
  return transport.session == NULL || (ssh_get_status(transport.session) & (SSH_CLOSED | SSH_CLOSED_ERROR)) != 0;
}

int clibssh_send(const uint8_t *message, size_t length) {
  static const uint8_t request[] = {0, 0, 0, 4, 'b', 's', 's', 'h', 1};
  static ssh_buffer packet;
  if (is_over()) return -1;
  if (packet == NULL && (packet = ssh_buffer_new()) == NULL) abort();
  ssh_buffer_reinit(packet);
  if (ssh_buffer_add_data(packet, request, sizeof request) < 0) abort();
  carrier.message = message;
  carrier.length = length;
  carrier.armed = true;
  ssh_packet_global_request(transport.session, GLOBAL_REQUEST, packet, NULL);
  if (carrier.armed) abort();
  if (is_over()) return -1;
  // The buffer of a packet that was sent is empty; a packet that waits for the end of a key exchange stays in its
  // buffer, in libssh's queue.
  return ssh_buffer_get_len(carrier.used) > 0 ? 1 : 0;
}

// MARK: The hook. It is registered before libssh's own handlers, so it is called before them.

static int hook(ssh_session session, uint8_t type, ssh_buffer packet, void *user) {
  (void)session;
  (void)user;
  const uint8_t *payload = ssh_buffer_get(packet);
  size_t length = ssh_buffer_get_len(packet);
  if (type == SERVICE_REQUEST || (type >= FIRST_OWNED && type <= LAST_OWNED)) {
    transport.owner.packet(transport.owner.context, type, payload, length);
    // The packet may contain a password, and libssh would keep it until the next packet overwrites a part of it.
    if (type == USERAUTH_REQUEST || type == USERAUTH_INFO_RESPONSE) {
      OPENSSL_cleanse((void *)payload, length);
      transport.heard_secret = true;
    }
    return SSH_PACKET_USED;
  }
  transport.owner.notice(transport.owner.context, type, payload, length);
  return SSH_PACKET_NOT_USED;
}

// MARK: After the login. RFC 4252, section 5.1, requires that messages of user authentication are ignored, while libssh
// ends the connection. So their number is changed to that of IGNORE. The number is the byte that is read directly after
// a packet's padding was removed.

static struct {
  bool is_authenticated;
  // The buffer whose padding was removed last.
  ssh_buffer trimmed;
} phase;

uint32_t __wrap_ssh_buffer_pass_bytes_end(ssh_buffer buffer, uint32_t count) {
  phase.trimmed = buffer;
  return __real_ssh_buffer_pass_bytes_end(buffer, count);
}

uint32_t __wrap_ssh_buffer_get_u8(ssh_buffer buffer, uint8_t *value) {
  uint32_t count = __real_ssh_buffer_get_u8(buffer, value);
  bool is_number = phase.trimmed == buffer;
  phase.trimmed = NULL;
  if (is_number && count == 1 && phase.is_authenticated && *value >= USERAUTH_REQUEST && *value < GLOBAL_REQUEST) {
    *value = IGNORE;
    // It may contain a password.
    OPENSSL_cleanse(ssh_buffer_get(buffer), ssh_buffer_get_len(buffer));
    transport.heard_secret = true;
  }
  return count;
}

// MARK: Set-up

static const char *bind_error(void) { return ssh_get_error(transport.bind); }

const char *clibssh_prepare(const struct clibssh_settings *settings, const struct clibssh_owner *owner) {
  // The process opens no files: neither OpenSSL's configuration nor libssh's.
  OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL);
  if (ssh_init() != SSH_OK || clibssh_hybrid_prepare() != 0) return "libssh cannot be initialised";
  transport.owner = *owner;
  if (ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &transport.stand_in) != SSH_OK) return "no key can be generated";
  transport.bind = ssh_bind_new();
  transport.session = ssh_new();
  if (transport.bind == NULL || transport.session == NULL) return "out of memory";
  bool no = false;
  int smallest_rsa = 2048;
  if (ssh_bind_options_set(transport.bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no) != 0 ||
      ssh_bind_options_set(transport.bind, SSH_BIND_OPTIONS_BANNER, settings->identification) != 0 ||
      ssh_bind_options_set(transport.bind, SSH_BIND_OPTIONS_RSA_MIN_SIZE, &smallest_rsa) != 0 ||
      ssh_bind_options_set(transport.bind, SSH_BIND_OPTIONS_KEY_EXCHANGE, settings->key_exchanges) != 0 ||
      ssh_bind_options_set(transport.bind, SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS, settings->host_key_algorithms) != 0 ||
      ssh_bind_options_set(transport.bind, SSH_BIND_OPTIONS_CIPHERS_C_S, settings->ciphers) != 0 ||
      ssh_bind_options_set(transport.bind, SSH_BIND_OPTIONS_CIPHERS_S_C, settings->ciphers) != 0 ||
      ssh_bind_options_set(transport.bind, SSH_BIND_OPTIONS_HMAC_C_S, settings->macs) != 0 ||
      ssh_bind_options_set(transport.bind, SSH_BIND_OPTIONS_HMAC_S_C, settings->macs) != 0 ||
      ssh_bind_options_set(transport.bind, SSH_BIND_OPTIONS_PUBKEY_ACCEPTED_KEY_TYPES,
                           settings->public_key_algorithms) != 0)
    return bind_error();
  transport.rekey_bytes = settings->rekey_bytes;
  transport.rekey_seconds = settings->rekey_seconds;
  transport.compression = settings->compression != 0;
  return NULL;
}

const char *clibssh_add_host_key(const char *type, const uint8_t *blob, size_t length) {
  ssh_key key = NULL;
  char base64[8192];
  if (length > sizeof base64 / 2) return "a host key is too long";
  EVP_EncodeBlock((unsigned char *)base64, blob, (int)length);
  if (ssh_pki_import_pubkey_base64(base64, ssh_key_type_from_name(type), &key) != SSH_OK)
    return "a host key is none that libssh knows";
  if (ssh_bind_options_set(transport.bind, SSH_BIND_OPTIONS_IMPORT_KEY, key) != 0) return bind_error();
  return NULL;
}

static ssh_packet_callback hooks[LAST_OWNED];

// Random bytes for padding, generated for many packets at once, each used once. None are generated before there is a
// connection, because copies of this process must not share them.
static struct {
  bool used;
  size_t left;
  uint8_t bytes[1024];
} padding;

int __real_ssh_get_random(void *where, int count, int strong);
int __wrap_ssh_get_random(void *where, int count, int strong);

// libssh asks for random padding for each packet, which costs as much as encrypting a small one.
int __wrap_ssh_get_random(void *where, int count, int strong) {
  if (!padding.used || strong != 0 || count < 0 || count > 64) return __real_ssh_get_random(where, count, strong);
  if (padding.left < (size_t)count) {
    if (__real_ssh_get_random(padding.bytes, sizeof padding.bytes, 0) != 1) return 0;
    padding.left = sizeof padding.bytes;
  }
  padding.left -= (size_t)count;
  memcpy(where, padding.bytes + padding.left, (size_t)count);
  return 1;
}

const char *clibssh_accept(int socket) {
  // This process may be a copy of a zygote, and must have its own random numbers.
  if (RAND_poll() != 1) return "no random numbers";
  padding.used = true;
  padding.left = 0;
  static struct ssh_packet_callbacks_struct callbacks = {.start = 1, .n_callbacks = LAST_OWNED, .callbacks = hooks};
  if (ssh_bind_accept_fd(transport.bind, transport.session, socket) != SSH_OK) return bind_error();
  clibssh_own_socket(socket);
  ssh_bind_free(transport.bind);
  transport.bind = NULL;
  hooks[DISCONNECT - 1] = hook;
  hooks[SERVICE_REQUEST - 1] = hook;
  hooks[NEWKEYS - 1] = hook;
  for (int number = FIRST_OWNED; number <= LAST_OWNED; number++) hooks[number - 1] = hook;
  ssh_packet_set_callbacks(transport.session, &callbacks);
  const char *compression = transport.compression ? "zlib@openssh.com,none" : "none";
  if (ssh_options_set(transport.session, SSH_OPTIONS_COMPRESSION_C_S, compression) != 0 ||
      ssh_options_set(transport.session, SSH_OPTIONS_COMPRESSION_S_C, compression) != 0 ||
      ssh_options_set(transport.session, SSH_OPTIONS_REKEY_DATA, &transport.rekey_bytes) != 0 ||
      ssh_options_set(transport.session, SSH_OPTIONS_REKEY_TIME, &transport.rekey_seconds) != 0)
    return ssh_get_error(transport.session);
  ssh_set_counters(transport.session, &transport.socket_counter, &transport.raw_counter);
  ssh_set_blocking(transport.session, 0);
  // If the client is already gone, the first step detects it, as when it goes later.
  ssh_handle_key_exchange(transport.session);
  if (is_over()) return NULL;
  transport.event = ssh_event_new();
  if (transport.event == NULL || ssh_event_add_session(transport.event, transport.session) != SSH_OK)
    return "out of memory";
  return NULL;
}

// MARK: Running

// Overwrites remains of a password or of a key exchange on the stack, where libcrypto keeps them in local variables.
static __attribute__((noinline)) void wipe_stack(void) {
  uint8_t below[32 << 10];
  OPENSSL_cleanse(below, sizeof below);
}

static int poll_times(int most) {
  for (int i = 0; i < most && !is_over(); i++) {
    int result = ssh_event_dopoll(transport.event, 0);
    if (result == SSH_ERROR) return -1;
    if (result == SSH_AGAIN) break;
  }
  if (clibssh_hybrid_left_secrets() || transport.heard_secret) wipe_stack();
  transport.heard_secret = false;
  return is_over() ? -1 : 0;
}

int clibssh_step(int readable, int writable) {
  clibssh_socket_is_ready(readable != 0, writable != 0);
  clibssh_set_reading(true);
  int result = poll_times(64);
  clibssh_set_reading(false);
  return result;
}

int clibssh_flush(int writable) {
  clibssh_socket_is_ready(false, writable != 0);
  return poll_times(1);
}

int clibssh_is_read_pending(void) { return clibssh_has_read_ahead(); }

int clibssh_is_write_pending(void) {
  return transport.session != NULL && (ssh_get_status(transport.session) & SSH_WRITE_PENDING) != 0;
}

// For a socket's end libssh has no message of its own, or one with an errno that may not be the socket's.
const char *clibssh_error(void) {
  if (clibssh_hybrid_problem() != NULL) return clibssh_hybrid_problem();
  const char *error = transport.session == NULL ? "" : ssh_get_error(transport.session);
  bool is_of_socket = error[0] == 0 || strncmp(error, "Socket error", strlen("Socket error")) == 0;
  const char *problem = is_of_socket ? clibssh_socket_problem() : NULL;
  return problem == NULL ? error : problem;
}

int clibssh_authenticated(void) {
  phase.is_authenticated = true;
  return is_over() || ssh_auth_reply_success(transport.session, 0) == SSH_ERROR || is_over() ? -1 : 0;
}

// libssh accepts an INFO_RESPONSE only after it has sent the INFO_REQUEST itself, in reply to a client's message. That
// message is made here from constants: libssh's parser gets nothing of the client's.
int clibssh_prompt(const char *name, const char *instruction, const char *prompt) {
  static const uint8_t request[] = "\0\0\0\1x\0\0\0\16ssh-connection\0\0\0\24keyboard-interactive\0\0\0\0\0\0\0\0";
  if (is_over()) return -1;
  ssh_buffer packet = ssh_buffer_new();
  if (packet == NULL || ssh_buffer_add_data(packet, request, sizeof request - 1) < 0) abort();
  ssh_packet_userauth_request(transport.session, USERAUTH_REQUEST, packet, NULL);
  ssh_buffer_free(packet);
  ssh_message message = ssh_message_get(transport.session);
  if (message == NULL) return -1;
  char echo = 0;
  int result = ssh_message_auth_interactive_request(message, name, instruction, 1, &prompt, &echo);
  ssh_message_free(message);
  return result == SSH_ERROR || is_over() ? -1 : 0;
}

void clibssh_received(uint64_t *bytes, uint64_t *packets) {
  *bytes = transport.raw_counter.in_bytes;
  *packets = transport.raw_counter.in_packets;
}

uint64_t clibssh_sent(void) { return transport.raw_counter.out_bytes + 32 * transport.raw_counter.out_packets; }

const char *clibssh_client(void) { return ssh_get_clientbanner(transport.session); }
const char *clibssh_key_exchange(void) {
  return clibssh_hybrid_is_chosen() ? HYBRID_NAME : ssh_get_kex_algo(transport.session);
}
const char *clibssh_cipher_in(void) { return ssh_get_cipher_in(transport.session); }
const char *clibssh_cipher_out(void) { return ssh_get_cipher_out(transport.session); }

void clibssh_close(int milliseconds) {
  if (transport.session == NULL) return;
  if (!is_over()) {
    ssh_blocking_flush(transport.session, milliseconds);
    clibssh_socket_linger(milliseconds / 2);
  }
  if (transport.event != NULL) {
    ssh_event_remove_session(transport.event, transport.session);
    ssh_event_free(transport.event);
    transport.event = NULL;
  }
  ssh_free(transport.session);
  transport.session = NULL;
}
