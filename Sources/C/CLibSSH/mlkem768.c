// Written after FIPS 203; comments give the numbers of its algorithms and equations.
//
// No branch, address or division depends on a secret: the seed m, the output of G, and the polynomials y, e1, e2, mu, u
// and v. The client's key and the matrix made from it are public. scripts/check-ml-kem.sh verifies this with valgrind.
#include "mlkem768.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

enum { N = 256, Q = 3329, K = 3, DU = 10, DV = 4 };  // eta1 = eta2 = 2

// A polynomial. All coefficients are below Q.
typedef struct {
  uint16_t c[N];
} poly;

static struct {
  EVP_MD *sha3_256, *sha3_512, *shake128, *shake256;
  uint16_t zeta[N / 2];   // 17^BitRev7(i)
  uint16_t gamma[N / 2];  // 17^(2 BitRev7(i) + 1)
} constants;

// MARK: Arithmetic

// Hides from the compiler that a mask has one of two values, so that it does not make a branch of it.
static inline uint32_t opaque(uint32_t value) {
  __asm__("" : "+r"(value));
  return value;
}

// All bits set if a < b, otherwise 0; both are below 2^31.
static inline uint32_t mask_less(uint32_t a, uint32_t b) { return opaque(0u - ((a - b) >> 31)); }

// From below 2 Q to below Q.
static inline uint16_t reduce_once(uint32_t x) {
  x -= Q;
  return (uint16_t)(x + (Q & opaque(0u - (x >> 31))));
}

// From below Q + 2 Q^2 to below Q. 5039 = floor(2^24 / Q), so the quotient is at most 1 too small.
static inline uint16_t reduce(uint32_t x) {
  uint32_t quotient = (uint32_t)(((uint64_t)x * 5039) >> 24);
  return reduce_once(x - quotient * Q);
}

// Compress_d, equation 4.7, for d up to 10: the integer closest to 2^d x / Q, modulo 2^d. 10321340 = ceil(2^35 / Q), so
// the upper bits of the product are the exact quotient for every x below Q.
static inline uint32_t compress(uint16_t x, int d) {
  uint64_t numerator = ((uint64_t)x << d) + Q / 2;
  return (uint32_t)((numerator * 10321340) >> 35) & ((1u << d) - 1);
}

static void add(poly *to, const poly *other) {
  for (int i = 0; i < N; i++) to->c[i] = reduce_once((uint32_t)to->c[i] + other->c[i]);
}

// Algorithm 9.
static void ntt(poly *f) {
  int i = 1;
  for (int length = 128; length >= 2; length /= 2)
    for (int start = 0; start < N; start += 2 * length) {
      uint32_t zeta = constants.zeta[i++];
      for (int j = start; j < start + length; j++) {
        uint32_t t = reduce(zeta * f->c[j + length]);
        uint32_t a = f->c[j];
        f->c[j + length] = reduce_once(a + Q - t);
        f->c[j] = reduce_once(a + t);
      }
    }
}

// Algorithm 10.
static void inverse_ntt(poly *f) {
  int i = 127;
  for (int length = 2; length <= 128; length *= 2)
    for (int start = 0; start < N; start += 2 * length) {
      uint32_t zeta = constants.zeta[i--];
      for (int j = start; j < start + length; j++) {
        uint32_t a = f->c[j], b = f->c[j + length];
        f->c[j] = reduce_once(a + b);
        f->c[j + length] = reduce(zeta * reduce_once(b + Q - a));
      }
    }
  for (int j = 0; j < N; j++) f->c[j] = reduce(3303u * f->c[j]);
}

// Algorithms 11 and 12; adds the product to `sum`.
static void multiply_add(poly *sum, const poly *f, const poly *g) {
  for (int i = 0; i < N / 2; i++) {
    uint32_t a0 = f->c[2 * i], a1 = f->c[2 * i + 1], b0 = g->c[2 * i], b1 = g->c[2 * i + 1];
    uint32_t low = reduce(sum->c[2 * i] + a0 * b0 + (uint32_t)reduce(a1 * b1) * constants.gamma[i]);
    sum->c[2 * i] = (uint16_t)low;
    sum->c[2 * i + 1] = reduce(sum->c[2 * i + 1] + a0 * b1 + a1 * b0);
  }
}

// MARK: Hashes

static bool digest(EVP_MD_CTX *context, const EVP_MD *md, const uint8_t *a, size_t a_length, const uint8_t *b,
                   size_t b_length, uint8_t *out, size_t out_length, bool extendable) {
  return EVP_DigestInit_ex(context, md, NULL) == 1 && EVP_DigestUpdate(context, a, a_length) == 1 &&
         (b_length == 0 || EVP_DigestUpdate(context, b, b_length) == 1) &&
         (extendable ? EVP_DigestFinalXOF(context, out, out_length) : EVP_DigestFinal_ex(context, out, NULL)) == 1;
}

// Algorithm 7 for the entry with these indices. OpenSSL 3.0 can squeeze only once: if 504 bytes are not enough, a
// longer output is generated, which begins with them.
static bool sample_ntt(EVP_MD_CTX *context, poly *out, const uint8_t seed[32], uint8_t j, uint8_t i) {
  uint8_t indices[2] = {j, i}, bytes[168 * 12];
  for (size_t length = 168 * 3; length <= sizeof bytes; length *= 2) {
    if (!digest(context, constants.shake128, seed, 32, indices, 2, bytes, length, true)) return false;
    int count = 0;
    for (size_t at = 0; at + 3 <= length && count < N; at += 3) {
      uint16_t d1 = (uint16_t)(bytes[at] | (bytes[at + 1] & 15) << 8);
      uint16_t d2 = (uint16_t)(bytes[at + 1] >> 4 | bytes[at + 2] << 4);
      if (d1 < Q) out->c[count++] = d1;
      if (d2 < Q && count < N) out->c[count++] = d2;
    }
    if (count == N) return true;
  }
  // Practically impossible: of 1344 attempts, each of which succeeds with 81 %, 256 must succeed.
  return false;
}

// PRF, equation 4.3, and algorithm 8, both with eta = 2.
static bool sample_cbd(EVP_MD_CTX *context, poly *out, const uint8_t seed[32], uint8_t number) {
  uint8_t bytes[128];
  if (!digest(context, constants.shake256, seed, 32, &number, 1, bytes, sizeof bytes, true)) return false;
  for (int i = 0; i < N / 2; i++) {
    uint32_t sums = (bytes[i] & 0x55u) + ((bytes[i] >> 1) & 0x55u);
    out->c[2 * i] = reduce_once((sums & 3) + Q - ((sums >> 2) & 3));
    out->c[2 * i + 1] = reduce_once(((sums >> 4) & 3) + Q - (sums >> 6));
  }
  OPENSSL_cleanse(bytes, sizeof bytes);
  return true;
}

// MARK: Encapsulation

// Algorithm 6 with d = 12. False if a coefficient is not below Q: the modulus check of section 7.2.
static bool decode_key(poly out[K], const uint8_t *bytes) {
  uint32_t good = ~0u;
  for (int k = 0; k < K; k++)
    for (int i = 0; i < N; i += 2, bytes += 3) {
      out[k].c[i] = (uint16_t)(bytes[0] | (bytes[1] & 15) << 8);
      out[k].c[i + 1] = (uint16_t)(bytes[1] >> 4 | bytes[2] << 4);
      good &= mask_less(out[k].c[i], Q) & mask_less(out[k].c[i + 1], Q);
    }
  return good != 0;
}

int mlkem768_encapsulate_with(uint8_t ciphertext[MLKEM768_CIPHERTEXT], uint8_t secret[MLKEM768_SECRET],
                              const uint8_t key[MLKEM768_KEY], const uint8_t seed[MLKEM768_SEED]) {
  struct {
    uint8_t seed_and_hash[64], secret_and_randomness[64];
    poly y[K], u[K], v, noise;
  } s;
  poly t[K], entry;
  const uint8_t *rho = key + 384 * K;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  int result = -1;
  if (context == NULL || !decode_key(t, key)) goto out;

  // Algorithm 17: (K, r) = G(m || H(ek)).
  memcpy(s.seed_and_hash, seed, 32);
  if (!digest(context, constants.sha3_256, key, MLKEM768_KEY, NULL, 0, s.seed_and_hash + 32, 32, false) ||
      !digest(context, constants.sha3_512, s.seed_and_hash, 64, NULL, 0, s.secret_and_randomness, 64, false))
    goto out;
  const uint8_t *randomness = s.secret_and_randomness + 32;

  // Algorithm 14.
  for (uint8_t i = 0; i < K; i++) {
    if (!sample_cbd(context, &s.y[i], randomness, i)) goto out;
    ntt(&s.y[i]);
  }
  memset(s.u, 0, sizeof s.u);
  for (uint8_t i = 0; i < K; i++) {
    for (uint8_t j = 0; j < K; j++) {
      // Entry j of row i of the transposed matrix: A[j, i], from rho || i || j.
      if (!sample_ntt(context, &entry, rho, i, j)) goto out;
      multiply_add(&s.u[i], &entry, &s.y[j]);
    }
    inverse_ntt(&s.u[i]);
    if (!sample_cbd(context, &s.noise, randomness, (uint8_t)(K + i))) goto out;
    add(&s.u[i], &s.noise);
  }
  memset(&s.v, 0, sizeof s.v);
  for (int i = 0; i < K; i++) multiply_add(&s.v, &t[i], &s.y[i]);
  inverse_ntt(&s.v);
  if (!sample_cbd(context, &s.noise, randomness, 2 * K)) goto out;
  add(&s.v, &s.noise);
  for (int i = 0; i < N; i++) {
    uint32_t bit = (uint32_t)seed[i / 8] >> (i % 8) & 1;
    s.noise.c[i] = (uint16_t)(((Q + 1) / 2) & opaque(0u - bit));
  }
  add(&s.v, &s.noise);

  for (int k = 0; k < K; k++)
    for (int i = 0; i < N; i += 4) {
      uint64_t four = 0;
      for (int j = 0; j < 4; j++) four |= (uint64_t)compress(s.u[k].c[i + j], DU) << (DU * j);
      for (int j = 0; j < 5; j++) *ciphertext++ = (uint8_t)(four >> (8 * j));
    }
  for (int i = 0; i < N; i += 2)
    *ciphertext++ = (uint8_t)(compress(s.v.c[i], DV) | compress(s.v.c[i + 1], DV) << DV);
  memcpy(secret, s.secret_and_randomness, MLKEM768_SECRET);
  result = 0;
out:
  EVP_MD_CTX_free(context);
  OPENSSL_cleanse(&s, sizeof s);
  return result;
}

int mlkem768_encapsulate(uint8_t ciphertext[MLKEM768_CIPHERTEXT], uint8_t secret[MLKEM768_SECRET],
                         const uint8_t key[MLKEM768_KEY]) {
  uint8_t seed[MLKEM768_SEED];
  int result = RAND_priv_bytes(seed, sizeof seed) == 1 ? mlkem768_encapsulate_with(ciphertext, secret, key, seed) : -1;
  OPENSSL_cleanse(seed, sizeof seed);
  return result;
}

// MARK: Set-up

int mlkem768_prepare(void) {
  for (unsigned i = 0; i < N / 2; i++) {
    unsigned reversed = 0;
    for (int bit = 0; bit < 7; bit++) reversed |= ((i >> bit) & 1) << (6 - bit);
    uint32_t power = 1;
    for (unsigned j = 0; j < reversed; j++) power = power * 17 % Q;
    constants.zeta[i] = (uint16_t)power;
    constants.gamma[i] = (uint16_t)(power * power % Q * 17 % Q);
  }
  constants.sha3_256 = EVP_MD_fetch(NULL, "SHA3-256", NULL);
  constants.sha3_512 = EVP_MD_fetch(NULL, "SHA3-512", NULL);
  constants.shake128 = EVP_MD_fetch(NULL, "SHAKE128", NULL);
  constants.shake256 = EVP_MD_fetch(NULL, "SHAKE256", NULL);
  return constants.sha3_256 && constants.sha3_512 && constants.shake128 && constants.shake256 ? 0 : -1;
}
