#!/usr/bin/env bash
# Compares the release build with Debian's sshd on this machine, as root; --help lists the options.
#
# During the run both servers listen on 127.0.0.1, use the same host key and key exchange, and read the same
# authorized_keys of an account that is created for the run and removed afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source-path=SCRIPTDIR source=common.sh
. scripts/common.sh
((EUID == 0)) || die "as root, please: both servers run as they do in earnest"

need_packages "${build_packages[@]}" openssh-server openssh-sftp-server python3 passwd
build_release >/dev/null

account=bssh-bench
folder=$(mktemp -d /run/bssh-bench.XXXXXX)
# Files to transfer are in memory; otherwise the disk would be measured.
data=$(mktemp -d /dev/shm/bssh-bench.XXXXXX)
reachable=
# shellcheck disable=SC2317 # called by the trap
finish() {
  release_executables "$reachable"
  if getent passwd "$account" >/dev/null; then userdel "$account" || true; fi
  rm -rf "$folder" "$data"
}
trap finish EXIT

make_service_accounts
reachable=$(reachable_executables)
chmod 755 "$folder" "$data"
# sshd needs this directory; its package creates it only when the service starts.
install -d -m 0755 /run/sshd
# No password, and not locked: without PAM sshd refuses locked accounts.
useradd --system --no-create-home --home-dir "$folder/home" --shell /bin/sh --password '*' "$account"
install -d -m 0700 -o "$account" "$folder/home"
install -d -m 0755 "$folder/keys"
ssh-keygen -q -t ed25519 -N '' -f "$folder/host_key"
ssh-keygen -q -t ed25519 -N '' -f "$folder/user_key"
install -m 0644 "$folder/user_key.pub" "$folder/keys/authorized_keys"
say "bench $(<"$folder/host_key.pub")" >"$folder/known_hosts"

python3 -B scripts/bench/bench.py --folder "$folder" --data "$data" --executables "$reachable" --user "$account" "$@"
