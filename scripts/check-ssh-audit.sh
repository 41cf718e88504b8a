#!/usr/bin/env bash
# Runs ssh-audit (PyPI) against the release build with the default algorithms and a key of each type that gen-host-key
# generates by default.
#
#   scripts/check-ssh-audit.sh
#
# Exits with 1 if ssh-audit reports a failure, or a warning that is not expected here. Documentation/THREATS.md says why
# the expected ones cannot be avoided.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source-path=SCRIPTDIR source=common.sh
. scripts/common.sh

version=3.9.0
# The NIST curves are offered last, to clients that support nothing else. All key exchanges but the first are for clients
# without a post-quantum one, and libssh2 supports no other MACs.
expected=(
  'does not provide protection against post-quantum attacks' 'using encrypt-and-MAC mode'
  'using elliptic curves that are suspected as being backdoored by the U.S. National Security Agency'
)

folder=$(mktemp -d)
daemon=
built=
# shellcheck disable=SC2317 # called by the trap
finish() {
  if [[ -n $daemon ]]; then kill "$daemon" || true; fi
  [[ -z $built ]] || release_executables "$built"
  rm -rf "$folder"
}
trap finish EXIT

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "ssh-audit==$version"
((EUID != 0)) || make_service_accounts
built=$(reachable_executables)
"$built/bssh-server" gen-host-key -o "$folder/host_key" >/dev/null
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
printf 'server: {bind_address: 127.0.0.1, port: %s, host_keys: [%s]}\nsecurity: {ban_state_file: null}\naudit: {enabled: false}\n' \
  "$port" "$folder/host_key" >"$folder/server.yaml"
chmod 600 "$folder/server.yaml"
"$built/bssh-server" run -D -c "$folder/server.yaml" 2>"$folder/log" &
daemon=$!
for _ in {1..100}; do
  ! port_answers "$port" || break
  kill -0 "$daemon" || die "the daemon does not start: $(<"$folder/log")"
  sleep 0.1
done

# It exits with 2 for warnings and 3 for failures; they are examined below.
"$folder/venv/bin/ssh-audit" --skip-rate-test -j -p "$port" 127.0.0.1 >"$folder/report" || (($? < 4))
python3 - "$folder/report" "${expected[@]}" <<'END'
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    report = json.load(file)
found = []
names = 0
for kind in ("kex", "key", "enc", "mac"):
    for algorithm in report[kind]:
        names += 1
        notes = algorithm["notes"]
        found += [(kind, algorithm["algorithm"], "failure", text) for text in notes.get("fail", [])
                  if kind != "kex" or text not in sys.argv[2:]]
        found += [(kind, algorithm["algorithm"], "warning", text) for text in notes.get("warn", [])
                  if text not in sys.argv[2:]]
for problem in found:
    print("  %s %s: %s: %s" % problem)
first = report["kex"][0]
if first["algorithm"] != "mlkem768x25519-sha256" or "warn" in first["notes"]:
    found.append(first)
    print("  the first key exchange is not post-quantum:", first)
print(f"ssh-audit: {names} algorithms, {len(found)} problems")
sys.exit(1 if found or names == 0 or report["cves"] else 0)
END
