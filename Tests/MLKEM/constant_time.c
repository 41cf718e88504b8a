// To be run by valgrind: the seed counts as uninitialised, so every branch and address that depends on it is reported.
// With an argument it branches on the ciphertext itself, which must be reported too.
#include "mlkem768.h"

#include <stdio.h>

#include <openssl/rand.h>
#include <valgrind/memcheck.h>

int main(int count, char **arguments) {
  (void)arguments;
  uint8_t key[MLKEM768_KEY], seed[MLKEM768_SEED], ciphertext[MLKEM768_CIPHERTEXT], secret[MLKEM768_SECRET];
  if (RUNNING_ON_VALGRIND == 0 || mlkem768_prepare() != 0) return 1;
  for (int run = 0; run < 5; run++) {
    if (RAND_bytes(key, sizeof key) != 1 || RAND_bytes(seed, sizeof seed) != 1) return 1;
    // All coefficients below q.
    for (size_t i = 0; i < 1152; i += 3) {
      key[i + 1] &= 0xbb;
      key[i + 2] &= 0xbf;
    }
    VALGRIND_MAKE_MEM_UNDEFINED(seed, sizeof seed);
    int result = mlkem768_encapsulate_with(ciphertext, secret, key, seed);
    VALGRIND_MAKE_MEM_DEFINED(&result, sizeof result);
    if (result != 0) return 1;
    // The mark has reached the results.
    uint8_t marks[sizeof ciphertext];
    if (VALGRIND_GET_VBITS(ciphertext, marks, sizeof marks) != 1 || marks[0] != 0xff) return 1;
    if (count > 1 && ciphertext[0] == 7) puts("reported");
  }
  return 0;
}
