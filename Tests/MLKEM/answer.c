// Reads lines "key seed" in hexadecimal; prints "ciphertext secret" for each, or "refused".
#include "mlkem768.h"

#include <stdio.h>

static int read_hex(uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    unsigned value;
    if (scanf("%2x", &value) != 1) return -1;
    bytes[i] = (uint8_t)value;
  }
  return 0;
}

static void print_hex(const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) printf("%02x", bytes[i]);
}

int main(void) {
  uint8_t key[MLKEM768_KEY], seed[MLKEM768_SEED], ciphertext[MLKEM768_CIPHERTEXT], secret[MLKEM768_SECRET];
  if (mlkem768_prepare() != 0) return 1;
  while (read_hex(key, sizeof key) == 0 && read_hex(seed, sizeof seed) == 0) {
    if (mlkem768_encapsulate_with(ciphertext, secret, key, seed) == 0) {
      print_hex(ciphertext, sizeof ciphertext);
      putchar(' ');
      print_hex(secret, sizeof secret);
      putchar('\n');
    } else {
      puts("refused");
    }
  }
  return 0;
}
