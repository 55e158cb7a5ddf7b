#!/usr/bin/env bash
# Sends generated requests, valid and not, to a running server, and compares the responses with its /openapi.json.
# Needs schemathesis (from PyPI).
#
#   tests/gateway/check_schema.sh PATH/TO/examples/gateway [ARGUMENTS OF schemathesis run]
set -euo pipefail
server=$(realpath "$1") port=18075
shift
settings=$(realpath "$(dirname "$0")/schemathesis.toml")
# It writes a folder with reports.
cd "$(mktemp -d)"
GATEWAY_TOKEN=$(python3 -c 'import secrets; print(f"invgw-{secrets.token_hex(8)}-{secrets.token_hex(32)}")')
export GATEWAY_TOKEN
"$server" --gateway "127.0.0.1:$port" --bank 50 --seconds 900 > /dev/null 2>&1 &
trap 'kill $!' EXIT
is_healthy() {
  python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1])' \
    "http://127.0.0.1:$port/health" > /dev/null 2>&1
}
for _ in $(seq 100); do
  is_healthy && break
  sleep 0.1
done

"${SCHEMATHESIS:-schemathesis}" --config-file "$settings" run \
  "http://127.0.0.1:$port/openapi.json" --header "Authorization: Bearer $GATEWAY_TOKEN" --no-color "$@"
# It is still running.
is_healthy
