#!/usr/bin/env bash
# The runtime itself under ThreadSanitizer: a goroutine is a fibre, a switch is a step of its thread, and every edge
# between threads has to come from the runtime's own atomics. (Races of programs: cargo gors-race.)
#
#   ci/tsan.sh
set -euo pipefail
cd "$(dirname "$0")/.."
source ci/sanitizer.sh

with_sanitizer thread gors_tsan
export TSAN_OPTIONS="external_symbolizer_path=$symbolizer suppressions=$PWD/ci/tsan.suppressions
    report_thread_leaks=0 history_size=4"
# The harness reads what a test has printed under a mutex of the uninstrumented standard library, and a message that
# another thread of the test has added counts as a race. So it gathers nothing.
export RUST_TEST_NOCAPTURE=1
run_tests
run_stress 20
