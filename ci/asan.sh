#!/usr/bin/env bash
# The runtime under AddressSanitizer and LeakSanitizer: memory that is used after its end or beyond its bounds, and
# memory that nobody can reach any more. The stacks of goroutines are roots for the search.
#
#   ci/asan.sh
set -euo pipefail
cd "$(dirname "$0")/.."
source ci/sanitizer.sh

with_sanitizer address gors_asan
export ASAN_OPTIONS="external_symbolizer_path=$symbolizer"
export LSAN_OPTIONS="suppressions=$PWD/ci/lsan.suppressions print_suppressions=0"
run_tests
run_stress 50
