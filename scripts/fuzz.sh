#!/usr/bin/env bash
# Fuzzes the parsers of hostile bytes with libFuzzer: the harnesses of Fuzz/, as many at a time as there are processors.
#
#   scripts/fuzz.sh [seconds for each harness, default 60 [harness ...]]
#
# Exits with 1 if an input crashes a harness; the input is then in .build/fuzz/crashes.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
wanted=" ${*:2} "
build=.build/fuzz
mkdir -p "$build/crashes"
flags=(-O -sanitize=fuzzer -parse-as-library -swift-version 6 -I "$build" -I Sources/C/CZlib -module-cache-path "$build/cache")

# The C code that System calls, with the module map that SwiftPM would create for it.
printf 'module CLinux { header "%s/Sources/C/CLinux/include/clinux.h" export * }\n' "$PWD" >"$build/module.modulemap"
objects=()
for source in Sources/C/CLinux/*.c; do
  objects+=("$build/$(basename "$source" .c)-c.o")
  clang -O2 -c -o "${objects[-1]}" -I Sources/C/CLinux/include "$source"
done

# Modules with coverage counters, in the order in which they import each other.
modules=(Wire Digests Audit System Gzip JournalReader Export AccessControl Filter Model IPC Authentication FileTransfer)
for module in "${modules[@]}"; do
  mapfile -t sources < <(find "Sources/Libraries/$module" -name '*.swift')
  swiftc "${flags[@]}" -wmo -module-name "$module" -emit-module -emit-module-path "$build/$module.swiftmodule" \
    -emit-object -o "$build/$module.o" "${sources[@]}"
  objects+=("$build/$module.o")
done

# Swift's own crash handler would keep libFuzzer from saving the input.
export SWIFT_BACKTRACE=enable=no
status=0

# Runs one harness; its output goes to its log.
fuzz() {
  local harness=$1
  # New inputs go to the build folder; those in Fuzz/Corpus are only read.
  mkdir -p "$build/corpus/$harness"
  "$build/$harness" -max_total_time="$seconds" -max_len=20000 -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="$build/crashes/$harness-" -print_final_stats=1 -verbosity=0 \
    "$build/corpus/$harness" "Fuzz/Corpus/$harness" >"$build/$harness.log" 2>&1
}

# Waits for the first of the running harnesses, and reports its result.
running=()
# shellcheck disable=SC2317 # called by the trap
stop_all() {
  local one
  for one in "${running[@]}"; do kill "${one#*:}" 2>/dev/null || true; done
}
trap stop_all EXIT
finish_first() {
  local harness=${running[0]%:*} failed=
  wait "${running[0]#*:}" || failed=yes
  running=("${running[@]:1}")
  echo "== $harness, $seconds s"
  [[ -z $failed ]] || { tail -n 40 "$build/$harness.log"; status=1; }
  grep -E 'number_of_executed_units|slowest_unit' "$build/$harness.log" || true
}

for source in Fuzz/*.swift; do
  harness=$(basename "$source" .swift)
  [[ $harness != Entry ]] || continue
  [[ -z ${wanted// /} || $wanted == *" $harness "* ]] || continue
  # The parser is part of an executable, which cannot be imported as a module.
  parser=()
  [[ $harness != ChannelRequest ]] || parser=(Sources/Daemons/bssh-transport/ChannelRequestParser.swift)
  swiftc "${flags[@]}" -module-name "Fuzz$harness" -o "$build/$harness" Fuzz/Entry.swift "$source" "${parser[@]}" \
    "${objects[@]}"
  ((${#running[@]} < $(nproc))) || finish_first
  fuzz "$harness" &
  running+=("$harness:$!")
done
while ((${#running[@]} > 0)); do finish_first; done
exit "$status"
