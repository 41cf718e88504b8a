#!/usr/bin/env bash
# Runs a command in namespaces of its own: its own /etc, /run and /var/log, whose changes are discarded at the end; a
# network with loopback only; and processes that end with it. Two of them cannot interfere, even if both create
# accounts. Needs root, mount namespaces and overlayfs.
#
#   scripts/apart.sh NUMBER COMMAND...
#
# NUMBER, 1 to 9, distinguishes commands that run at the same time: accounts that they create get user ids from NUMBER ×
# 10,000 on, since the kernel counts the processes of a user id over all namespaces.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source-path=SCRIPTDIR source=common.sh
. scripts/common.sh

[[ ${1:-} =~ ^[1-9]$ && $# -gt 1 ]] || die "usage: scripts/apart.sh NUMBER COMMAND..."
number=$1
shift

namespaces=(unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private)
# shellcheck disable=SC2016 # for the shell that runs it
prepare='
  set -eu
  ip link set lo up
  layers=/mnt
  mount -t tmpfs -o mode=755 tmpfs "$layers"
  for folder in etc var/log; do
    mkdir -p "$layers/$folder/upper" "$layers/$folder/work"
    mount -t overlay -o "lowerdir=/$folder,upperdir=$layers/$folder/upper,workdir=$layers/$folder/work" overlay "/$folder"
  done
  mkdir "$layers/run"
  cp -a /run/. "$layers/run/" 2>/dev/null || true
  mount --bind "$layers/run" /run
  sed -i -E "/^(UID|GID)_(MIN|MAX)/d" /etc/login.defs
  for id in UID GID; do printf "%s_MIN %s\n%s_MAX %s\n" $id ${0}0000 $id ${0}9999; done >>/etc/login.defs
'
# The shell stays as process 1 and reaps orphans: zombies count against the limits of their user.
exec "${namespaces[@]}" bash -c "$prepare"'"$@"; exit "$?"' "$number" "$@"
