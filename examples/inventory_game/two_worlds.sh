#!/usr/bin/env bash
# Runs two worlds in one Redis, joined by a gate, and bots that go back and forth. Kills a server with SIGKILL at random
# moments, starts it again, and counts at the end: no axe may be lost or doubled.
#
#     examples/inventory_game/two_worlds.sh [KILLS] [BOTS]      # 10 and 4 by default; needs redis-server
set -euo pipefail
cd "$(dirname "$0")/../.."
kills=${1:-10} bots=${2:-4}

command -v redis-server >/dev/null || { echo "error: redis-server is not installed" >&2; exit 1; }
cargo build --locked -q --example inventory_game --features game
game="${CARGO_TARGET_DIR:-target}/debug/examples/inventory_game"

folder=$(mktemp -d)
declare -A servers
trap 'kill -9 ${store-} ${crowd-} ${servers[@]} 2>/dev/null || true; rm -rf "$folder"' EXIT
read -r redis north south <<<"$(python3 -c '
import socket
sockets = [socket.socket(type=kind) for kind in [socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_DGRAM]]
[s.bind(("127.0.0.1", 0)) for s in sockets]
print(*(s.getsockname()[1] for s in sockets))')"
redis-server --port "$redis" --dir "$folder" --save "" --appendonly yes --appendfsync always \
  --maxmemory-policy noeviction >"$folder/redis.log" &
store=$!
disown
url=redis://127.0.0.1:$redis
until (exec 3<>"/dev/tcp/127.0.0.1/$redis") 2>/dev/null; do sleep 0.1; done

# Starts the server of a world.
serve() {
  local world=$1 port=$2 other=$3 door=$4
  "$game" serve --redis "$url" --world "$world" --port "$port" --gate "$other@127.0.0.1:$door" >>"$folder/$world.log" 2>&1 &
  servers[$world]=$!
  disown
}

# Kills a process, and waits until it is gone.
stop() {
  kill -9 "$1"
  while kill -0 "$1" 2>/dev/null; do sleep 0.05; done
}

serve north "$north" south "$south"
serve south "$south" north "$north"
sleep 2
"$game" bots "$bots" "127.0.0.1:$north" --reconnect >"$folder/bots.log" 2>&1 &
crowd=$!
disown
sleep 3

for ((kill = 1; kill <= kills; kill++)); do
  sleep "$((RANDOM % 4)).$((RANDOM % 10))"
  if ((RANDOM % 2)); then
    stop "${servers[north]}"
    serve north "$north" south "$south"
  else
    stop "${servers[south]}"
    serve south "$south" north "$north"
  fi
done
# Bots need time to find the gate, and to go through it after the last kill.
passages() { cat "$folder"/{north,south}.log | grep -c 'has left for the world' || true; }
before=$(passages)
for _ in $(seq 90); do
  [ "$(passages)" = "$before" ] || break
  sleep 1
done
sleep 1
stop "$crowd"
stop "${servers[north]}"
stop "${servers[south]}"

"$game" count north south --redis "$url" >"$folder/count.txt"
passed=$(passages)
cat "$folder/count.txt"
echo "passages through the gate: $passed"
# Each player begins with one axe, and each world has one for sale.
read -r players _ <"$folder/count.txt"
axes=$(awk '$2 == "iron_axe" { print $1 }' "$folder/count.txt")
if [ "$players" != "$bots" ] || [ "$axes" != "$((players + 2))" ] || [ "$passed" = 0 ]; then
  echo "error: $players players, $axes axes, $passed passages" >&2
  cp -r "$folder" "${TMPDIR:-/tmp}/two_worlds"
  exit 1
fi
echo "OK: $axes axes for $players players and 2 worlds, after $kills kills"
