// Compares the arithmetic of mlkem768.c with the remainder operator, for every input that can occur.
#include "mlkem768.c"

#include <stdio.h>

#define REQUIRE(condition) \
  if (!(condition)) return fprintf(stderr, "%s: x %u\n", #condition, x), 1

int main(void) {
  for (uint32_t x = 0; x < 2 * Q; x++) REQUIRE(reduce_once(x) == x % Q);
  for (uint32_t x = 0; x < Q + 2u * Q * Q; x++) REQUIRE(reduce(x) == x % Q);
  for (uint32_t x = 0; x < Q; x++) {
    for (int d = 1; d <= DU; d++) REQUIRE(compress((uint16_t)x, d) == ((x << d) + Q / 2) / Q % (1u << d));
    REQUIRE(mask_less(x, Q) == ~0u && mask_less(x + Q, Q) == 0);
  }
  return 0;
}
