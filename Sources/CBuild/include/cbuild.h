// What this build was made of.
#pragma once

// The commit of the repository; "unknown" when whoever built it did not say.
const char *cbuild_commit(void);
// The version of the libssh that bssh-transport has inside, as its headers say.
const char *cbuild_libssh(void);
// The version of the Debian package that it came from; "unknown" when whoever built it did not say.
const char *cbuild_libssh_package(void);
