#!/usr/bin/env bash
# Runs the tests that the published crossbeam-channel carries against gors-chan under crossbeam-channel's name.
#
#   chan/ci/dropin.sh [threads|goroutines] [--times N] [cargo test arguments...]
#
# threads:    the files as they are in the registry's copy, unmodified.
# goroutines: the same files with `thread::spawn`, `scope` and `thread::sleep` replaced by those of gors.
#
# --times N: that many passes in a row over all of it, each clean: what fails is not run again. For a quiet machine,
#            because many of these tests assert times within 50 ms. Stops at the first pass that is not clean.
#
# Nothing of theirs is kept in this repository: the files are copied into a scratch package under the target
# directory. The one change of the first pass is the Cargo.toml line that a user would write.
set -euo pipefail

version=0.5.17
mode=${1:-threads}
[ $# -gt 0 ] && shift
times=
if [ "${1:-}" = --times ]; then
    times=${2:?how many}
    shift 2
fi
here=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$here/../target}
scratch=$target/dropin-$mode
registry=${CARGO_HOME:-$HOME/.cargo}/registry/src

mkdir -p "$scratch/src" "$scratch/tests"
find_copy() { find "$registry" -maxdepth 2 -type d -name "crossbeam-channel-$version" 2>/dev/null | head -n 1; }
copy=$(find_copy)
if [ -z "$copy" ]; then
    fetch=$scratch/fetch
    mkdir -p "$fetch/src"
    : >"$fetch/src/lib.rs"
    printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n[dependencies]\ncrossbeam-channel = "=%s"\n' \
        "$version" >"$fetch/Cargo.toml"
    (cd "$fetch" && cargo fetch)
    copy=$(find_copy)
fi

: >"$scratch/src/lib.rs"
cat >"$scratch/Cargo.toml" <<TOML
[package]
name = "dropin-$mode"
version = "0.0.0"
edition = "2021"
publish = false

[workspace]

[dependencies]
crossbeam-channel = { package = "gors-chan", path = "$here", features = ["std"] }
gors-runtime = { path = "$here/../runtime" }

[dev-dependencies]
crossbeam-utils = "0.8"
num_cpus = "1"
rand = "0.8"
TOML

rm -f "$scratch"/tests/*.rs
cp "$copy"/tests/*.rs "$scratch/tests/"
# The loop that shows which test hangs: cargo's own harness names tests running for over 60 s.
if [ "$mode" = goroutines ]; then
    "$here/ci/dropin-goroutines.sh" "$scratch"
fi

cd "$scratch"
log=$scratch/log
run() {
    timeout "${DROPIN_TIMEOUT:-900}" cargo test --target-dir "$target" --no-fail-fast "$@" 2>&1 | tee -a "$log"
    return "${PIPESTATUS[0]}"
}
: >"$log"
if [ $# -gt 0 ]; then
    run "$@"
    exit
fi
# golang.rs compares totals of a process-wide allocation counter, which its other tests must not
# move meanwhile.
others=()
for file in tests/*.rs; do
    name=$(basename "$file" .rs)
    [ "$name" = golang ] || others+=(--test "$name")
done
pass() {
    local status=0
    run --test golang -- --test-threads=1 || status=1
    run "${others[@]}" || status=1
    return $status
}
if [ -n "$times" ]; then
    for n in $(seq "$times"); do
        : >"$log"
        begin=$SECONDS
        if ! pass >/dev/null; then
            echo "pass $n of $times: NOT clean; what failed, out of $log:"
            grep -E '^test .* FAILED$|panicked at|signal: |has been running for over|Terminated' "$log" || tail -n 20 "$log"
            exit 1
        fi
        passed=$(awk '/^test result: ok/ { sum += $4 } END { print sum }' "$log")
        echo "pass $n of $times: clean, $passed tests in $((SECONDS - begin)) s"
    done
    exit
fi
pass && exit 0

# Many of these tests assert times within 50 ms, which a loaded machine does not keep. What failed is
# run once more, alone; what fails again has failed. A hang or a crash is not forgiven: it leaves no
# line `test … FAILED`.
failed=$(awk '/Running tests\// { file = $2; sub(/.*\//, "", file); sub(/\.rs$/, "", file) }
              /^test .* FAILED$/ { print file, $2 }' "$log")
crashed=$(grep -cE 'signal: |exit status: 1[0-9][0-9]|Terminated' "$log" || true)
if [ -z "$failed" ] || [ "$crashed" != 0 ]; then
    exit 1
fi
echo "again, alone: $failed"
while read -r file name; do
    run --test "$file" -- --exact "$name" --test-threads=1 </dev/null || exit 1
done <<<"$failed"
echo "passed alone: $(wc -l <<<"$failed") that had failed beside others"
