# shellcheck shell=bash disable=SC2034
# Functions that the scripts share; sourced, with the top of the repository as the working directory.

# Debian packages that a build needs.
build_packages=(
  libssh-dev libssl-dev libargon2-dev zlib1g-dev libyaml-dev libseccomp-dev libcrypt-dev libqrencode-dev
  libcurl4-openssl-dev
  pkg-config binutils libc6-dev openssh-client
)

# The executables, in the order in which a reader meets them.
executables=(
  bssh-server bssh-supervisor bssh-transport bssh-authority bssh-session bssh-transfer bssh-journal bssh-recorder
  bssh-exporter
)

# The mode with which an executable is installed. If a user cannot read the executable of a process, no other process of
# that user can inspect it from its start on; ptrace(2).
executable_mode() {
  case $1 in
    bssh-session | bssh-transfer) printf '0711\n' ;;
    *) printf '0755\n' ;;
  esac
}

say() { printf '%s\n' "$*"; }

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Installs the missing packages of those given, and says so first.
need_packages() {
  local package missing=()
  for package in "$@"; do
    if [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
      missing+=("$package")
    fi
  done
  if ((${#missing[@]} == 0)); then return 0; fi
  command -v apt-get >/dev/null || die "these Debian packages are missing: ${missing[*]}"
  local as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || die "as root, please: apt-get install -y ${missing[*]}"
    as_root=(sudo)
  fi
  say "Installing Debian packages: ${missing[*]}"
  local environment=(env DEBIAN_FRONTEND=noninteractive)
  local options=(-o DPkg::Lock::Timeout=300 -qq)
  "${as_root[@]}" "${environment[@]}" apt-get "${options[@]}" update ||
    say "apt-get update failed; trying with the package lists that are here"
  "${as_root[@]}" "${environment[@]}" apt-get "${options[@]}" install -y --no-install-recommends "${missing[@]}" \
    >/dev/null || die "apt-get could not install: ${missing[*]}"
}

# Adds the Swift tool chain to PATH.
need_swift() {
  if ! command -v swift >/dev/null && [[ -x /opt/swift/usr/bin/swift ]]; then
    PATH=/opt/swift/usr/bin:$PATH
  fi
  command -v swift >/dev/null || die "no swift on the PATH; Swift 6.3 is at https://www.swift.org/install/linux/"
}

# Builds the executables that are installed, into .build/release.
build_release() {
  need_swift
  BSSH_COMMIT=$(built_commit) BSSH_LIBSSH_PACKAGE=$(dpkg-query -W -f '${Version}' libssh-dev 2>/dev/null || say unknown) \
    swift build -c release --static-swift-stdlib --disable-local-rpath
}

# The commit that is checked out, for `bssh-server version`.
built_commit() {
  local commit
  commit=$(git rev-parse HEAD 2>/dev/null) || {
    say unknown
    return
  }
  git diff --quiet HEAD -- Sources Package.swift 2>/dev/null || commit+=-modified
  say "$commit"
}

# True if a process listens on this port of 127.0.0.1.
port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Creates the system accounts that processes of the daemon use when it is started as root.
make_service_accounts() {
  local account
  for account in bssh-transport bssh-authority bssh-audit; do
    if getent passwd "$account" >/dev/null; then continue; fi
    useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$account"
  done
}

# Prints a folder with the release executables. As root it is a copy that other accounts can reach, whose files belong
# to root and have the modes with which they are installed. release_executables removes the copy.
reachable_executables() {
  local folder=$PWD/.build/release executable
  if ((EUID == 0)); then
    folder=$(mktemp -d /var/tmp/bssh-executables.XXXXXX)
    chmod 755 "$folder"
    for executable in "${executables[@]}"; do
      install -o root -g root -m "$(executable_mode "$executable")" ".build/release/$executable" "$folder/"
    done
  fi
  printf '%s\n' "$folder"
}

release_executables() { case $1 in /var/tmp/bssh-executables.*) rm -rf "$1" ;; esac }

# Fails if a Swift file is not formatted as swift-format does it.
check_format() { swift format lint --strict --parallel --recursive Sources Tests Fuzz Package.swift; }

# Builds the tests, and the executables next to them, into .build/debug.
build_debug() { swift build --build-tests --disable-index-store --explicit-target-dependency-import-check error; }

# All tests except those that drive the daemon, as options of run_tests.
unit_tests=(--skip 'InteropTests\.Interop/')

# Runs built tests. Their output goes to the log of this name.
# Several of these may run at the same time.
#   run_tests NAME OPTION...
run_tests() {
  local log=.build/test-logs/$1.log
  shift
  mkdir -p .build/test-logs
  NO_COLOR=1 "${apart[@]}" .build/debug/bssh-serverPackageTests.xctest --testing-library swift-testing "$@" >"$log" 2>&1
}
apart=()

# Summarizes the logs of these names: failures, number of tests, and the slowest ones. Unit tests wait for each other,
# so their times are not meaningful.
report_tests() {
  local name logs=()
  for name in "$@"; do logs+=(".build/test-logs/$name.log"); done
  awk '/^✘/ { on = 1 } /^(◇|✔|→)/ { on = 0 } on' "${logs[@]}"
  for name in "$@"; do
    say "$name: $(grep -aE '^. Test run with' ".build/test-logs/$name.log" || tail -n 20 ".build/test-logs/$name.log")"
  done
  [[ $* != unit ]] || return 0
  say "The ten slowest tests, in seconds:"
  sed -nE 's/^[✔✘] Test "(.*)"( with [0-9]+ test cases)? (passed|failed) after ([0-9.]+) seconds.*/  \4  \1/p' \
    "${logs[@]/*unit.log//dev/null}" | sort -rn | head -n 10 || true
}
