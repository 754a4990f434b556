#!/usr/bin/env bash
# Runs every fuzz target of every layer for FUZZ_SECONDS (default 10), or only those named.
#
#   scripts/fuzz.sh [TARGET…]
#
# The targets are libFuzzer's (libfuzzer-sys), in crates of their own under layers/*/fuzz. The stable
# compiler instruments them itself, so neither cargo-fuzz nor a nightly toolchain is needed. What was
# learnt stays in `.setup/fuzz/TARGET` and is where the next run begins; inputs in
# layers/*/fuzz/corpus/TARGET are read too. An input that fails is written to `.setup/fuzz/failures`.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-10}
host=$(rustc -vV | sed -n 's/^host: //p')
learnt=$PWD/.setup/fuzz
mkdir -p "$learnt/failures"

# What `cargo fuzz` passes, without AddressSanitizer: there is no unsafe code to catch.
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Clink-dead-code -Ccodegen-units=1 \
-Cdebug-assertions -Coverflow-checks"

ran=0 failed=0
shopt -s nullglob
for manifest in layers/*/fuzz/Cargo.toml; do
    crate=$(dirname "$manifest")
    cargo build --release --locked --manifest-path "$manifest" --target "$host" --target-dir target/fuzz --bins
    for source in "$crate"/fuzz_targets/*.rs; do
        target=$(basename "$source" .rs)
        [ $# = 0 ] || [[ " $* " == *" $target "* ]] || continue
        mkdir -p "$learnt/$target"
        seeds=()
        [ ! -d "$crate/corpus/$target" ] || seeds=("$crate/corpus/$target")
        log=$learnt/$target.log
        ran=$((ran + 1))
        if "target/fuzz/$host/release/$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 \
            -max_len=16384 -artifact_prefix="$learnt/failures/$target-" -print_final_stats=1 \
            "$learnt/$target" ${seeds[@]+"${seeds[@]}"} >"$log" 2>&1; then
            runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
            # A target that never ran its code, or that nothing watches, would look sound for ever.
            grep -q 'cov: [1-9]' "$log" || { echo "fuzz: $target is not instrumented"; failed=$((failed + 1)); continue; }
            echo "fuzz: $target ran ${runs:-?} inputs in $seconds s"
        else
            tail -40 "$log"
            echo "fuzz: $target failed; the input: $learnt/failures"
            failed=$((failed + 1))
        fi
    done
done
if [ "$ran" = 0 ]; then
    echo "fuzz: no such target: ${*:-any}"
    [ $# = 0 ]
else
    echo "fuzz: $((ran - failed)) passed, $failed failed"
    [ "$failed" = 0 ]
fi
