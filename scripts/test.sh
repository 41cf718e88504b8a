#!/usr/bin/env bash
# Installs what the tests need, builds everything and runs every check. Needs the network for packages of Debian and
# PyPI only.
#
#   scripts/test.sh
#
# FUZZ_SECONDS=N in the environment: how long each fuzzer runs (default 20).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source-path=SCRIPTDIR source=common.sh
. scripts/common.sh

fuzz_seconds=${FUZZ_SECONDS:-20}
passed=()
skipped=()

# Runs one step under its name; the first that fails ends the whole.
step() {
  local name=$1 started=$SECONDS
  shift
  say "== $name"
  "$@" || die "failed: $name"
  passed+=("$name ($((SECONDS - started)) s)")
}

# What runs beside the tests: a group of processes for each, and what it prints.
declare -A groups=()
logs=$(mktemp -d)

# Starts something that gives way to the tests, which wait most of the time; `joined` is its step.
beside() {
  local name=$1
  shift
  # A group of its own, so that all of it can be ended.
  set -m
  (
    renice -n 10 "$BASHPID" >/dev/null
    "$@"
  ) >"$logs/$name" 2>&1 </dev/null &
  groups[$name]=$!
  set +m
}
joined() {
  local status=0
  wait "${groups[$1]}" || status=$?
  unset "groups[$1]"
  cat "$logs/$1"
  return "$status"
}
# shellcheck disable=SC2317 # called by the trap
finish() {
  local group
  for group in "${groups[@]}"; do kill -- "-$group" 2>/dev/null || true; done
  rm -rf "$logs"
}
trap finish EXIT

# What the interoperability tests drive the daemon with, and what checks the scripts and the unit.
test_packages=(
  shellcheck python3 python3-paramiko sshpass dropbear-bin putty-tools socat expect procps psmisc util-linux systemd
  openssh-server openssh-tests openssl passwd rsync sshfs rclone lftp python3-asyncssh curl qrencode oathtool telnet
  python3-venv asciinema haproxy strace rsyslog rsyslog-gnutls iproute2 gzip ca-certificates
)
need_packages "${build_packages[@]}" "${test_packages[@]}"
need_swift

check_scripts() { shellcheck -x scripts/*.sh .ci/run Tests/InteropTests/Clients/*.sh; }
check_format() {
  local folder folders=()
  for folder in Sources Tests Fuzz; do [[ ! -d $folder ]] || folders+=("$folder"); done
  swift format lint --strict --parallel --recursive "${folders[@]}" Package.swift
}
build_debug() { swift build --build-tests --explicit-target-dependency-import-check error; }
# What 'swift test --skip-build' runs; that would keep the release build waiting until it has ended.
run_tests() { NO_COLOR=1 .build/debug/bssh-serverPackageTests.xctest --testing-library swift-testing "$@"; }
check_unit() {
  local folder status=0
  folder=$(mktemp -d)
  sed "s|/usr/sbin/bssh-server|$PWD/.build/release/bssh-server|" systemd/bssh-server.service \
    >"$folder/bssh-server.service"
  SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no "$folder/bssh-server.service" || status=$?
  rm -rf "$folder"
  # No worse than what Documentation/THREATS.md records.
  systemd-analyze security --offline=true --threshold=96 --no-pager systemd/bssh-server.service >/dev/null || status=$?
  return "$status"
}

step "scripts are clean" check_scripts
step "libssh is the one that was tried out" scripts/check-libssh.sh
step "sources are formatted" check_format
step "debug build, warnings are errors, imports are declared" build_debug
beside release build_release
beside fuzzing scripts/fuzz.sh "$fuzz_seconds"
step "unit tests" run_tests --skip '^InteropTests\.'
step "interoperability tests" run_tests --filter '^InteropTests\.'
step "release build" joined release
step "executables are linked as they should be" scripts/check-binaries.sh
step "try.sh: the printed line logs in" scripts/check-try.sh
step "OpenSSH's tests of SFTP and of logins" scripts/check-openssh-regress.sh
step "OpenSSH's tests of scp" scripts/check-scp.sh
step "a directory of a million entries" scripts/check-large-directory.py
step "ssh-audit finds nothing to mend" scripts/check-ssh-audit.sh
step "the unit is valid" check_unit
step "fuzzing, $fuzz_seconds s each" joined fuzzing
if ((EUID == 0)); then
  step "install.sh: installs, logs in, keeps a configuration, uninstalls" scripts/check-install.sh
else
  skipped+=("separate accounts, other users' files" "install.sh")
fi

say
say "All passed, in $((SECONDS / 60)) min $((SECONDS % 60)) s:"
for name in "${passed[@]}"; do say "  $name"; done
for name in "${skipped[@]}"; do say "  skipped, not root: $name"; done
