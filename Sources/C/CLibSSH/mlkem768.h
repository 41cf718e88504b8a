// ML-KEM-768 of FIPS 203, only the encapsulating half: what an SSH server needs. SHA3 and SHAKE are OpenSSL's, whose
// version 3.0 has no ML-KEM.
#pragma once
#include <stdint.h>

enum { MLKEM768_KEY = 1184, MLKEM768_CIPHERTEXT = 1088, MLKEM768_SECRET = 32, MLKEM768_SEED = 32 };

// Fetches the hash functions and computes tables; once per process, before the other functions. 0, or -1.
int mlkem768_prepare(void);
// Algorithm 20. 0; -1: a coefficient of the key is not below q, or OpenSSL failed (no memory, no random numbers).
int mlkem768_encapsulate(uint8_t ciphertext[MLKEM768_CIPHERTEXT], uint8_t secret[MLKEM768_SECRET],
                         const uint8_t key[MLKEM768_KEY]);
// Algorithm 17: the same with these random bytes.
int mlkem768_encapsulate_with(uint8_t ciphertext[MLKEM768_CIPHERTEXT], uint8_t secret[MLKEM768_SECRET],
                              const uint8_t key[MLKEM768_KEY], const uint8_t seed[MLKEM768_SEED]);
