#!/usr/bin/env bash
# Runs try.sh as a person would: the ssh command that it prints must log in, and Ctrl-C must leave nothing behind.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source-path=SCRIPTDIR source=common.sh
. scripts/common.sh

output=$(mktemp)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# With job control it is a process group of its own, to which Ctrl-C can be sent as a terminal would do it.
set -m
scripts/try.sh --port "$port" >"$output" 2>&1 </dev/null &
group=$!
set +m
# shellcheck disable=SC2317 # called by the trap
finish() {
  if [[ -n $group ]]; then
    kill -TERM -- "-$group" 2>/dev/null || true
    wait "$group" 2>/dev/null || true
  fi
  rm -f "$output"
}
trap finish EXIT

for ((i = 0; ; i++)); do
  if grep -q '^Ctrl-C ends' "$output"; then break; fi
  if ! kill -0 "$group" 2>/dev/null || ((i >= 3000)); then
    sed 's/^/  /' "$output"
    die "try.sh did not start the daemon"
  fi
  sleep 0.1
done

read -ra line < <(grep '^  ssh ' "$output")
if [[ " ${line[*]} " != *" -i "* ]]; then
  say "try.sh took the keys of ~/.ssh; logging in needs their private halves, so that is left to people"
else
  # Only one word of the output is checked, since a login shell may print more.
  answer=$("${line[@]}" -o BatchMode=yes -F none 'echo it works' </dev/null)
  [[ $answer == "it works" ]] || die "the printed line answered: $answer"
fi

kill -INT -- "-$group"
wait "$group" || true
if pgrep -g "$group" >/dev/null; then die "processes are left after Ctrl-C"; fi
group=
if port_answers "$port"; then die "somebody still listens after Ctrl-C"; fi
say "try.sh: its line logs in, and Ctrl-C ends it"
