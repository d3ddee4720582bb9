#!/usr/bin/env bash
# What a program pays for a dependency on gors: third-party crates, and the time of a release build from nothing.
#
#   ci/weight.sh
#
# Fails if there are more crates than promised. The time is shown, and judged by a person: it depends on the machine.
set -euo pipefail

most_crates=14

root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/src"
cat >"$scratch/Cargo.toml" <<TOML
[package]
name = "weight"
version = "0.0.0"
edition = "2024"

[workspace]

[dependencies]
gors = { path = "$root" }
TOML
cat >"$scratch/src/main.rs" <<'RUST'
use gors::prelude::*;

#[gors::main]
fn main() {
    let c = make(0);
    go!(c.clone().send(42));
    println!("{:?}", c.recv());
}
RUST
cp "$root/Cargo.lock" "$scratch/Cargo.lock"
cd "$scratch"
export CARGO_TARGET_DIR=$scratch/target

crates=$(cargo tree --edges normal,build --prefix none | sed 's/ (\*)$//' | sort -u | grep -v -E '^(gors|gors-[a-z]+|weight) ')
count=$(wc -l <<<"$crates")
printf '%s third-party crates:\n%s\n' "$count" "$crates"

cargo fetch
begin=$(date +%s%N)
cargo build --release --offline
end=$(date +%s%N)
printf 'release build from nothing: %d.%d s on %s CPUs\n' \
    $(((end - begin) / 1000000000)) $(((end - begin) / 100000000 % 10)) "$(nproc)"
"$CARGO_TARGET_DIR/release/weight"

if [ "$count" -gt "$most_crates" ]; then
    echo "more third-party crates than promised: $count instead of at most $most_crates" >&2
    exit 1
fi
