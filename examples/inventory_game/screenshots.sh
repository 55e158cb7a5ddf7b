#!/usr/bin/env bash
# Plays the example game on virtual displays, takes screenshots, and compares them with the state that the game
# reports in a text file beside each screenshot. Installs nothing; reports missing tools.
#
#     examples/inventory_game/screenshots.sh [FOLDER]      # screenshots, by default in target/screenshots
#     examples/inventory_game/screenshots.sh --docs        # also updates the images in docs
#     examples/inventory_game/screenshots.sh --quick       # only the overlay, and the goal of the game
#     examples/inventory_game/screenshots.sh --scenes "panels controls"   # alone, two, panels, controls, link, sizes, work, goal, trade
#     examples/inventory_game/screenshots.sh --can         # checks whether the required tools are installed
#
# GAME is the path of an already built game.
set -euo pipefail
cd "$(dirname "$0")/../.."

docs= can=
scenes="alone two panels controls link sizes work goal trade"
while [[ "${1:-}" == --* ]]; do
  case "$1" in
    --docs) docs=1 ;;
    --quick) scenes="panels controls link goal" ;;
    --scenes) scenes="$2"; shift ;;
    --can) can=1 ;;
    *) echo "error: unknown option $1" >&2; exit 1 ;;
  esac
  shift
done
out="${1:-${CARGO_TARGET_DIR:-target}/screenshots}"
port=$((20000 + $$ % 20000))

missing=()
command -v Xvfb >/dev/null || missing+=("Xvfb, a virtual display (Debian: xvfb)")
command -v convert >/dev/null || missing+=("ImageMagick's convert (Debian: imagemagick)")
command -v python3 >/dev/null || missing+=("python3")
icds=(/usr/share/vulkan/icd.d/lvp_icd*.json)
[ -e "${icds[0]}" ] || missing+=("the software Vulkan driver lavapipe (Debian: mesa-vulkan-drivers)")
grep -q libxkbcommon-x11 <<<"$(PATH="$PATH:/sbin" ldconfig -p 2>/dev/null)" || missing+=("libxkbcommon-x11 (Debian: libxkbcommon-x11-0)")
if [ ${#missing[@]} -gt 0 ]; then
  printf 'error: missing %s\n' "${missing[@]}" >&2
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

# Opens a display and sets `display` to its number. Its pointer is in the center, outside the windows: no tooltip shows.
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

# Checks that the text beside a screenshot has a matching line.
check() {
  if grep -Eqs -- "$2" "$out/$1.txt"; then say ok "$1: $3"; else
    say FAIL "$1: $3 (no line matches: $2)"; failures=$((failures + 1))
  fi
}
check_not() {
  if [ ! -e "$out/$1.txt" ] || grep -Eq -- "$2" "$out/$1.txt"; then
    say FAIL "$1: $3 (no screenshot, or a line matches: $2)"; failures=$((failures + 1))
  else say ok "$1: $3"; fi
}

# Checks that every slot is painted with its contents, and that at least one slot is shown.
check_slots() {
  if [ -e "$out/$1.txt" ] && python3 - "$out/$1.txt" <<'PYTHON'
import re, sys
pairs = re.findall(r"^slot .* painted (.*) \| holds (.*)$", open(sys.argv[1]).read(), re.M)
sys.exit(0 if pairs and all(painted == holds for painted, holds in pairs) else 1)
PYTHON
  then say ok "$1: every slot shows its contents"; else
    say FAIL "$1: a slot does not show its contents"; failures=$((failures + 1))
  fi
}
check_colours() {
  local colours
  colours=$(convert "$out/$1.png" -format %k info:)
  if [ "$colours" -ge "$2" ]; then say ok "$1: $colours colors"; else
    say FAIL "$1: only $colours colors"; failures=$((failures + 1))
  fi
}

# Runs the game with steps, and writes its output to a log.
play() {
  local display="$1" log="$2"; shift 2
  DISPLAY="$display" timeout 240 "$GAME" "$@" >"$out/$log.log" 2>&1
}
# Runs the game with steps that must all complete.
act() {
  local name="$2"
  play "$@" || { say FAIL "$name: not all steps were completed: $(tail -n 1 "$out/$name.log")"
    failures=$((failures + 1)); }
}
p="$out"
source examples/inventory_game/game_scenes.sh
source examples/inventory_game/overlay_scenes.sh

for scene in $scenes; do
  port=$((port + 10))
  "scene_$scene" "$port"
done

echo "The screenshots are in $out."
[ "$failures" -eq 0 ] || { echo "error: $failures checks failed" >&2; exit 1; }
