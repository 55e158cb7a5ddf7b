#!/usr/bin/env bash
# Draws the pictures of the operator page in docs/: the example game with bots. Needs what run.sh needs.
#
#   cargo build --example inventory_game --features game
#   tests/gateway/browser/screenshots.sh target/debug/examples/inventory_game
set -euo pipefail

game=$(realpath "$1")
cd "$(dirname "$0")"
npm ci --no-audit --no-fund --silent
work=$(mktemp -d)
GATEWAY_TOKEN=$(python3 -c 'import secrets; print(f"invgw-{secrets.token_hex(8)}-{secrets.token_hex(32)}")')
export GATEWAY_TOKEN BEVY_ASSET_ROOT=../../..

(cd ../../.. && exec "$game" serve --port 18077 --gateway 127.0.0.1:18078 --store "$work/world.db" --seconds 120) > "$work/server.log" 2>&1 &
server=$!
sleep 1
"$game" bots 7 127.0.0.1:18077 --seconds 90 > "$work/bots.log" 2>&1 &
trap 'kill $server $! 2>/dev/null || true; rm -rf "$work"' EXIT
URL="http://127.0.0.1:18078/#token=$GATEWAY_TOKEN" node screenshots.mjs
