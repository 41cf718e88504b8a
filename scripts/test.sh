#!/usr/bin/env bash
# Installs what the tests need, builds everything and runs every check. Needs the network only for packages of Debian
# and PyPI.
#
#   scripts/test.sh
#
# FUZZ_SECONDS=N in the environment: how long each fuzzer runs (default 20).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source-path=SCRIPTDIR source=common.sh
. scripts/common.sh

fuzz_seconds=${FUZZ_SECONDS:-20}
outputs=$(mktemp -d)
passed=()
skipped=()
declare -A running=()

# Runs one step under its name; the first failure ends the script.
step() {
  local name=$1 started=$SECONDS
  shift
  say "== $name"
  "$@" || die "failed: $name"
  passed+=("$name ($((SECONDS - started)) s)")
}

# Starts a step, which runs beside the following ones until `finish` waits for it and prints its output.
start() {
  local name=$1 started=$SECONDS
  shift
  # A process group of its own, which ends with the script.
  set -m
  {
    "$@"
    say "$((SECONDS - started))" >"$outputs/seconds of $name"
  } >"$outputs/$name" 2>&1 &
  running[$name]=$!
  set +m
}
finish() {
  local name=$1 status=0
  wait "${running[$name]}" || status=$?
  unset "running[$name]"
  say "== $name"
  cat "$outputs/$name"
  ((status == 0)) || die "failed: $name"
  passed+=("$name ($(<"$outputs/seconds of $name") s, beside others)")
}
# shellcheck disable=SC2317 # called by the trap
clean_up() {
  local group
  for group in "${running[@]}"; do kill -- "-$group" 2>/dev/null || true; done
  rm -rf "$outputs"
}
trap clean_up EXIT

# Programs with which the interoperability tests drive the daemon, and those that check the scripts and the unit.
test_packages=(
  shellcheck python3 python3-paramiko sshpass dropbear-bin putty-tools socat expect procps psmisc util-linux systemd
  openssh-server openssh-tests dbus-daemon python3-dbus python3-gi openssl passwd rsync sshfs rclone lftp python3-asyncssh curl qrencode oathtool telnet
  python3-venv asciinema haproxy strace rsyslog rsyslog-gnutls iproute2 gzip ca-certificates valgrind
  # Programs and libraries of Documentation/COMPATIBILITY.md.
  restic borgbackup duplicity python3-pexpect git sqlite3 tmux mosh nmap php-cli php-phpseclib3 ruby-net-ssh ruby-net-sftp
  ruby-net-scp libnet-ssh2-perl python3-fabric
)
need_packages "${build_packages[@]}" "${test_packages[@]}"
need_swift

check_scripts() {
  shellcheck -x scripts/*.sh .ci/run Tests/InteropTests/Clients/*.sh && scripts/check-docstrings.py --self-test
}
make_venvs() {
  local kind
  for kind in "" --ansible --clients --ml-kem --schema; do scripts/make-test-venv.sh ${kind:+"$kind"} >/dev/null; done
}
run_unit_tests() {
  local status=0
  run_tests unit "${unit_tests[@]}" || status=1
  report_tests unit
  return "$status"
}
# The interoperability tests use the installed executables, run one after the other and mostly wait. If namespaces can
# be created, each quarter of them runs in its own.
run_interop_tests() {
  local one status=0 parts=() processes=()
  # For the tests alone: the daemon refuses variables that it does not know.
  local -x BSSH_TEST_EXECUTABLES=$PWD/.build/release
  # Initials of suites, which together take the same time.
  for one in ${namespaces:+T CL AJS} "${namespaces:+BDEFGHIKMNOPQRUVWXYZ}"; do
    parts+=("interop${one:+-$one}")
    apart=(${namespaces:+scripts/apart.sh "${#parts[@]}"})
    run_tests "${parts[-1]}" --filter "InteropTests\\.Interop/${one:+[$one]}" &
    processes+=($!)
  done
  for one in "${processes[@]}"; do wait "$one" || status=1; done
  report_tests "${parts[@]}"
  return "$status"
}
check_unit() {
  local folder status=0
  folder=$(mktemp -d)
  sed "s|/usr/sbin/bssh-server|$PWD/.build/release/bssh-server|g" systemd/bssh-server.service \
    >"$folder/bssh-server.service"
  cp systemd/bssh-server.socket "$folder/"
  SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no "$folder"/bssh-server.{service,socket} || status=$?
  rm -rf "$folder"
  # No worse than what Documentation/THREATS.md states.
  systemd-analyze security --offline=true --threshold=96 --no-pager systemd/bssh-server.service >/dev/null || status=$?
  return "$status"
}

namespaces=
if scripts/apart.sh 1 true 2>/dev/null; then namespaces=yes; fi
# A check that drives the release executables, beside the interoperability tests if it can be kept apart from them.
drive() { ${namespaces:+scripts/apart.sh 9} "$@"; }

step "scripts are clean" check_scripts
step "public declarations are documented" scripts/check-docstrings.py
step "libssh is the one that was tried out" scripts/check-libssh.sh
step "sources are formatted" check_format
start "Python packages of the tests" make_venvs
step "debug build, warnings are errors, imports are declared" build_debug
finish "Python packages of the tests"
start "tests of units" run_unit_tests
step "release build" build_release
step "executables are linked as they should be" scripts/check-binaries.sh
step "ML-KEM agrees with its standard, in constant time" scripts/check-ml-kem.sh
step "the unit is valid" check_unit
finish "tests of units"
# Before the namespaces, so that files which try.sh leaves belong to accounts that stay.
((EUID != 0)) || make_service_accounts
start "fuzzing, $fuzz_seconds s each" nice -n 10 scripts/fuzz.sh "$fuzz_seconds"
start "interoperability tests" run_interop_tests
[[ -n $namespaces ]] || finish "interoperability tests"
step "try.sh: the printed line logs in" drive scripts/check-try.sh
step "OpenSSH's tests of SFTP and of logins" drive scripts/check-openssh-regress.sh
step "OpenSSH's tests of scp" drive scripts/check-scp.sh
step "a directory of a million entries" drive scripts/check-large-directory.py
[[ -z $namespaces ]] || finish "interoperability tests"
# Installs ssh-audit, so it needs the network.
step "ssh-audit finds nothing to mend" scripts/check-ssh-audit.sh
finish "fuzzing, $fuzz_seconds s each"
if ((EUID == 0)); then
  step "install.sh: installs, logs in, keeps a configuration, uninstalls" scripts/check-install.sh
else
  skipped+=("separate accounts, other users' files" "install.sh")
fi

say
say "All passed, in $((SECONDS / 60)) min $((SECONDS % 60)) s:"
for name in "${passed[@]}"; do say "  $name"; done
for name in "${skipped[@]}"; do say "  skipped, not root: $name"; done
