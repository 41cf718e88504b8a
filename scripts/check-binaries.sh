#!/usr/bin/env bash
# Checks how the release executables are linked: which libraries each may load, and that exploit mitigations are
# enabled.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source-path=SCRIPTDIR source=common.sh
. scripts/common.sh

folder=${1:-.build/release}
runtime="libc.so.6 libm.so.6 libgcc_s.so.1 libstdc++.so.6"
# Libraries beyond the runtime. The supervisor, which is root, and the session and transfer processes, which run as the
# user, parse nothing in C.
declare -A allowed=(
  [bssh-server]="libyaml-0.so.2 libcrypto.so.3 libargon2.so.1 libqrencode.so.4 libz.so.1"
  [bssh-supervisor]=""
  [bssh-transport]="libcrypto.so.3 libz.so.1 libseccomp.so.2"
  [bssh-authority]="libcrypto.so.3 libargon2.so.1 libcrypt.so.1"
  [bssh-session]=""
  [bssh-transfer]=""
  [bssh-journal]="libz.so.1"
  [bssh-recorder]=""
  [bssh-exporter]="libcurl.so.4 libz.so.1"
)

# True for a library of the runtime, the kernel or the loader, and for those of the list.
permitted() {
  case $1 in linux-vdso.so.1 | ld-linux*.so.*) return 0 ;; esac
  [[ " $runtime $2 " == *" $1 "* ]]
}

failures=0
fail() {
  say "  $1: $2"
  failures=$((failures + 1))
}

for executable in "${executables[@]}"; do
  file=$folder/$executable
  if [[ ! -x $file ]]; then
    fail "$executable" "not built"
    continue
  fi
  dynamic=$(readelf --wide --dynamic "$file")
  needed=$(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' <<<"$dynamic")
  for library in $needed; do
    if ! permitted "$library" "${allowed[$executable]}"; then fail "$executable" "links $library"; fi
  done
  if grep -qE '\((RUNPATH|RPATH)\)' <<<"$dynamic"; then fail "$executable" "has a run path"; fi
  if ! grep -qE '\(FLAGS_1\).*\bPIE\b' <<<"$dynamic"; then fail "$executable" "is not position independent"; fi
  if ! grep -qE '\((FLAGS|FLAGS_1|BIND_NOW)\).*\b(BIND_NOW|NOW)\b' <<<"$dynamic"; then
    fail "$executable" "binds lazily"
  fi
  segments=$(readelf --wide --segments "$file")
  if ! grep -q GNU_RELRO <<<"$segments"; then fail "$executable" "has no RELRO"; fi
  if ! grep -qE 'GNU_STACK.* RW +0x' <<<"$segments"; then fail "$executable" "has an executable stack"; fi
done

# The libraries that are really loaded, including indirect dependencies.
if [[ -x $folder/bssh-supervisor ]]; then
  while read -r library _; do
    if ! permitted "${library##*/}" ""; then fail bssh-supervisor "loads $library"; fi
  done < <(ldd "$folder/bssh-supervisor")
fi

((failures == 0)) || die "$failures faults in how the executables are linked"
say "executables: ${#executables[@]} are linked as they should be"
