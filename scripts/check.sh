#!/usr/bin/env bash
# The tests for every change, in less than three minutes once everything is built: the unit tests, and a dozen suites
# that drive the daemon with real clients. scripts/test.sh runs everything.
#
#   scripts/check.sh
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source-path=SCRIPTDIR source=common.sh
. scripts/common.sh

need_packages "${build_packages[@]}"
need_swift

suites=(
  Login KeyOptions MatchBlocks ClosedAccounts Privileges Service SessionCounts Terminals Environment Roots Transfers
  CommandEvents JournalWriting
)
pattern=$(IFS='|' && printf '%s' "${suites[*]}")

check_format
build_debug

status=0
run_tests unit "${unit_tests[@]}" &
unit=$!
if scripts/apart.sh 1 true 2>/dev/null; then apart=(scripts/apart.sh 1); fi
run_tests interop --filter "InteropTests\\.Interop/($pattern)/" || status=1
wait "$unit" || status=1
report_tests unit interop
exit "$status"
