# What ci/asan.sh and ci/tsan.sh share; both source it.

# with_sanitizer NAME CFG: makes cargo build for a sanitizer, into a target directory of its own. Sets `build`, the
# arguments for cargo, and `symbolizer`, a program that gives reports their names, which suppressions go by.
with_sanitizer() {
    local target=${CARGO_TARGET_DIR:-$PWD/target}
    # Is a symboliser too, under that name; a Rust toolchain has none.
    cargo build --quiet --package gors-race --target-dir "$target"
    mkdir -p "$target/$2"
    symbolizer=$target/$2/llvm-symbolizer
    ln -sf "$target/debug/cargo-gors-race" "$symbolizer"

    # A stable compiler has the sanitizers, their switch is unstable. The standard library was built without.
    export RUSTC_BOOTSTRAP=1
    export RUSTFLAGS="${RUSTFLAGS:-} -Zsanitizer=$1 -Cunsafe-allow-abi-mismatch=sanitizer --cfg=$2
        -Cdebuginfo=1 -Cforce-frame-pointers=yes"
    export CARGO_TARGET_DIR=$target/$2
    # std prints backtraces under a lock that ThreadSanitizer does not see.
    export RUST_BACKTRACE=0
    # With a target named, build scripts and macros are built without the flags.
    build=(--target "$(uname -m)-unknown-linux-gnu")
}

# Tests of the runtime and of what rests on it; in each crate the few that reach most of its unsafe code. What of
# the tests of stacks sanitizers have their own way with is left out there, with the reason.
run_tests() {
    cargo test "${build[@]}" -p gors-runtime -p gors-chan -p gors --lib \
        --test drops --test drop_paths --test select_semantics --test traffic \
        --test goroutines --test panics_and_goexit --test destructors_that_wait \
        --test sync_mutex --test sync_rwlock --test sync_wait_group --test time_after_func --test stacks \
        -- --skip twenty_thousand_waiting_destructors_do_not_hang # nor do they end within minutes here
}

# stress ROUNDS: with one permit and with two to begin with.
run_stress() {
    local procs
    for procs in 1 2; do
        GOMAXPROCS=$procs cargo run "${build[@]}" --example stress -- --rounds "$1"
    done
}
