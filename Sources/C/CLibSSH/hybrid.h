// The key exchange mlkem768x25519-sha256 (draft-ietf-sshm-mlkem-hybrid-kex) on a libssh that does not have it. libssh
// performs curve25519-sha256; six of its functions are replaced at link time to add the rest.
#pragma once
#include <stdbool.h>

#include <libssh/libssh.h>

#define HYBRID_NAME "mlkem768x25519-sha256"

#if LIBSSH_VERSION_INT < SSH_VERSION_INT(0, 12, 0)

// Once per process, before algorithms are set. 0, or -1.
int clibssh_hybrid_prepare(void);
// True if the last negotiation chose the hybrid method; libssh calls it curve25519-sha256.
bool clibssh_hybrid_is_chosen(void);
// Why the client's half of the hybrid method was refused, or NULL.
const char *clibssh_hybrid_problem(void);
// True if secrets may have remained on the stack since the last call.
bool clibssh_hybrid_left_secrets(void);

#else

// libssh has the method itself, and nothing is replaced for it; Package.swift has the same condition.
static inline int clibssh_hybrid_prepare(void) { return 0; }
static inline bool clibssh_hybrid_is_chosen(void) { return false; }
static inline const char *clibssh_hybrid_problem(void) { return NULL; }
static inline bool clibssh_hybrid_left_secrets(void) { return false; }

#endif
