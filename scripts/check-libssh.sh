#!/usr/bin/env bash
# Checks that libssh.a is a tested version, and that its internals are where Sources/C/CLibSSH replaces them.
#
# The linker's --wrap replaces only calls from one object to another: if a later libssh moved a function into the object
# that calls it, the replacement would silently have no effect. Documentation/LIBSSH.md lists the purpose of each.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source-path=SCRIPTDIR source=common.sh
. scripts/common.sh

oldest=0.10.6-0+deb12u3
newest=0.10.6-0+deb12u99

failures=0
fail() {
  say "  $1"
  failures=$((failures + 1))
}

version=$(dpkg-query -W -f '${Version}' libssh-dev)
if dpkg --compare-versions "$version" lt "$oldest" || dpkg --compare-versions "$version" gt "$newest"; then
  fail "libssh-dev is $version; tried out is $oldest and what follows it in Debian 12"
fi

archive=$(dpkg-query -L libssh-dev | grep '/libssh\.a$') || die "libssh-dev has no libssh.a"
# Lines of "object kind symbol".
symbols=$(nm --print-file-name "$archive" 2>/dev/null |
  sed -nE 's/^[^:]*:([^:]+):[0-9a-f ]* ([A-Za-z]) ([A-Za-z_0-9]+)$/\1 \2 \3/p')

# Is the symbol defined in exactly one object, and visible to others?
defined() {
  local count
  count=$(grep -cE "^[^ ]+ T $1\$" <<<"$symbols" || true)
  ((count == 1)) || fail "$1 is defined in $count objects, not in one"
}

# Checks that the given objects call the function, and that none of them defines it.
called() {
  local symbol=$1 callers
  shift
  callers=$(sed -nE "s/^([^ ]+) U $symbol\$/\1/p" <<<"$symbols" | sort | tr '\n' ' ')
  local object
  for object in "$@"; do
    case " $callers" in
      *" $object "*) ;;
      *) fail "$symbol is not called from $object; its callers: ${callers:-none}" ;;
    esac
    if grep -qx "$object T $symbol" <<<"$symbols"; then fail "$symbol moved into $object, which calls it"; fi
  done
}

# Fails if another object calls the function: nobody has reviewed what its replacement would do there.
only_called() {
  local symbol=$1 callers
  shift
  callers=$(sed -nE "s/^([^ ]+) U $symbol\$/\1/p" <<<"$symbols" | sort | tr '\n' ' ')
  [[ $callers == "$* " ]] || fail "$symbol is called from: $callers"
}

# A replaced function of libssh.
wrapped() {
  defined "$1"
  called "$@"
}

wrapped ssh_srv_pki_do_sign_sessionid curve25519.c.o dh.c.o ecdh_crypto.c.o
wrapped ssh_pki_export_privkey_to_pubkey server.c.o
wrapped pki_sign_data pki.c.o
wrapped ssh_pki_signature_verify messages.c.o
wrapped ssh_buffer_add_u8 messages.c.o
wrapped ssh_buffer_get_u8 packet.c.o
wrapped ssh_buffer_pass_bytes_end packet.c.o
wrapped ssh_get_random packet.c.o
# Those with which mlkem768x25519-sha256 is added to a libssh that does not have it.
if ! grep -q ' T ssh_server_hybrid_mlkem_init$' <<<"$symbols"; then
  wrapped ssh_find_all_matching kex.c.o
  wrapped ssh_find_matching kex.c.o
  wrapped ssh_server_curve25519_init wrapper.c.o
  wrapped sha256 kex.c.o
  wrapped ssh_buffer_add_ssh_string curve25519.c.o
  wrapped ssh_kdf kex.c.o
  only_called sha256 kex.c.o
  only_called ssh_kdf kex.c.o
  defined ssh_packet_remove_callbacks
fi
# A replaced function of the C library.
called strdup server.c.o
called poll poll.c.o
called recv socket.c.o
called send socket.c.o
for symbol in ssh_packet_set_callbacks ssh_packet_global_request ssh_packet_userauth_request ssh_auth_reply_success \
  pki_key_dup ssh_pki_export_pubkey_blob; do
  defined "$symbol"
done

only_called ssh_srv_pki_do_sign_sessionid curve25519.c.o dh.c.o ecdh_crypto.c.o

((failures == 0)) || die "libssh is not the one that was tried out ($failures differences)"
say "libssh: $version, internals where they are expected"
