# Scenes of `screenshots.sh` that cover the game itself.

scene_alone() {
printf -- '-- alone: the menu, the world, the inventory\n'
play "$first" alone --name Ada --size 1280x720 --steps "
  wait 3; picture $p/menu.png; key Enter; wait 2; picture $p/game.png;
  scroll -1; wait 0.4; picture $p/scrolled.png; key 1; hold W 0.7; wait 0.3; key F; wait 1;
  press Shift; point chest 19; press left; release left; point chest 21; press left; release left; release Shift;
  wait 0.4; point recipe sticks; press left; release left; wait 0.4; picture $p/crafted.png;
  point chest 0; wait 0.3; picture $p/tooltip.png;
  press right; point chest 3; point backpack 9; point backpack 13; wait 0.3; picture $p/drag.png; release right;
  wait 0.5; picture $p/halved.png; point backpack 13; wait 0.5;
  press left; release left; press left; release left; wait 0.5; press left; release left; wait 0.5;
  picture $p/gathered.png;
  point chest 9; wait 0.3; picture $p/engraved.png; key 5; wait 0.4; picture $p/swapped.png;
  point backpack 13; press left; point ground; wait 0.2; release left; wait 0.5; picture $p/thrown.png;
  point backpack 0; press right; point ground; wait 0.2; release right; wait 0.5; picture $p/half_thrown.png;
  key Esc; wait 0.5; key Esc; wait 0.5; picture $p/pause.png; key Down; key Enter; wait 0.5;
  picture $p/left.png; quit"
check menu '^screen menu$' 'the game starts with the menu'
check menu '^focus entry$' '... with the focus on the entry that Enter starts'
check game '^session playing alone$' 'Enter starts the game'
check game '^me Ada holds iron_axe shown iron_axe' 'the held axe is drawn'
check half_thrown '^slot backpack  0 painted plank 19 ' 'half of a stack is dropped, once'
check scrolled '^me Ada holds torch shown torch' 'the wheel selects a hotbar slot'
check crafted '^slot (backpack|hotbar) +[0-9]+ painted plank 38 ' 'Shift-click moved planks over, and two were used'
check crafted '^slot (backpack|hotbar) +[0-9]+ painted stick 4 ' '... for four sticks'
check drag '^carried gold_coin 60$' 'the right button drags half'
check_slots drag
check halved '^slot backpack 13 painted gold_coin 60 ' '... and places it'
check halved '^slot chest  0 painted gold_coin 60 ' '... while the other half stays'
check gathered '^slot backpack 13 painted gold_coin 120 ' 'a double click collects'
check thrown '^ground gold_coin at ' 'a stack dragged outside the panels is dropped'
check_not thrown '^slot .* gold_coin' '... completely'
check engraved '^slot chest  9 painted iron_sword 1 engraved ' 'the sword is engraved'
check swapped '^slot hotbar  4 painted iron_sword 1 engraved ' 'a number key moves it to the hotbar'
check pause '^screen pause$' 'Escape pauses'
check left '^screen menu$' 'leaving returns to the menu'
check_not left '^(slot|me|ground) ' '... and the world is gone'
for picture in menu game drag; do check_colours $picture 60; done

printf -- '-- keyboard only\n'
play "$first" keyboard --name Ada --size 1280x720 --steps "
  wait 2; key Enter; wait 2; key E; wait 0.4; key Right; wait 0.3; picture $p/focus.png;
  key Down; key Down; key Down; until focus hotbar 1; key Enter; key Up; key Up; wait 0.4;
  picture $p/carried.png; key Enter; wait 0.4; picture $p/put.png; quit"
check focus '^focus backpack 0$' 'an arrow key gives the backpack the focus'
check carried '^carried torch 5$' 'Enter picks the torches up'
check put '^slot backpack .. painted torch 5 ' '... and places them'
check_not put '^slot hotbar  1 painted torch' '... from the hotbar'

printf -- '-- window sizes: large, small, and at scale factor 2\n'
for look in "1920x1080 1" "1280x720 2" "640x480 1"; do
  read -r size factor <<<"$look"
  export WINIT_X11_SCALE_FACTOR="$factor"
  pixels="$size"
  [ "$factor" = 2 ] && size=640x480 && pixels=1280x960
  play "$first" "size" --size "$size" --steps "
    wait 4; key Enter; wait 3; hold W 0.7; wait 1; key F; wait 2; picture $p/size_$pixels.png; quit"
  check "size_$pixels" '^backpack open$' "the chest opens at $pixels"
  check_slots "size_$pixels"
done
unset WINIT_X11_SCALE_FACTOR

printf -- '-- errors shown in the window\n'
play "$first" nobody join "127.0.0.1:$((port + 1))" --steps "wait 9; picture $p/nobody.png; quit" \
  && { say FAIL "nobody: the exit code is 0"; failures=$((failures + 1)); }
check nobody '^trouble No server responded at 127.0.0.1' 'no server responds'
"$GAME" serve --port "$port" --seconds 100 >"$out/server.log" 2>&1 &
started+=($!)
sleep 1
play "$first" version join "127.0.0.1:$port" --version-as other \
  --steps "wait 5; picture $p/version.png; quit" || true
check version '^trouble The server runs a different version' 'version mismatch'
play "$first" taken host --port "$port" --steps "wait 3; picture $p/taken.png; quit" || true
check taken "^trouble Port $port is in use" 'the port is taken'

printf -- '-- leaving, rejoining, a server that crashes\n'
play "$first" back join "127.0.0.1:$port" --name Cleo --size 640x480 --steps "
  wait 3; key 2; key Q; wait 1; key Esc; wait 0.3; key Down; key Enter; wait 1; picture $p/away.png;
  key Down; key Down; wait 0.2; key Enter; wait 3; picture $p/back.png; quit"
check away '^screen menu$' 'leaving returns to the menu'
check back '^session playing on 127.0.0.1' 'rejoining through the menu'
check back '^slot hotbar  1 painted torch 4 ' '... with the same inventory as before'
check_slots back
"$GAME" serve --port "$((port + 2))" --seconds 100 >"$out/server2.log" 2>&1 &
server=$!
started+=("$server")
sleep 0.5
play "$first" lost join "127.0.0.1:$((port + 2))" --name Cleo --size 640x480 --steps "
  wait 25; picture $p/lost.png; key Enter; wait 4; picture $p/again.png; quit" &
lost=$!
sleep 4
{ kill -9 "$server"; wait "$server"; } 2>/dev/null || true
sleep 1
"$GAME" serve --port "$((port + 2))" --seconds 100 >"$out/server3.log" 2>&1 &
started+=($!)
wait "$lost"
check lost '^trouble The connection to 127.0.0.1:[0-9]+ was lost' 'the connection was lost'
check again '^session playing on 127.0.0.1' 'Enter reconnects'
check_slots again
}

scene_two() {
printf -- '-- two players who see each other drop and take items, and the overlay of their host\n'
local below host
open_display; below="$display"
mkdir -p "$out/left" "$out/right" "$out/below"
begin=$(($(date +%s) + 25))
at() { printf 'at %s' "$(python3 -c "print($begin + $1)")"; }
# The host stands out of sight of both.
play "$below" host host --port "$((port + 3))" --name Hanna --size 1032x480 --overlay inventories \
  --report "$p/host_now.txt" --steps "
  until session hosting; until filter by name; click filter by name or id; wait 0.3; type ada,19/11,bruno; wait 0.3;
  click list; point ground; go 26.5 8.3; go 32.3 4.3; until is clients 2;
  $(at 0); record $p/below 14; $(at 13.5); picture $p/host.png; $(at 15.5); quit" &
host=$!
wait_for_host "$out/host_now.txt"
play "$first" left join "127.0.0.1:$((port + 3))" --name Ada --size 640x480 --steps "
  wait 2; key F1; $(at 0); record $p/left 14; key 2; hold A 0.1; $(at 1.2); key Ctrl+Q; $(at 3); picture $p/ada_dropped.png;
  $(at 6.8); hold A 0.15; hold W 0.65; $(at 8.2); key F; $(at 9.2); point chest 0; $(at 9.6); press left;
  point chest 2; $(at 9.9); point chest 3; $(at 10.2); point backpack 3; $(at 10.5); release left;
  $(at 13.5); picture $p/ada.png; $(at 15); quit" &
left=$!
sleep 1
play "$second" right join "127.0.0.1:$((port + 3))" --name Bruno --size 640x480 --steps "
  wait 2; key F1; $(at 0); record $p/right 14; $(at 3); picture $p/bruno_sees.png;
  $(at 3.6); go 19.7 7.3; $(at 5.2); key Space; $(at 5.9); key 2; $(at 6.8); hold A 0.1; hold W 0.65; $(at 8.6); key F;
  $(at 11.2); point chest 9; $(at 11.5); press left; point chest 11; $(at 11.8); point chest 22;
  $(at 12.1); point backpack 3; $(at 12.4); release left; $(at 13.5); picture $p/bruno.png;
  $(at 15); quit"
wait "$left"
wait "$host" || { say FAIL "host: not all steps were completed: $(tail -n 1 "$out/host.log")"
  failures=$((failures + 1)); }
check ada_dropped '^me Ada holds - shown -' 'Ada has dropped all torches'
check_not ada_dropped '^slot hotbar  1 ' '... the whole stack'
check bruno_sees '^other Ada holds - shown -' 'Bruno sees her empty hand'
torch=$(grep -Eo '^ground torch at .*' "$out/ada_dropped.txt" | sort)
if [ -n "$torch" ] && [ "$torch" = "$(grep -Eo '^ground torch at .*' "$out/bruno_sees.txt" | sort)" ]; then
  say ok "both see the same torches on the ground"
else
  say FAIL "they see different torches on the ground"; failures=$((failures + 1))
fi
check bruno '^slot hotbar  1 painted torch 10 ' 'Bruno has picked up five torches'
check ada '^other Bruno holds torch shown torch' 'Ada sees the torch in his hand'
check ada '^slot backpack  3 painted gold_coin ' 'Ada has taken coins from the chest'
check_not bruno '^slot chest  0 ' 'Bruno sees that they are gone'
check_not ada '^slot chest  9 ' 'Ada sees that the sword is gone'
if [ "$(grep ^ground "$out/ada.txt")" = "$(grep ^ground "$out/bruno.txt")" ]; then
  say ok "both see the same items on the ground"
else
  say FAIL "they see different items on the ground"; failures=$((failures + 1))
fi
check_slots ada
check_slots bruno
check_panel host cards

printf -- '-- both players side by side, the overlay below\n'
mkdir -p "$out/both"
rm -f "$out"/both/*
python3 - "$out" <<'PYTHON' >"$out/pairs"
import os, sys
views = [sorted(int(name[:-4]) for name in os.listdir(f"{sys.argv[1]}/{view}")) for view in ("left", "right", "below")]
start, end = max(view[0] for view in views), min(view[-1] for view in views)
for tenth in range(start, end + 1, 2):
    print(tenth, *(max(time for time in view if time <= tenth) for view in views))
PYTHON
# Crops the left edge of the players' windows, and everything but the overlay from the host's window.
while read -r tenth ada bruno host; do
  convert \( "$out/left/$ada.png" "$out/right/$bruno.png" -crop 500x480+140+0 +repage \
    -bordercolor '#1c121f' -border 2 +append \) \
    \( "$out/below/$host.png" -crop 1004x286+14+14 +repage -bordercolor '#1c121f' -border 2 \) \
    -append +repage "$out/both/$tenth.png"
done <"$out/pairs"
convert -delay 20 -loop 0 "$out"/both/*.png -dither None -colors 224 -fuzz 1% \
  -layers optimize "$out/two_players.gif"
bytes=$(stat -c %s "$out/two_players.gif")
if [ "$bytes" -lt 2500000 ]; then say ok "two_players.gif: $bytes bytes"; else
  say FAIL "two_players.gif: $bytes bytes, too large"; failures=$((failures + 1))
fi
if [ -n "$docs" ]; then
  cp "$out/two_players.gif" docs/two_players.gif
  convert "$out/drag.png" -define png:compression-level=9 docs/game.png
fi
}

# Prints the steps that quick-move these slots, each a container and an index.
quick_move() {
  printf 'press Shift; '
  printf 'point %s; press left; release left; ' "$@"
  printf 'release Shift; '
}

scene_work() {
  printf -- '-- a shop, a chest behind a fence, a locked one, a tool that wears out, food\n'
  act "$first" work --name Ada --size 1280x720 --steps "
    until focus entry; key Enter; until me Ada; go 6.3 14.5; key F; until rejection Locked; picture $p/no_key.png;
    go 19.5 10.3; key F; until slot chest  0; $(quick_move 'chest 0' 'chest 26')
    until slot backpack  1 painted key; key E; until backpack closed;
    go 26.5 8.3; key F; until slot chest  0 painted iron_pickaxe; point chest 0; wait 0.3; picture $p/shop.png;
    press left; point backpack 5; wait 0.3; release left; until slot backpack  5 painted iron_pickaxe;
    point hotbar 1; wait 0.2; press left; point chest 20; wait 0.3; release left; until painted gold_coin 100; wait 0.5; picture $p/bought.png;
    point backpack 5; key 4; until slot hotbar  3; key E; until backpack closed;
    go 32.3 4.3; key F; until slot chest  0 painted rope; wait 0.5; picture $p/fence.png; key E;
    until backpack closed; go 6.3 14.5; key F; until slot chest  0 painted leather_boots; wait 0.5;
    picture $p/unlocked.png; $(quick_move 'chest 0') until slot backpack  2 painted leather_boots;
    point backpack 2; wait 0.2; press left; point equipment 2; wait 0.3; release left; until slot equipment  2; wait 0.3; picture $p/worn.png;
    key E; until backpack closed; go 6.5 8.3; key 4; until holds iron_pickaxe; key R; until worn 1; key R; key R;
    key R; until worn 4; wait 0.5; picture $p/worked.png; key 3; until holds bread; key R;
    until slot hotbar  2 painted bread 1; wait 0.5; picture $p/eaten.png; quit"
  check no_key '^rejection Locked: needs a brass key' 'a locked chest reports that it is locked'
  check_not no_key '^slot chest ' '... and does not open'
  check bought '^slot backpack  0 painted gold_coin 100 ' 'a shop sells a pickaxe for 25 coins, and pays 5 for torches'
  check bought '^slot chest +[0-9]+ painted torch 5 ' '... which are for sale now'
  check_not bought '^slot chest .* gold_coin' '... but its income is not'
  check fence '^slot chest  1 painted book 1 engraved ' 'the chest behind the fence opens from its open side'
  check unlocked '^slot chest  9 painted iron_ore 18 ' 'a key opens the locked chest'
  check worn '^slot equipment  2 painted leather_boots 1 ' 'boots are worn'
  check worked '^slot hotbar  3 painted iron_pickaxe 1 worn 4 ' 'a pickaxe wears out with each use'
  check worked '^slot backpack +[0-9]+ painted (stone|coal|iron_ore|emerald) ' '... and yields stone, coal or ore'
  check eaten '^slot hotbar  2 painted bread 1 ' 'bread is eaten'
  for picture in shop bought fence unlocked worn worked eaten; do check_slots $picture; done
}

scene_goal() {
  printf -- '-- the goal: smelting iron, and lighting the shrine\n'
  act "$first" goal --name Ada --size 1280x720 --steps "
    until focus entry; key Enter; until me Ada; go 19.5 10.3; key F; until slot chest  0;
    $(quick_move 'chest 0' 'chest 1' 'chest 19' 'chest 21' 'chest 26') until slot backpack  4 painted key;
    key E; until backpack closed; go 6.3 14.5; key F; until slot chest  0 painted leather_boots;
    $(quick_move 'chest 9' 'chest 10') until slot backpack  6 painted star_fragment; key E; until backpack closed;
    go 8.5 7.5; key F; until backpack open; wait 0.5; $(quick_move 'backpack 5' 'backpack 3')
    until slot furnace  2 painted coal; wait 1; picture $p/smelting.png;
    until slot furnace_output  0 painted iron_ingot 2; $(quick_move 'furnace_output 0')
    until slot backpack  1 painted iron_ingot 4; key E; until backpack closed;
    go 25.5 18.4; key F; until backpack open; wait 0.5; $(quick_move 'backpack 2' 'backpack 1')
    until slot offerings  1 painted iron_ingot 4; picture $p/offered.png; $(quick_move 'backpack 6')
    until toast The shrine is lit; wait 0.5; picture $p/goal.png; key E; until backpack closed; wait 0.5;
    picture $p/lit.png; quit"
  check smelting '^slot furnace  0 painted iron_ore ' 'a furnace smelts ore'
  check offered '^slot offerings  0 painted plank 12 ' 'the shrine takes no more planks than it needs'
  check goal 'painted golden_apple 1 ' 'the player receives a golden apple'
  for picture in smelting offered goal; do check_slots $picture; done
}

scene_trade() {
  printf -- '-- two players: what they wear, a trade, a bank, a host that stops responding\n'
  DISPLAY="$first" timeout 240 "$GAME" host --port "$1" --name Hanna --size 960x600 \
    --report "$p/host_now.txt" --steps "
    until me Hanna; go 19.5 10.3; key F; until slot chest  0; $(quick_move 'chest 26')
    until painted key; key E; until backpack closed; go 6.3 14.5; key F; until slot chest  0 painted leather_boots;
    $(quick_move 'chest 0') until slot backpack  1 painted leather_boots; point backpack 1; wait 0.2; press left;
    point equipment 2; wait 0.3; release left; until slot equipment  2; key E; until backpack closed;
    until toast Gus wants to trade; key T; until backpack open; wait 0.5; $(quick_move 'hotbar 1')
    until slot chest  0 painted bread; wait 0.5; picture $p/offers.png; until text Gus accepts; wait 0.3; picture $p/accepted.png;
    point button Accept; press left; release left; until toast The trade is complete; wait 0.5; picture $p/traded.png;
    until backpack closed; go 30.5 8.3; key F; until backpack open; wait 1; point button Vault 2; press left; release left; wait 1;
    $(quick_move 'hotbar 2') until slot chest; wait 0.5; picture $p/bank.png; wait 60; quit" >"$out/trade_host.log" 2>&1 &
  local host=$!
  started+=($host)
  # The guest joins when the host has put its boots on.
  for _ in $(seq 1200); do
    grep -qs '^me Hanna .* at 6\.' "$out/host_now.txt" && break
    sleep 0.1
  done
  play "$second" guest join "127.0.0.1:$1" --name Gus --size 960x600 --steps "
    until me Gus; until other Hanna; go 6.2 13.2; until other Hanna holds iron_axe shown iron_axe at 6.; wait 1;
    picture $p/seen.png; key T; until backpack open; wait 0.5; $(quick_move 'hotbar 2') until slot chest  0 painted torch;
    wait 1; picture $p/guest_offers.png; point button Accept; press left; release left;
    until toast The trade is complete; wait 0.5; picture $p/guest_traded.png; until backpack closed;
    until text The host has not responded for; wait 0.5; picture $p/silent.png; quit" &
  local guest=$!
  for _ in $(seq 2000); do
    if [ -e "$p/bank.txt" ] && [ -e "$p/guest_traded.txt" ]; then pkill -STOP -P $host; break; fi
    kill -0 $host 2>/dev/null || break
    sleep 0.1
  done
  wait $guest || { say FAIL "guest: not all steps were completed: $(tail -n 1 "$out/guest.log")"
    failures=$((failures + 1)); }
  pkill -CONT -P $host || true
  check seen '^other Hanna holds iron_axe' 'the guest sees the host'
  check offers '^slot chest  0 painted torch 5 ' 'both see the offer of the host'
  check guest_offers '^slot chest  0 painted torch 5 '  '... as does the guest'
  check guest_offers '^slot chest  0 painted bread 2 '  '... and the own offer'
  check accepted '^text Gus accepts' 'the host sees that the guest accepts'
  check traded '^slot (backpack|hotbar) +[0-9]+ painted bread 4 ' 'the host has the bread of both'
  check guest_traded '^slot (backpack|hotbar) +[0-9]+ painted torch 10 ' 'the guest has the torches of both'
  check bank '^slot chest  0 painted bread ' 'a tab of the bank contains the bread'
  check silent '^text The host has not responded for [0-9]+ s' 'a host that stops responding is reported'
  for picture in offers guest_offers accepted traded guest_traded bank; do check_slots $picture; done
}
