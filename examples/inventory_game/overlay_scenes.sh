# Scenes of `screenshots.sh` that cover the debug overlay. They wait for lines of the report, never for a time alone.

# Checks that a panel shows the state that the game reports.
check_panel() {
  [ -e "$out/$1.txt" ] || { say FAIL "$1: no such screenshot"; failures=$((failures + 1)); return; }
  python3 examples/inventory_game/check_overlay.py "$2" "$out/$1.txt" | sed "s/^\(ok *\|FAIL *\)/\1$1: /" \
    || failures=$((failures + 1))
}

# Starts the game as a host on the second display, with a report file that is kept up to date.
host_beside() {
  DISPLAY="$second" timeout 240 "$GAME" host --port "$1" --name Hanna --report "$out/$2.txt" >"$out/$2.log" 2>&1 &
  host=$!
  started+=("$host")
  wait_for_host "$out/$2.txt"
}
wait_for_host() {
  for _ in $(seq 300); do
    grep -qs '^session hosting' "$1" && return
    sleep 0.1
  done
  say FAIL "$1: the host did not start"; failures=$((failures + 1))
}

scene_panels() {
  printf -- '-- the overlay on a host with three bots\n'
  local port="$1" bots
  # The bots wait for the host, and the host for the bots.
  { wait_for_host "$out/panels_host.txt"
    exec timeout 240 "$GAME" bots 3 "127.0.0.1:$port" --seconds 230; } >"$out/bots.log" 2>&1 &
  bots=$!
  started+=("$bots")
  act "$first" panels host --port "$port" --name Hanna --size 1280x720 --report "$p/panels_host.txt" \
    --overlay inventories --steps "
    point ground; until is clients 3; until since requests_accepted; until since checksums_encoded; picture $p/inventories.png;
    click hotbar; scroll -99; until Loot:; wait 0.5; picture $p/loot.png;
    click Pipeline; until overlay Pipeline; wait 2; picture $p/pipeline.png;
    click Traffic; until overlay Traffic; wait ${docs:+2}1; picture $p/traffic.png;
    click Clients; until overlay Clients; wait 1; picture $p/clients.png;
    click Actions; until overlay Actions; wait 1; picture $p/actions.png;
    click Copy as text; until copied; picture $p/copied.png;
    click Settings; until overlay Settings; wait 1; picture $p/settings.png;
    click send only changed slots; until is deltas_enabled false; picture $p/in_full.png;
    until since full_updates_encoded; wait 1; picture $p/was_in_full.png;
    click send only changed slots; until is deltas_enabled true; picture $p/deltas_enabled.png;
    until since deltas_encoded; picture $p/was_granular.png;
    click Resend everything; until since opens_encoded; picture $p/sent_again.png;
    key F3; until overlay -; picture $p/hidden.png; quit"
  kill "$bots" 2>/dev/null || true
  for panel in inventories loot pipeline traffic clients actions settings; do check_panel "$panel" "$panel"; done
  [ -z "$docs" ] || convert "$out/traffic.png" -define png:compression-level=9 docs/overlay.png
  check_panel copied copied
  check_colours inventories 60
  check was_in_full '^since full_updates_encoded ' 'with deltas off, changes are sent as full updates'
  check_not was_in_full '^since deltas_encoded ' '... and not as deltas'
  check was_granular '^since deltas_encoded ' 'with deltas on, they are deltas again'
  check sent_again '^since opens_encoded ' 'everything is resent'
  check_not hidden '^painted ' 'F3 hides the overlay'
}

scene_controls() {
  printf -- '-- the overlay of a guest: a wrong copy is repaired\n'
  local port="$1"
  host_beside "$port" controls_host
  act "$first" controls_guest join "127.0.0.1:$port" --name Bruno --size 1280x720 --overlay inventories --steps "
    until session playing on; until slot hotbar  1; until filter by name; key 2; key Q; until torch 4;
    until whole Bruno; click Bruno; until matches the server;
    picture $p/followed.png; click Settings; until the checksum matches; picture $p/guest_settings.png;
    click Inventories; until overlay Inventories; click Bruno; until whole 4; click 4; press right; release right;
    until Corrupt this slot; picture $p/slot_menu.png; click Corrupt this slot;
    until since checksum_mismatches 1; picture $p/corrupted.png; click Bruno; click Settings; until overlay Settings;
    until is counted repairs_requested 1; until the checksum matches; until repaired after; picture $p/repaired.png;
    click Request full resync; until since resyncs_requested 1; until since messages_received;
    until the checksum matches; picture $p/resynced.png;
    click Link; until overlay Clients; wait 1; picture $p/link_good.png;
    click Actions; until overlay Actions; until s ago; picture $p/repair_logged.png;
    key F3; until overlay -; key L; wait 0.4; picture $p/lag.png;
    key Esc; wait 0.4; key Down; key Enter; until screen menu; wait 0.4; picture $p/lag_left.png; quit"
  kill "$host" 2>/dev/null || true
  check_panel guest_settings guest_settings
  check repaired '^is counted checksum_mismatches 1$' 'the wrong slot was detected once'
  check repaired '^is counted repairs_requested 1$' '... its inventory was requested once'
  check_slots repaired
  check_panel repair_logged repaired
  check controls_host '^is counted repairs_served 1$' '... and the host received the request'
  check controls_host '^is counted resyncs_served 1$' 'the host received the full resync request'
  check_slots resynced
  check lag '^lag shown$' 'L shows the connection sliders'
  check lag_left '^lag hidden$' '... which are hidden in the menu'
}

scene_link() {
  printf -- '-- the overlay of a guest with a simulated link\n'
  local port="$1" server
  timeout 120 "$GAME" serve --port "$port" --unsaved >"$out/link_server.log" 2>&1 &
  server=$!
  started+=("$server")
  act "$first" link_guest join "127.0.0.1:$port" --name Bruno --size 1280x720 --overlay clients --lag 100 --steps "
    until session playing on; until overlay Clients; until Simulated link; wait 15; picture $p/link.png;
    click Inventories; until overlay Inventories; until filter by name; wait 1; picture $p/link_inventories.png; quit"
  kill "$server" 2>/dev/null || true
  check_panel link link
}

scene_sizes() {
  printf -- '-- the overlay at scale factor 2, and in a small window\n'
  local port="$1" factor pixels panel steps
  for factor in 2 1; do
    pixels=$((640 * factor))x$((480 * factor))
    steps="until session hosting; until filter by name; point ground; wait 1; picture $p/inventories_$pixels.png;
      scroll -99; until Loot: ; wait 0.5; picture $p/scrolled_$pixels.png;"
    for panel in Pipeline Traffic Clients Actions Settings; do
      steps+=" click $panel; until overlay $panel; wait 1; picture $p/${panel}_$pixels.png;"
    done
    WINIT_X11_SCALE_FACTOR="$factor" act "$first" "sizes_$pixels" host --port "$((port + factor))" --name Hanna \
      --size 640x480 --overlay inventories --steps "$steps quit"
    for panel in inventories scrolled Pipeline Traffic Clients Actions Settings; do
      check_panel "${panel}_$pixels" small
    done
    check_not "inventories_$pixels" '^painted .* Loot: [0-9]+$' 'not all cards fit'
    check "scrolled_$pixels" '^painted .* Loot: [0-9]+$' '... but they can be scrolled to'
  done
}
