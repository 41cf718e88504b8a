#!/usr/bin/env bash
# Runs OpenSSH's own tests of SFTP and of logins, from the Debian package openssh-tests, against the release build.
#
#   scripts/check-openssh-regress.sh [test …]
#
# Needs the packages openssh-tests, openssh-client, python3 and telnet. Tests/OpenSSHRegress replaces sshd(8): it
# translates the test's sshd_config into our configuration. Exits with 1 if a test fails.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source-path=SCRIPTDIR source=common.sh
. scripts/common.sh

regress=${OPENSSH_REGRESS:-/usr/lib/openssh/regress}
[[ -f $regress/test-exec.sh ]] || die "$regress holds no tests: apt-get install openssh-tests"
[[ -x .build/release/bssh-server ]] || die "there is no release build: swift build -c release"
sftp_tests=(sftp sftp-cmds sftp-badcmds sftp-batch sftp-glob sftp-perm)
login_tests=(forcecommand allow-deny-users login-timeout envpass banner key-options cert-userkey)
tests=("$@")
(($# > 0)) || tests=("${sftp_tests[@]}" "${login_tests[@]}")

((EUID != 0)) || make_service_accounts
built=$(reachable_executables)
# authorized_keys are accepted only below directories that nobody else can write to, so not in /tmp.
if ((EUID == 0)); then private=/run; else private=$HOME; fi
objects=$(mktemp -d "$private/bssh-regress.XXXXXX")
# shellcheck disable=SC2317 # called by the trap
finish() {
  release_executables "$built"
  rm -rf "$objects"
}
trap finish EXIT

export DAEMON_EXECUTABLES=$built TEST_SHELL=sh TEST_SSH_SFTPSERVER=$built/bssh-transfer
export TEST_SSH_SSHD=$PWD/Tests/OpenSSHRegress/sshd TEST_SSH_SSH=$PWD/Tests/OpenSSHRegress/ssh
export TEST_SSH_SFTP=/usr/bin/sftp TEST_SSH_SCP=/usr/bin/scp
# Without it, tests of terminals are skipped.
export SUDO=env

# Prints the path of a test: its own or, if something in it has another meaning here, that of a modified copy in a
# directory of links to everything that it uses.
script_of() {
  local copy=$objects/changed/$1.sh
  if [[ $1 != cert-userkey ]]; then
    printf '%s\n' "$regress/$1.sh"
    return
  fi
  mkdir -p "$objects/changed"
  ln -sf "$regress"/* "$objects/changed/"
  rm "$copy"
  # - The test expects that a `cert-authority` line of authorized_keys, unlike TrustedUserCAKeys, accepts a certificate
  #   without principals for everyone. Here such a certificate is accepted for nobody: Documentation/KEYS.md.
  # - Of RSA it tries ssh-rsa, which signs with SHA-1 and is refused here, together with rsa-sha2-256 and rsa-sha2-512.
  #   Tests/OpenSSHRegress/ssh leaves RSA out; here the two that sign with SHA-2 are added again, certified by an RSA
  #   key.
  # shellcheck disable=SC2016 # the test's own variables
  sed -e 's/^\(test_one "empty principals"[[:blank:]]*\)success "" authorized_keys$/\1failure "" authorized_keys/' \
    -e 's/^EXTRA_TYPES=""$/EXTRA_TYPES=""; PLAIN_TYPES="$PLAIN_TYPES rsa-sha2-256 rsa-sha2-512"/' \
    -e 's/^\([[:blank:]]*\)catype=ed25519$/\1catype=rsa/' "$regress/$1.sh" >"$copy"
  (($(diff "$regress/$1.sh" "$copy" | grep -c '^>') == 3)) || die "$1.sh is not the one that was tried out"
  printf '%s\n' "$copy"
}

status=0
for name in "${tests[@]}"; do
  started=$SECONDS
  # In a session of its own, so that left-over processes can be ended.
  script=$(script_of "$name")
  (cd "$objects" && exec setsid sh "$regress/test-exec.sh" "$objects" "$script") \
    >"$objects/output-of-$name" 2>&1 </dev/null &
  session=$!
  if wait "$session"; then
    say "ok      $name ($((SECONDS - started)) s)"
  else
    say "FAILED  $name"
    tail -n 30 "$objects/output-of-$name"
    [[ ! -s $objects/failed-sshd.log ]] || tail -n 30 "$objects/failed-sshd.log"
    status=1
  fi
  pkill -KILL -s "$session" || true
done
exit "$status"
