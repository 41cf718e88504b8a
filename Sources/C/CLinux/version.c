#include "clinux.h"

// In a file of its own, so that the compiler copies the bytes nowhere else: they occur once in a built executable, where
// tests change them.
const unsigned char clinux_message_header[CLINUX_MESSAGE_HEADER_SIZE] = {'b', 's', 's', 'h', 0, 0, 0, 1};
