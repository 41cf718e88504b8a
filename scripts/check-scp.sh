#!/usr/bin/env bash
# Runs OpenSSH's own tests of scp, from the Debian package openssh-tests, with bssh-transfer as the server side.
#
#   scripts/check-scp.sh [DIRECTORY WITH bssh-transfer, default .build/release] [TEST ...]
#
# The default tests are scp, scp-uri and scp3. Exits with 1 if one fails, and shows its log.
set -euo pipefail
cd "$(dirname "$0")/.."

transfer=$(realpath "${1:-.build/release}")/bssh-transfer
shift || true
tests=("$@")
((${#tests[@]})) || tests=(scp scp-uri scp3)

installed=/usr/lib/openssh/regress
[[ -x $transfer ]] || { echo "$transfer is not there: build it first" >&2; exit 1; }
[[ -d $installed ]] || { echo "$installed is not there: install openssh-tests" >&2; exit 1; }

folder=$(mktemp -d)
made=
# Debian's sshd, which the tests start as well, needs it, and only its service creates it.
if ((EUID == 0)) && [[ ! -e /run/sshd ]]; then made=/run/sshd && mkdir -m 755 "$made"; fi
trap 'rm -rf "$folder"; [[ -z $made ]] || rmdir "$made"' EXIT
cp -a "$installed" "$folder/regress"
mkdir "$folder/bin"
# The tests use one scp for both sides: the client stays Debian's, calls of the server side run ours.
cat >"$folder/bin/scp" <<END
#!/bin/bash
for argument; do
  case \$argument in
  -t | -f) printf -v command ' %q' "\$@"; exec "$transfer" scp "scp\$command" ;;
  -*) ;;
  *) break ;;
  esac
done
exec /usr/bin/scp "\$@"
END
chmod 755 "$folder" "$folder/bin/scp"

status=0
for name in "${tests[@]}"; do
  if (
    cd "$folder/regress"
    env OBJ="$folder/regress" BUILDDIR="$folder/regress" TEST_SHELL=sh TEST_SSH_SCP="$folder/bin/scp" \
      TEST_SSH_SSH=/usr/bin/ssh TEST_SSH_SFTPSERVER=/usr/lib/openssh/sftp-server TEST_SSH_UNSAFE_PERMISSIONS=1 \
      sh test-exec.sh "$folder/regress" "$folder/regress/$name.sh"
  ) >"$folder/$name.log" 2>&1 </dev/null; then
    echo "ok $name"
  else
    echo "failed: $name"
    tail -n 40 "$folder/$name.log"
    status=1
  fi
done
exit "$status"
