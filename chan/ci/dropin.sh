#!/usr/bin/env bash
# Runs the tests that the published crossbeam-channel carries against gors-chan under crossbeam-channel's name.
#
#   chan/ci/dropin.sh [threads|goroutines] [cargo test arguments...]
#
# threads:    the files as they are in the registry's copy, unmodified.
# goroutines: the same files with `thread::spawn`, `scope` and `thread::sleep` replaced by those of gors.
#
# Nothing of theirs is kept in this repository: the files are copied into a scratch package under the target
# directory. The one change of the first pass is the Cargo.toml line that a user would write.
set -euo pipefail

version=0.5.17
mode=${1:-threads}
[ $# -gt 0 ] && shift
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
run() { timeout "${DROPIN_TIMEOUT:-900}" cargo test --target-dir "$target" --no-fail-fast "$@"; }
if [ $# -gt 0 ]; then
    run "$@"
    exit
fi
# golang.rs compares totals of a process-wide allocation counter, which its other tests must not move meanwhile.
others=()
for file in tests/*.rs; do
    name=$(basename "$file" .rs)
    [ "$name" = golang ] || others+=(--test "$name")
done
status=0
run --test golang -- --test-threads=1 || status=1
run "${others[@]}" || status=1
exit $status
