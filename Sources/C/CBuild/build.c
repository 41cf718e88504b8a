#include "cbuild.h"

#include <libssh/libssh_version.h>

// Package.swift defines these from environment variables.
#ifndef BSSH_COMMIT
#define BSSH_COMMIT "unknown"
#endif
#ifndef BSSH_LIBSSH_PACKAGE
#define BSSH_LIBSSH_PACKAGE "unknown"
#endif

#define TEXT(number) #number
#define DOTTED(major, minor, micro) TEXT(major) "." TEXT(minor) "." TEXT(micro)

const char *cbuild_commit(void) { return BSSH_COMMIT; }
const char *cbuild_libssh(void) {
  return DOTTED(LIBSSH_VERSION_MAJOR, LIBSSH_VERSION_MINOR, LIBSSH_VERSION_MICRO);
}
const char *cbuild_libssh_package(void) { return BSSH_LIBSSH_PACKAGE; }
