#include "hybrid.h"

#if LIBSSH_VERSION_INT < SSH_VERSION_INT(0, 12, 0)

#include "mlkem768.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libssh/callbacks.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#define CLASSIC "curve25519-sha256"
enum { X25519 = 32, HASH = 32, KEX_ECDH_INIT = 30 };

// Functions inside libssh.a that no public header has; these prototypes are those of 0.10.6 and 0.11.4.
struct ssh_crypto_struct;
void ssh_packet_set_callbacks(ssh_session session, ssh_packet_callbacks callbacks);
void ssh_packet_remove_callbacks(ssh_session session, ssh_packet_callbacks callbacks);
char *__real_ssh_find_all_matching(const char *available, const char *preferred);
char *__wrap_ssh_find_all_matching(const char *available, const char *preferred);
char *__real_ssh_find_matching(const char *available, const char *preferred);
char *__wrap_ssh_find_matching(const char *available, const char *preferred);
void __real_ssh_server_curve25519_init(ssh_session session);
void __wrap_ssh_server_curve25519_init(ssh_session session);
int __real_sha256(const unsigned char *input, size_t length, unsigned char *hash);
int __wrap_sha256(const unsigned char *input, size_t length, unsigned char *hash);
int __real_ssh_buffer_add_ssh_string(ssh_buffer buffer, ssh_string string);
int __wrap_ssh_buffer_add_ssh_string(ssh_buffer buffer, ssh_string string);
int __real_ssh_kdf(struct ssh_crypto_struct *crypto, unsigned char *key, size_t key_length, uint8_t type,
                   unsigned char *output, size_t output_length);
int __wrap_ssh_kdf(struct ssh_crypto_struct *crypto, unsigned char *key, size_t key_length, uint8_t type,
                   unsigned char *output, size_t output_length);

// A hybrid key exchange takes these steps in this order. Any other order ends the process: otherwise keys would depend
// on X25519 alone, or on nothing.
static struct {
  enum { CLASSICAL, CHOSEN, ENCAPSULATED, HASHED, REPLIED, KEYED } step;
  uint8_t client_public[MLKEM768_KEY + X25519];
  uint8_t server_public[MLKEM768_CIPHERTEXT + X25519];
  uint8_t post_quantum_secret[MLKEM768_SECRET];
  // K, encoded as a string.
  uint8_t shared_secret[4 + HASH];
} exchange;

static const char *problem;
static bool left_secrets;

int clibssh_hybrid_prepare(void) { return mlkem768_prepare(); }

bool clibssh_hybrid_is_chosen(void) { return exchange.step != CLASSICAL; }

const char *clibssh_hybrid_problem(void) { return problem; }

bool clibssh_hybrid_left_secrets(void) {
  bool left = left_secrets;
  left_secrets = false;
  return left;
}

// MARK: Names

// True if the comma-separated list contains the name.
static bool contains(const char *list, const char *name) {
  size_t length = strlen(name);
  for (const char *at = list; at != NULL; at = strchr(at, ',')) {
    if (*at == ',') at++;
    if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == 0)) return true;
  }
  return false;
}

// libssh removes names that it does not know from the list that it is given. The list of key exchanges that it knows is
// the one that contains CLASSIC; our name is added to it.
char *__wrap_ssh_find_all_matching(const char *available, const char *preferred) {
  char known[1024];
  if (available == NULL || !contains(available, CLASSIC)) return __real_ssh_find_all_matching(available, preferred);
  int length = snprintf(known, sizeof known, "%s,%s", HYBRID_NAME, available);
  if (length < 0 || (size_t)length >= sizeof known) abort();
  return __real_ssh_find_all_matching(known, preferred);
}

// Called for each pair of lists of the two KEXINITs: what the server offers, what the client prefers. The server's list
// of key exchanges is the one that contains our name. If the result is our name, libssh is told CLASSIC instead.
char *__wrap_ssh_find_matching(const char *available, const char *preferred) {
  char *name = __real_ssh_find_matching(available, preferred);
  if (available == NULL || !contains(available, HYBRID_NAME)) return name;
  OPENSSL_cleanse(&exchange, sizeof exchange);
  if (name == NULL || strcmp(name, HYBRID_NAME) != 0) return name;
  exchange.step = CHOSEN;
  free(name);
  return strdup(CLASSIC);
}

// MARK: The client's message

static int take_client_public(ssh_session session, uint8_t type, ssh_buffer packet, void *user);
static ssh_packet_callback handlers[] = {take_client_public};
static struct ssh_packet_callbacks_struct handler = {.start = KEX_ECDH_INIT, .n_callbacks = 1, .callbacks = handlers};

// libssh registers its handler of message 30 here, after all others. Ours is registered just before that, and so is
// called after the one that drops a wrongly guessed message.
void __wrap_ssh_server_curve25519_init(ssh_session session) {
  if (exchange.step == CHOSEN) ssh_packet_set_callbacks(session, &handler);
  __real_ssh_server_curve25519_init(session);
}

// Encapsulates for the client's ML-KEM key. False if the message is not exactly the two keys, or the first is invalid.
static bool encapsulate(const uint8_t *message, size_t length) {
  static const uint8_t prefix[] = {0, 0, sizeof exchange.client_public >> 8, sizeof exchange.client_public & 255};
  if (length != sizeof prefix + sizeof exchange.client_public || memcmp(message, prefix, sizeof prefix) != 0)
    return false;
  memcpy(exchange.client_public, message + sizeof prefix, sizeof exchange.client_public);
  left_secrets = true;
  return mlkem768_encapsulate(exchange.server_public, exchange.post_quantum_secret, exchange.client_public) == 0;
}

// Leaves the X25519 key in the packet for libssh. When the message is refused the packet is left empty, and libssh ends
// the connection.
static int take_client_public(ssh_session session, uint8_t type, ssh_buffer packet, void *user) {
  static const uint8_t prefix[] = {0, 0, 0, X25519};
  (void)type;
  (void)user;
  ssh_packet_remove_callbacks(session, &handler);
  if (exchange.step != CHOSEN) abort();
  bool is_valid = encapsulate(ssh_buffer_get(packet), ssh_buffer_get_len(packet));
  ssh_buffer_reinit(packet);
  if (!is_valid) {
    problem = "the client's key of " HYBRID_NAME " is invalid";
    return SSH_PACKET_NOT_USED;
  }
  if (ssh_buffer_add_data(packet, prefix, sizeof prefix) != 0 ||
      ssh_buffer_add_data(packet, exchange.client_public + MLKEM768_KEY, X25519) != 0)
    abort();
  exchange.step = ENCAPSULATED;
  return SSH_PACKET_NOT_USED;
}

// MARK: The exchange hash

// Removes a string from the front of the bytes between `*at` and `end`, and returns its contents.
static const uint8_t *take_string(const uint8_t **at, const uint8_t *end, size_t *length) {
  if (end - *at < 4) abort();
  const uint8_t *p = *at;
  *length = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
  if ((size_t)(end - p - 4) < *length) abort();
  *at = p + 4 + *length;
  return p + 4;
}

static bool hash_string(EVP_MD_CTX *context, const uint8_t *bytes, size_t length) {
  uint8_t prefix[] = {(uint8_t)(length >> 24), (uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length};
  return EVP_DigestUpdate(context, prefix, sizeof prefix) == 1 && EVP_DigestUpdate(context, bytes, length) == 1;
}

// K = SHA256(K_PQ || K_CL). `number` is K_CL as libssh encodes it: without its leading zeros, and with one more byte if
// the top bit is set.
static bool combine(const uint8_t *number, size_t length) {
  static const uint8_t prefix[] = {0, 0, 0, HASH};
  uint8_t secrets[MLKEM768_SECRET + X25519] = {0};
  if (length > X25519 + 1 || (length == X25519 + 1 && number[0] != 0)) abort();
  if (length == X25519 + 1) {
    number++;
    length--;
  }
  memcpy(secrets, exchange.post_quantum_secret, MLKEM768_SECRET);
  memcpy(secrets + sizeof secrets - length, number, length);
  memcpy(exchange.shared_secret, prefix, sizeof prefix);
  bool made = __real_sha256(secrets, sizeof secrets, exchange.shared_secret + sizeof prefix) == 0;
  OPENSSL_cleanse(secrets, sizeof secrets);
  OPENSSL_cleanse(exchange.post_quantum_secret, sizeof exchange.post_quantum_secret);
  left_secrets = true;
  return made;
}

// libssh hashes V_C, V_S, I_C, I_S, K_S, Q_C, Q_S and K of curve25519-sha256. The last three are replaced.
int __wrap_sha256(const unsigned char *input, size_t input_length, unsigned char *hash) {
  if (exchange.step == CLASSICAL) return __real_sha256(input, input_length, hash);
  if (exchange.step != ENCAPSULATED) abort();
  const uint8_t *at = input, *end = input + input_length;
  size_t length;
  for (int i = 0; i < 5; i++) take_string(&at, end, &length);
  size_t common = (size_t)(at - input);
  const uint8_t *client = take_string(&at, end, &length);
  if (length != X25519 || memcmp(client, exchange.client_public + MLKEM768_KEY, X25519) != 0) abort();
  const uint8_t *server = take_string(&at, end, &length);
  if (length != X25519) abort();
  memcpy(exchange.server_public + MLKEM768_CIPHERTEXT, server, X25519);
  const uint8_t *number = take_string(&at, end, &length);
  if (at != end) abort();

  EVP_MD_CTX *context = EVP_MD_CTX_new();
  if (context == NULL || !combine(number, length) || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1 ||
      EVP_DigestUpdate(context, input, common) != 1 ||
      !hash_string(context, exchange.client_public, sizeof exchange.client_public) ||
      !hash_string(context, exchange.server_public, sizeof exchange.server_public) ||
      EVP_DigestUpdate(context, exchange.shared_secret, sizeof exchange.shared_secret) != 1 ||
      EVP_DigestFinal_ex(context, hash, NULL) != 1)
    abort();
  EVP_MD_CTX_free(context);
  exchange.step = HASHED;
  return 0;
}

// MARK: The reply

// In message 31 the X25519 key is preceded by the ciphertext.
int __wrap_ssh_buffer_add_ssh_string(ssh_buffer buffer, ssh_string string) {
  if (exchange.step != HASHED || string == NULL || ssh_string_len(string) != X25519 ||
      memcmp(ssh_string_data(string), exchange.server_public + MLKEM768_CIPHERTEXT, X25519) != 0)
    return __real_ssh_buffer_add_ssh_string(buffer, string);
  ssh_string both = ssh_string_new(sizeof exchange.server_public);
  if (both == NULL) abort();
  ssh_string_fill(both, exchange.server_public, sizeof exchange.server_public);
  int result = __real_ssh_buffer_add_ssh_string(buffer, both);
  ssh_string_free(both);
  exchange.step = REPLIED;
  return result;
}

// MARK: Keys

// Called once for each type of key, A to F.
int __wrap_ssh_kdf(struct ssh_crypto_struct *crypto, unsigned char *key, size_t key_length, uint8_t type,
                   unsigned char *output, size_t output_length) {
  if (exchange.step == CLASSICAL) return __real_ssh_kdf(crypto, key, key_length, type, output, output_length);
  if (exchange.step != REPLIED) abort();
  int result =
      __real_ssh_kdf(crypto, exchange.shared_secret, sizeof exchange.shared_secret, type, output, output_length);
  if (type == 'F') {
    OPENSSL_cleanse(exchange.shared_secret, sizeof exchange.shared_secret);
    exchange.step = KEYED;
  }
  return result;
}

#endif
