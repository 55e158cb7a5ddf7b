# Scenes of `screenshots.sh` about the debug overlay. What is waited for is a line of the report, never a time alone.

# What a panel has painted is what the game says of itself.
check_panel() {
  [ -e "$out/$1.txt" ] || { say WRONG "$1: there is no such picture"; failures=$((failures + 1)); return; }
  python3 examples/inventory_game/check_overlay.py "$2" "$out/$1.txt" | sed "s/^\(ok *\|WRONG *\)/\1$1: /" \
    || failures=$((failures + 1))
}

# Starts the game as a host on the second display; the text of its screen is kept up to date in a file.
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
  say WRONG "$1: the host does not start"; failures=$((failures + 1))
}

scene_panels() {
  printf -- '-- the overlay on a host, with three bots\n'
  local port="$1" bots
  # The bots wait for the host, the host for the bots.
  { wait_for_host "$out/panels_host.txt"
    exec timeout 240 "$GAME" bots 3 "127.0.0.1:$port" --seconds 230; } >"$out/bots.log" 2>&1 &
  bots=$!
  started+=("$bots")
  act "$first" panels host --port "$port" --name Hanna --size 1280x720 --report "$p/panels_host.txt" \
    --overlay inventories --steps "
    point ground; until is clients 3; until since actions_accepted; until since digests_encoded; picture $p/inventories.png;
    click The walk; until overlay The walk; wait 2; picture $p/walk.png;
    click Traffic; until overlay Traffic; wait ${docs:+2}1; picture $p/traffic.png;
    click Clients; until overlay Clients; wait 1; picture $p/clients.png;
    click Journal; until overlay Journal; wait 1; picture $p/journal.png;
    click Copy as text; until copied; picture $p/copied.png;
    click Levers; until overlay Levers; wait 1; picture $p/levers.png;
    click only the slots that changed; until is granular false; picture $p/in_full.png;
    until since fulls_encoded; wait 1; picture $p/was_in_full.png;
    click only the slots that changed; until is granular true; picture $p/granular.png;
    until since deltas_encoded; picture $p/was_granular.png;
    click Send everything again; until since opens_encoded; picture $p/sent_again.png;
    key F3; until overlay -; picture $p/hidden.png; quit"
  kill "$bots" 2>/dev/null || true
  for panel in inventories walk traffic clients journal levers; do check_panel "$panel" "$panel"; done
  [ -z "$docs" ] || convert "$out/traffic.png" -define png:compression-level=9 docs/overlay.png
  check_panel copied copied
  check_colours inventories 60
  check was_in_full '^since fulls_encoded ' 'without granular changes go out in full'
  check_not was_in_full '^since deltas_encoded ' '... and not as deltas'
  check was_granular '^since deltas_encoded ' 'with granular they are deltas again'
  check sent_again '^since opens_encoded ' 'everything is sent again'
  check_not hidden '^painted ' 'F3 hides all of it'
}

scene_levers() {
  printf -- '-- the overlay of a guest: a copy that is wrong, and heals\n'
  local port="$1"
  host_beside "$port" levers_host
  act "$first" levers_guest join "127.0.0.1:$port" --name Bruno --size 1280x720 --overlay inventories --steps "
    until session playing at; until slot hotbar  1; until filter by name; key 2; key Q; until torch 4;
    until whole Bruno; click Bruno; until as the server says;
    picture $p/followed.png; click Levers; until the digest agrees; picture $p/guest_levers.png;
    click Spoil it; until since digest_mismatches 1; picture $p/spoilt.png;
    until is counted heals_requested 1; until the digest agrees; picture $p/healed.png;
    click Ask the server for everything again; until since resyncs_requested 1; until since messages_received;
    until the digest agrees; picture $p/asked.png;
    click Connection; until overlay Clients; wait 1; picture $p/connection.png;
    click Journal; key F3; until overlay -; key L; wait 0.4; picture $p/lag.png;
    key Esc; wait 0.4; key Down; key Enter; until screen menu; wait 0.4; picture $p/lag_left.png; quit"
  kill "$host" 2>/dev/null || true
  check_panel guest_levers levers_of_guest
  check healed '^is counted digest_mismatches 1$' 'the wrong slot was found once'
  check healed '^is counted heals_requested 1$' '... its inventory was asked for once'
  check_slots healed
  check levers_host '^is counted heals_asked 1$' '... which the host has heard'
  check levers_host '^is counted resyncs_asked 1$' 'the host has heard that everything was asked for'
  check_slots asked
  check lag '^lag shown$' 'L shows the sliders of a bad connection'
  check lag_left '^lag hidden$' '... which do not stay in the menu'
}

scene_sizes() {
  printf -- '-- the overlay with two pixels to one, and in a small window\n'
  local port="$1" factor pixels panel steps
  for factor in 2 1; do
    pixels=$((640 * factor))x$((480 * factor))
    steps="until session hosting; until filter by name; point ground; wait 1; picture $p/inventories_$pixels.png;
      scroll -99; until more: filter, or follow one; wait 0.5; picture $p/scrolled_$pixels.png;"
    for panel in "The walk" Traffic Clients Journal Levers; do
      steps+=" click $panel; until overlay $panel; wait 1; picture $p/${panel/The w/W}_$pixels.png;"
    done
    WINIT_X11_SCALE_FACTOR="$factor" act "$first" "sizes_$pixels" host --port "$((port + factor))" --name Hanna \
      --size 640x480 --overlay inventories --steps "$steps quit"
    for panel in inventories scrolled Walk Traffic Clients Journal Levers; do
      check_panel "${panel}_$pixels" small
    done
    check_not "inventories_$pixels" '^painted .* more: filter, or follow one$' 'not all cards fit'
    check "scrolled_$pixels" '^painted .* more: filter, or follow one$' '... but they can be scrolled'
  done
}
