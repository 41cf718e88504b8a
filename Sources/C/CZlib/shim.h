#pragma once
#include <zlib.h>

// Macros that Swift does not import. A windowBits of 15 + 16 selects the gzip format.
static inline int czlib_start_compressing(z_stream *stream) {
  return deflateInit2(stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}
static inline int czlib_start_decompressing(z_stream *stream) { return inflateInit2(stream, 15 + 16); }
