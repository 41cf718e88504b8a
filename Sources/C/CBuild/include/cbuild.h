// What this build was made from.
#pragma once

// The commit of the repository; "unknown" when the build did not set it.
const char *cbuild_commit(void);
// The version of libssh that is linked into bssh-transport, according to its headers.
const char *cbuild_libssh(void);
// The version of libssh's Debian package; "unknown" when the build did not set it.
const char *cbuild_libssh_package(void);
