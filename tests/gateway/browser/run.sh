#!/usr/bin/env bash
# Tests the operator page in Chromium, and its sync module in Node. Needs Node 20 or later, npm and Chromium.
#
#   cargo build --example gateway --features gateway
#   tests/gateway/browser/run.sh target/debug/examples/gateway
#   tests/gateway/browser/run.sh --can     # only reports what is missing
set -euo pipefail

chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || true)}
major=$(node --version 2>/dev/null | sed -E 's/^v([0-9]+).*/\1/' || true)
missing=()
[ -n "$chromium" ] || missing+=("chromium")
[ "${major:-0}" -ge 20 ] || missing+=("Node 20 or later")
command -v npm > /dev/null || missing+=("npm")
if [ ${#missing[@]} -gt 0 ]; then
  printf 'error: this needs %s\n' "${missing[@]}" >&2
  exit 1
fi
[ "${1:?path of the example gateway}" != --can ] || exit 0
SERVER=$(realpath "$1")
export SERVER CHROMIUM=$chromium

cd "$(dirname "$0")"
npm ci --no-audit --no-fund --silent
node --test ../page/*.test.mjs
node --test page.test.mjs
