# shellcheck shell=bash
# Functions that the scripts of clients share; sourced. The scripts work in an empty directory, $work, which is removed
# afterwards; the home of the daemon's user is $USER_HOME. They print the differences, and then fail.
set -euo pipefail

clients=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d "$DIRECTORY/client.XXXXXX")
cd "$work"
trap 'cd / && rm -rf "$work"' EXIT

tree() { /usr/bin/python3 "$clients/tree.py" "$@"; }
# same A B WHAT...: both trees have the same entries.
same() { diff <(tree list "$1" "${@:3}") <(tree list "$2" "${@:3}") || fail "$1 and $2 differ"; }
fail() {
  printf '%s\n' "$*" >&2
  exit 1
}
equal() { [[ $1 == "$2" ]] || fail "$3: $1 instead of $2"; }
# contains TEXT PART WHAT
contains() { [[ $1 == *"$2"* ]] || fail "$3: no '$2' in: $1"; }

# Options of PuTTY's programs, in `putty`.
putty_options() {
  puttygen "$KEY" -O private -o key.ppk
  # shellcheck disable=SC2034 # for whoever calls it
  putty=(
    -batch -i key.ppk -P "$PORT" -hostkey "$(ssh-keygen -lf "$DIRECTORY/host0.pub" | awk '{print $2}')"
  )
}

# Options of rclone, in `sftp`.
rclone_options() {
  # shellcheck disable=SC2034 # for whoever calls it
  sftp=(
    --config "$work/none" --sftp-host 127.0.0.1 --sftp-port "$PORT" --sftp-user "$LOGIN" --sftp-key-file "$KEY"
    --sftp-known-hosts-file "$DIRECTORY/known_hosts" --retries 1 --transfers 8 --checkers 8 --stats-log-level DEBUG
  )
  touch none
}
