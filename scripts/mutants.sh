#!/usr/bin/env bash
# Mutation testing: changes one operator, constant or condition of the sources at a time, and reports the changes that the
# unit tests do not detect. Not part of test.sh: each mutation is a build of its own.
#
#   scripts/mutants.sh [--seed N] [--count N] [FILE ...]
#
#   --seed N    selects the mutations; the same number selects the same ones from the same sources (default: a random
#               one, which is printed)
#   --count N   how many (default 20)
#   FILE        Swift files of Sources; default: those that contain decisions only
#
# Works in a copy of the checkout in .build/mutants, which is kept so that the next run builds less. The tests of a file are
# those of its target. For each mutation it prints the result:
#
#   killed       a test failed
#   trapped      the tests ended in a trap, or with another signal; a failed expectation would be more precise
#   hung         the tests did not end in time
#   no build     it does not compile
#   LIVED        all tests passed: a test is missing, or the change changes nothing
#
# Exits with 1 if one lived.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source-path=SCRIPTDIR source=common.sh
. scripts/common.sh

seed=$RANDOM
count=20
files=()
while (($# > 0)); do
  case $1 in
    --seed | --count)
      [[ ${2:-} =~ ^[0-9]{1,9}$ ]] || die "$1 needs a number"
      [[ $1 == --count ]] && count=$2 || seed=$2
      shift
      ;;
    -*) die "$1 is not an option; see the top of the script" ;;
    *)
      [[ $1 == Sources/*.swift && -f $1 ]] || die "$1 is not a Swift file below Sources"
      files+=("$1")
      ;;
  esac
  shift
done
if ((${#files[@]} == 0)); then
  mapfile -t files < <(
    find Sources/Libraries/{AccessControl,Audit,Authentication,Configuration,FileTransfer,Filter} \
      Sources/Daemons/bssh-{authority,journal,supervisor} \
      Sources/Daemons/bssh-transport/{ByteQueue,Channel,ChannelRequestParser,RunningHash,TerminalRecorder,WindowBudget}.swift \
      -name '*.swift' ! -name main.swift ! -name 'Supervisor*.swift'
  )
fi
need_packages "${build_packages[@]}" python3 rsync
need_swift

work=.build/mutants
copy=$work/copy
mkdir -p "$copy"
exec 9>"$work/lock"
flock -n 9 || die "another run uses $work"
rsync -a --delete --exclude=/.build --exclude=/.git ./ "$copy/"
drawn=$(scripts/mutations.py sample "$seed" "$count" "${files[@]}")
say "Seed $seed"

# The target that tests a file.
tests_of() {
  local folder
  for folder in ${1//\// }; do
    # A daemon's folder has the name of its executable, and its target that without bssh-.
    folder=${folder#bssh-}
    folder=${folder^}
    if [[ -d Tests/${folder}Tests ]]; then
      printf '%sTests\n' "$folder"
      return
    fi
  done
  die "no tests belong to $1"
}

# Creates a package with what one test target needs. A mutation may leave a value unused: that is not an error there.
select_tests() {
  {
    sed 's/treatAllWarnings(as: \.error)/treatAllWarnings(as: .warning)/' Package.swift
    cat <<END

var needed = ["$1"]
var next = 0
while next < needed.count {
  for target in package.targets where target.name == needed[next] {
    for dependency in target.dependencies {
      switch dependency {
      case .targetItem(let name, _), .byNameItem(let name, _): if !needed.contains(name) { needed.append(name) }
      default: break
      }
    }
  }
  next += 1
}
package.targets.removeAll { !needed.contains(\$0.name) }
package.products.removeAll { !((\$0 as? Product.Executable)?.targets.allSatisfy { needed.contains(\$0) } ?? false) }
END
  } >"$copy/Package.swift"
}

build() { swift build --package-path "$copy" --build-tests </dev/null >"$work/build.log" 2>&1; }

# Runs the tests once, with a time limit in seconds.
test_once() {
  timeout --kill-after=10 "$1" "$copy/.build/debug/bssh-serverPackageTests.xctest" --testing-library swift-testing \
    --filter "^$tests\\." \
    </dev/null >"$work/tests.log" 2>&1
}

# Restores the changed file.
changed=
# shellcheck disable=SC2317 # called by the trap, too
restore() {
  [[ -z $changed ]] || cp "$work/original" "$copy/$changed"
  changed=
}
trap restore EXIT

declare -A tally=([killed]=0 [trapped]=0 [hung]=0 ["no build"]=0 [LIVED]=0)
tests=
limit=
while IFS=$'\x1f' read -r file place length new line name; do
  wanted=$(tests_of "$file")
  if [[ $wanted != "$tests" ]]; then
    tests=$wanted
    select_tests "$tests"
    build || { tail -n 30 "$work/build.log"; die "$tests does not build"; }
    started=$SECONDS
    test_once 1800 || { tail -n 30 "$work/tests.log"; die "$tests fails without a mutation"; }
    limit=$(((SECONDS - started) * 5 + 60))
  fi
  cp "$copy/$file" "$work/original"
  changed=$file
  scripts/mutations.py apply "$copy/$file" "$place" "$length" "$new"
  if ! build; then
    outcome="no build"
  else
    status=0
    test_once "$limit" || status=$?
    case $status in
      0) outcome=LIVED ;;
      124 | 137) outcome=hung ;;
      *) if grep -q 'unexpected signal' "$work/tests.log"; then outcome=trapped; else outcome=killed; fi ;;
    esac
  fi
  restore
  tally[$outcome]=$((tally[$outcome] + 1))
  printf '%-8s  %s:%s  %s\n' "$outcome" "$file" "$line" "$name"
done <<<"$drawn"

say
say "${tally[killed]} killed, ${tally[trapped]} trapped, ${tally[hung]} hung, ${tally["no build"]} did not build," \
  "${tally[LIVED]} lived"
((tally[LIVED] == 0))
