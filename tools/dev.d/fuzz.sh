#!/usr/bin/env bash
# libFuzzer over the parsers of what strangers send (tests/fuzz/), one target after the other. What
# it learns is kept in build/corpus/TARGET, so that the next run goes on from there; an input that
# breaks a promise is left in build/logs/fuzz-TARGET-*, and ends the target with its report shown.

fuzz() {
  local minutes=5 program="$root/build/fuzz/tests/fuzz" target failed=""
  if [[ ${1:-} =~ ^[0-9]+$ ]]; then
    minutes=$1
    shift
  fi
  build_kind fuzz
  local targets=("$@")
  [ $# -gt 0 ] || mapfile -t targets < <("$program" --list)
  mkdir -p "$root/build/logs"
  for target in "${targets[@]}"; do
    fuzz_one "$program" "$target" $((minutes * 60)) || failed="$failed $target"
  done
  [ -z "$failed" ] || { echo "tools/dev fuzz: broken:$failed" >&2 && false; }
}

fuzz_one() {
  local program=$1 target=$2 seconds=$3 corpus="$root/build/corpus/$2" log="$root/build/logs/fuzz-$2"
  mkdir -p "$corpus"
  "$program" --target="$target" --seeds="$corpus"
  if ! nice "$program" --target="$target" "$corpus" -max_total_time="$seconds" -max_len=8192 \
    -timeout=10 -print_final_stats=1 -artifact_prefix="$log-" >"$log.log" 2>&1; then
    tail -n 30 "$log.log" >&2
    return 1
  fi
  echo "$target: $(awk '/number_of_executed_units/ {print $2}' "$log.log") inputs," \
    "$(grep -o 'cov: [0-9]*' "$log.log" | tail -n 1), $(find "$corpus" -type f | wc -l) kept"
}
