#!/usr/bin/env bash
# Runs the tests with each planted bug, or with those named, until the first test fails, and prints that test. Needs
# cargo-nextest.
#
#   tests/planted_bugs.sh [bug...]
set -euo pipefail
cd "$(dirname "$0")/.."

tests=(
  cargo nextest run --locked --cargo-quiet --color never --profile mutants --features renet,planted_bugs
  --lib --test promises --config 'profile.dev.package.bevy_inventory_sync.opt-level=0'
)
if [ $# -gt 0 ]; then
  bugs=("$@")
else
  mapfile -t bugs < <(sed -n '/^bugs! {/,/^}/s/^    \([A-Z][A-Za-z]*\),$/\1/p' src/model/planted.rs)
fi

"${tests[@]}" --no-run
missed=0
for bug in "${bugs[@]}"; do
  status=0
  output=$(PLANTED_BUG=$bug "${tests[@]}" 2>&1) || status=$?
  test=$(sed -nE 's/^ *(FAIL|TIMEOUT|SIG[A-Z]+|ABORT) .* ([a-z_0-9:]+)$/\2/p' <<<"$output" | head -1)
  if [ "$status" = 0 ]; then
    missed=$((missed + 1)) test="not detected"
  fi
  printf '%-28s %s\n' "$bug" "$test"
done
printf 'bugs: %d, missed: %d\n' "${#bugs[@]}" "$missed"
[ "$missed" = 0 ]
