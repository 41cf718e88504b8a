#!/usr/bin/env bash
# Runs OpenSSH's own tests of SFTP, from the Debian package openssh-tests, against bssh-transfer.
#
#   scripts/check-openssh-regress.sh [test …]
#
# Needs the packages openssh-tests and openssh-client, and a release build. Ends with 1 when a test fails.
set -euo pipefail
cd "$(dirname "$0")/.."

regress=${OPENSSH_REGRESS:-/usr/lib/openssh/regress}
[[ -f $regress/test-exec.sh ]] || {
  echo "$regress holds no tests: apt-get install openssh-tests" >&2
  exit 1
}
transfer=$PWD/.build/release/bssh-transfer
[[ -x $transfer ]] || {
  echo "$transfer is not there: swift build -c release --product bssh-transfer" >&2
  exit 1
}
tests=("$@")
(($# > 0)) || tests=(sftp sftp-cmds sftp-badcmds sftp-batch sftp-glob sftp-perm)

objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT

# These tests talk to the SFTP server without SSH; their set-up only wants a daemon that finds its configuration good.
printf '#!/bin/sh\nexit 0\n' >"$objects/sshd"
chmod +x "$objects/sshd"
export TEST_SHELL=sh TEST_SSH_SFTPSERVER=$transfer TEST_SSH_SSHD=$objects/sshd
export TEST_SSH_SFTP=/usr/bin/sftp TEST_SSH_SSH=/usr/bin/ssh TEST_SSH_SCP=/usr/bin/scp

status=0
for name in "${tests[@]}"; do
  if (cd "$objects" && sh "$regress/test-exec.sh" "$objects" "$regress/$name.sh") >"$objects/$name.out" 2>&1; then
    echo "ok      $name"
  else
    echo "FAILED  $name"
    tail -n 20 "$objects/$name.out"
    status=1
  fi
done
exit "$status"
