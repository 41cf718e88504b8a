#!/usr/bin/env bash
# Builds bssh-server and runs it for the caller. Everything that it creates is in ./.try and ./.build or, as root in a
# tree of another user, in /var/lib/bssh-try.
#
#   scripts/try.sh [--port N] [--build-only]
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source-path=SCRIPTDIR source=common.sh
. scripts/common.sh

port=2222
build_only=
while (($#)); do
  case $1 in
    --port)
      port=${2:-}
      if ! [[ $port =~ ^[1-9][0-9]{0,4}$ ]] || ((port > 65535)); then die "--port takes a number from 1 to 65535"; fi
      shift 2
      ;;
    --build-only)
      build_only=yes
      shift
      ;;
    -h | --help)
      sed -n '2,5s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *) die "unknown option $1; known: --port N, --build-only" ;;
  esac
done

need_packages "${build_packages[@]}"
say "Building (the first time takes some minutes)"
build_release
[[ -z $build_only ]] || exit 0

if port_answers "$port"; then die "somebody listens on 127.0.0.1:$port; choose another with --port"; fi

user=$(id -un)
folder=
# Nobody else may be able to change what root uses: a daemon of root refuses a configuration below such a directory.
state=$PWD/.try
if ((EUID == 0)); then
  place=$PWD
  while :; do
    if [[ $(stat -c %u "$place") != 0 ]] || { [[ ! -k $place ]] && (($(stat -c '0%a & 022' "$place"))); }; then
      state=/var/lib/bssh-try
      say "Others than root can change $place: what is made is in $state"
      break
    fi
    [[ $place != / ]] || break
    place=$(dirname "$place")
  done
fi
mkdir -p "$state"
chmod 700 "$state"
daemon=
# shellcheck disable=SC2317 # called by the trap
finish() {
  trap '' INT TERM
  if [[ -n $daemon ]] && kill -TERM "$daemon" 2>/dev/null; then wait "$daemon" || true; fi
  release_executables "$folder"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if ((EUID == 0)); then
  say "As root: making sure of the system accounts that parts of the daemon run as: bssh-transport, bssh-authority, bssh-audit"
  make_service_accounts
fi
folder=$(reachable_executables)

if [[ ! -e "$state/host_key" ]]; then "$folder/bssh-server" gen-host-key -t ed25519 -o "$state/host_key"; fi

# The caller's public keys that the daemon accepts: no certificates, no DSA, no RSA below 2048 bits.
public_keys=()
for file in ~/.ssh/*.pub; do
  [[ -r $file && $file != *-cert.pub ]] || continue
  read -r bits _ < <(ssh-keygen -lf "$file" 2>/dev/null) || continue
  read -r line <"$file" || [[ -n $line ]] || continue
  case $line in
    ssh-rsa\ *) ((bits >= 2048)) || continue ;;
    ssh-ed25519\ * | ecdsa-sha2-* | sk-*) ;;
    *) continue ;;
  esac
  public_keys+=("$line")
done
identity=()
if ((${#public_keys[@]} == 0)); then
  if [[ ! -e "$state/id_ed25519" ]]; then
    say "You have no key in ~/.ssh: making one for this, $state/id_ed25519"
    ssh-keygen -q -t ed25519 -N '' -C "try.sh" -f "$state/id_ed25519"
  fi
  public_keys+=("$(<"$state/id_ed25519.pub")")
  identity=(-i "${state/#"$PWD"/.}/id_ed25519" -o IdentitiesOnly=yes)
fi

# A YAML string in single quotes.
quoted() { printf "'%s'" "${1//\'/\'\'}"; }

{
  say "# Written by scripts/try.sh, each time anew."
  say "server:"
  say "  bind_address: 127.0.0.1"
  say "  port: $port"
  say "  host_keys: [$(quoted "$state/host_key")]"
  say "auth:"
  say "  methods: [publickey]"
  say "  password:"
  say "    users:"
  say "      - name: $(quoted "$user")"
  say "        authorized_keys:"
  for line in "${public_keys[@]}"; do say "          - $(quoted "$line")"; done
  say "security:"
  say "  ban_state_file: $(quoted "$state/bans")"
  say "audit:"
  say "  exporters: [{type: file, path: $(quoted "$state/audit/audit.log")}]"
} >"$state/server.yaml"
chmod 600 "$state/server.yaml"
"$folder/bssh-server" check-config -c "$state/server.yaml" >/dev/null

read -r type blob _ <"$state/host_key.pub"
say "[127.0.0.1]:$port $type $blob" >"$state/known_hosts"

rm -f "$state/pid"
"$folder/bssh-server" run -D --pid-file "$state/pid" -c "$state/server.yaml" &
daemon=$!
for ((i = 0; ; i++)); do
  kill -0 "$daemon" 2>/dev/null || { daemon=; die "the daemon ended; it said why above"; }
  # Written when everything works.
  if [[ -s "$state/pid" ]]; then break; fi
  ((i < 100)) || die "the daemon does not answer on 127.0.0.1:$port"
  sleep 0.1
done
say
say "Log in from another terminal, in $PWD:"
say
say "  ssh -p $port${identity[*]:+ ${identity[*]}} -o UserKnownHostsFile=${state/#"$PWD"/.}/known_hosts $user@127.0.0.1"
say
say "Ctrl-C ends the daemon."
status=0
wait "$daemon" || status=$?
daemon=
exit "$status"
