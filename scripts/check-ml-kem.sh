#!/usr/bin/env bash
# Checks Sources/C/CLibSSH/mlkem768.c: its arithmetic, exhaustively; its results against NIST's test vectors and kyber-py,
# with sanitizers; and, with valgrind, that no branch and no address depends on a secret, at every level of optimization
# and in the object of the release build, which must have no division either.
#
#   scripts/check-ml-kem.sh [OBJECT]
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source-path=SCRIPTDIR source=common.sh
. scripts/common.sh

object=${1:-.build/release/CLibSSH.build/mlkem768.c.o}
[[ -f $object ]] || die "$object is not built"
need_swift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

compile() {
  clang -Wall -Wextra -Wconversion -Werror -ISources/C/CLibSSH "$@"
}

compile -O2 Tests/MLKEM/arithmetic.c -lcrypto -o "$folder/arithmetic"
"$folder/arithmetic" || die "the arithmetic is wrong"

compile -fuse-ld=lld -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all Tests/MLKEM/answer.c \
  Sources/C/CLibSSH/mlkem768.c -lcrypto -o "$folder/answer"
kyber=$(scripts/make-test-venv.sh --ml-kem)
PYTHONPATH=$kyber/src python3 Tests/MLKEM/vectors.py "$folder/answer" "$kyber/assets"

# True if valgrind reports nothing.
is_clean() { valgrind --quiet --error-exitcode=9 "$@" >/dev/null 2>"$folder/report"; }

levels=(-O0 -O1 -O2 -O3 -Os)
for level in "${levels[@]}"; do
  compile "$level" -c Sources/C/CLibSSH/mlkem768.c -o "$folder/mlkem768$level.o"
done
for part in "${levels[@]/#/$folder/mlkem768}" "$object"; do
  compile Tests/MLKEM/constant_time.c "${part/%.o/}.o" -lcrypto -o "$folder/constant_time"
  is_clean "$folder/constant_time" || die "${part##*/} depends on a secret: $(<"$folder/report")"
  # What valgrind must find.
  if is_clean "$folder/constant_time" control; then die "valgrind reports nothing"; fi
done
# The time of a division depends on its operands, and valgrind does not look for it.
divisions=$(objdump -d "$object" | grep -cE '\s(i?div[bwlq]?|[su]div)\s' || true)
((divisions == 0)) || die "$object has $divisions divisions"
say "ML-KEM-768: constant time at ${levels[*]} and in $object"
