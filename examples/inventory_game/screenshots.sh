#!/usr/bin/env bash
# Plays the example game in windows that nobody sees, takes pictures, and compares what is on them with what the
# game itself says: every picture has a text beside it. Installs nothing; says what is missing.
#
#     examples/inventory_game/screenshots.sh [FOLDER]      # pictures, by default in target/screenshots
#     examples/inventory_game/screenshots.sh --docs        # and the pictures in docs anew
#     examples/inventory_game/screenshots.sh --quick       # only the overlay on a host and on a guest
#     examples/inventory_game/screenshots.sh --scenes "panels levers"   # alone, two, panels, levers, sizes, work
#     examples/inventory_game/screenshots.sh --can         # says whether all is there that it needs
#
# GAME names a game that has been built already.
set -euo pipefail
cd "$(dirname "$0")/../.."

docs= can=
scenes="alone two panels levers sizes work"
while [[ "${1:-}" == --* ]]; do
  case "$1" in
    --docs) docs=1 ;;
    --quick) scenes="panels levers" ;;
    --scenes) scenes="$2"; shift ;;
    --can) can=1 ;;
    *) echo "error: there is no option $1" >&2; exit 1 ;;
  esac
  shift
done
out="${1:-${CARGO_TARGET_DIR:-target}/screenshots}"
port=$((20000 + $$ % 20000))

missing=()
command -v Xvfb >/dev/null || missing+=("Xvfb, a display without a screen (Debian: xvfb)")
command -v convert >/dev/null || missing+=("convert of ImageMagick (Debian: imagemagick)")
command -v python3 >/dev/null || missing+=("python3")
icds=(/usr/share/vulkan/icd.d/lvp_icd*.json)
[ -e "${icds[0]}" ] || missing+=("the software Vulkan driver lavapipe (Debian: mesa-vulkan-drivers)")
grep -q libxkbcommon-x11 <<<"$(PATH="$PATH:/sbin" ldconfig -p 2>/dev/null)" || missing+=("libxkbcommon-x11 (Debian: libxkbcommon-x11-0)")
if [ ${#missing[@]} -gt 0 ]; then
  printf 'error: this needs %s\n' "${missing[@]}" >&2
  exit 1
fi
[ -z "$can" ] || exit 0

if [ -z "${GAME:-}" ]; then
  cargo build --locked --example inventory_game --features game
  GAME="${CARGO_TARGET_DIR:-target}/debug/examples/inventory_game"
fi
export BEVY_ASSET_ROOT="$PWD" VK_DRIVER_FILES="${icds[0]}" VK_ICD_FILENAMES="${icds[0]}"
unset WAYLAND_DISPLAY
mkdir -p "$out"
rm -rf "${out:?}"/{*.png,*.txt,*.log,left,right,below}

started=()
trap '[ ${#started[@]} -eq 0 ] || kill "${started[@]}" 2>/dev/null || true' EXIT

# Opens a display and says its number. Its own pointer rests in the middle: beside the windows, where it shows no tooltip.
displays=0
open_display() {
  displays=$((displays + 1))
  Xvfb -displayfd 3 -screen 0 2600x1500x24 3>"$out/display$displays" 2>/dev/null &
  started+=($!)
  for _ in $(seq 50); do
    [ -s "$out/display$displays" ] && break
    sleep 0.1
  done
  display=":$(cat "$out/display$displays")"
  rm "$out/display$displays"
}
open_display; first="$display"
open_display; second="$display"

failures=0
say() { printf '%-6s %s\n' "$1" "$2"; }

# The text beside a picture has a line like this.
check() {
  if grep -Eqs -- "$2" "$out/$1.txt"; then say ok "$1: $3"; else
    say WRONG "$1: $3 (no line like: $2)"; failures=$((failures + 1))
  fi
}
check_not() {
  if [ ! -e "$out/$1.txt" ] || grep -Eq -- "$2" "$out/$1.txt"; then
    say WRONG "$1: $3 (there is no picture, or a line like: $2)"; failures=$((failures + 1))
  else say ok "$1: $3"; fi
}

# What was painted is what lies there, in every slot; and the picture shows something.
check_slots() {
  if [ -e "$out/$1.txt" ] && python3 - "$out/$1.txt" <<'PYTHON'
import re, sys
pairs = re.findall(r"^slot .* painted (.*) \| holds (.*)$", open(sys.argv[1]).read(), re.M)
sys.exit(0 if pairs and all(painted == holds for painted, holds in pairs) else 1)
PYTHON
  then say ok "$1: every slot shows what it holds"; else
    say WRONG "$1: a slot does not show what it holds"; failures=$((failures + 1))
  fi
}
check_colours() {
  local colours
  colours=$(convert "$out/$1.png" -format %k info:)
  if [ "$colours" -ge "$2" ]; then say ok "$1: $colours colours"; else
    say WRONG "$1: only $colours colours"; failures=$((failures + 1))
  fi
}

# Runs the game with steps; what it says goes to a log.
play() {
  local display="$1" log="$2"; shift 2
  DISPLAY="$display" timeout 240 "$GAME" "$@" >"$out/$log.log" 2>&1
}
# Runs the game with steps that must all be done.
act() {
  local name="$2"
  play "$@" || { say WRONG "$name: the steps were not all done: $(tail -n 1 "$out/$name.log")"
    failures=$((failures + 1)); }
}
p="$out"
source examples/inventory_game/game_scenes.sh
source examples/inventory_game/overlay_scenes.sh

for scene in $scenes; do
  port=$((port + 10))
  "scene_$scene" "$port"
done

echo "The pictures are in $out."
[ "$failures" -eq 0 ] || { echo "error: $failures of the checks failed" >&2; exit 1; }
