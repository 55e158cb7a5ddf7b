#!/usr/bin/env python3
"""Compares what the overlay painted with the state that the game reports, using the text file beside a screenshot.

    check_overlay.py PANEL REPORT.txt

Prints one line per comparison. Lines `painted` come from the laid out shapes, lines `is` and `was` from the world:
every painted value must match one of them.
"""

import re
import sys
from collections import defaultdict, namedtuple

Text = namedtuple("Text", "x y width height cut text")


class Report:
    def __init__(self, lines):
        self.texts, self.now, self.facts, self.copied = [], {}, defaultdict(set), []
        for line in lines:
            kind, _, rest = line.partition(" ")
            if kind == "painted":
                *place, cut, text = rest.split(" ", 5)
                self.texts.append(Text(*map(float, place), cut == "cut", text))
            elif kind == "copied":
                self.copied.append(rest)
            elif kind in ("is", "was"):
                self.facts[rest.split(" ")[0]].add(rest)
                if kind == "is":
                    self.now.setdefault(rest.split(" ")[0], []).append(rest)

    def row_of(self, text):
        """Returns the texts to the right of a text, from left to right."""
        middle = lambda t: t.y + t.height / 2
        right = [t for t in self.texts if t.x > text.x and abs(middle(t) - middle(text)) < 6]
        return [t.text for t in sorted(right)]

    def find(self, pattern):
        return [t for t in self.texts if re.fullmatch(pattern, t.text)]

    def row(self, name):
        found = self.find(re.escape(name))
        return self.row_of(min(found, key=lambda t: t.x)) if found else []


failures = 0


def compare(what, shown, true):
    global failures
    failures += not true
    print(f"{'ok' if true else 'FAIL':<6} {what}: {shown}")


def number(text):
    return int(re.sub(r"\D", "", text) or -1)


def is_tidy(report):
    cut = [t.text for t in report.texts if t.cut]
    compare("texts clipped at the side", cut, not cut)
    over = []
    for at, one in enumerate(report.texts):
        for other in report.texts[at + 1 :]:
            wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
            high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
            if wide > 2 and high > 3:
                over.append((one.text, other.text))
    compare("overlapping texts", over, not over)


def inventories(report):
    shown = [number(t.text) for t in report.find(r"\d+ inventories; click to select")]
    compare("inventories", shown, len(shown) == 1 and f"inventories {shown[0]}" in report.facts["inventories"])
    cards(report, 2)


def cards(report, least=3):
    found_cards = 0
    for name in {line.split(" ", 1)[1].rsplit(": ", 1)[0] for line in report.now["inventory"]}:
        for title in report.find(re.escape(name)):
            summary = [re.search(r"(\d+) of (\d+) used", text) for text in report.row_of(title)[:1]]
            for full, slots in [found.groups() for found in summary if found]:
                found_cards += 1
                there = f"inventory {name}: {full}/{slots}" in report.facts["inventory"]
                compare(f"used slots of {name}", f"{full} of {slots}", there)
    compare("cards", found_cards, found_cards >= least)


STEPS = {
    "validate": "requests_validated", "mark": "slots_marked", "batch": "jobs_batched", "encode": "entries_encoded",
    "send": "messages_sent", "receive": "messages_received", "apply": "slots_applied", "reconcile": "slots_reverted",
    "notify": "slots_notified", "predict": "actions_predicted", "submit": "requests_sent",
}


def pipeline(report):
    here = {"validate", "mark", "batch", "encode", "send"}
    for step, counter in STEPS.items():
        row = report.row(step)
        total = number(row[-1]) if row else None
        compare(f"{step} total", total, f"counted {counter} {total}" in report.facts["counted"])
        timed = len(row) > 5 and all(re.fullmatch(r"\d+\.\d", text) for text in row[2:6])
        compare(f"{step} has times", row[2:6], timed == (step in here))
    shares = [sum(number(text) for text in report.row(step) if re.fullmatch(r"\d+ %", text)) for step in here]
    compare("shares add up to 100 %", sum(shares), 95 <= sum(shares) <= 105)


UNITS = {"B": 1, "kB": 1e3, "MB": 1e6}


def size(text):
    value, unit = re.match(r"\s*([\d.]+) ([kM]?B)", text).groups()
    return float(value) * UNITS[unit], {"B": 1, "kB": 10, "MB": 1e4}[unit]


def traffic(report):
    rate, slack = size(report.row("bytes")[0])
    bounds = [[float(n) for n in line.split()[-2:]] for line in report.facts["bytes"]]
    near = any(least - slack <= rate <= most + slack for least, most in bounds)
    compare("bytes per second", f"{rate:.0f}, counted {bounds[-1:]}", near)
    kinds = {"deltas": "bits_deltas", "full": "bits_full_updates", "opens": "bits_opens", "data": "bits_data",
             "answers": "bits_answers", "checksums": "bits_checksums"}
    for kind, counter in kinds.items():
        title = max(report.find(kind), key=lambda t: t.y)
        total, slack = size(report.row_of(title)[1])
        counted = [int(line.split()[2]) / 8 for line in report.facts["counted"] if f" {counter} " in line]
        compare(f"{kind} total", f"{total:.0f} B", any(abs(total - there) <= slack for there in counted))


def clients(report):
    heads = sorted(t for t in report.texts if t.text in ("views", "queue", "merged", "throttled", "accepted", "rejected", "resyncs"))
    lines = [line.split() for line in report.now.get("client", [])]
    rows = [t for t in report.find(r"\d+v\d+")]
    compare("clients", len(rows), len(rows) == len(lines) and f"clients {len(rows)}" in report.facts["clients"])
    for _, client, *_ in lines:
        cells = [t for t in report.texts if t.text == client][:1]
        cells = [t for t in report.texts for row in cells if abs(t.y + t.height / 2 - row.y - row.height / 2) < 6]
        # The cell below each column head, right-aligned with it.
        shown = [next((t.text for t in cells if abs(t.x + t.width - head.x - head.width) < 6), "-") for head in heads]
        compare(f"client {client}", " ".join(shown), f"client {client} {' '.join(shown)}" in report.facts["client"])


def actions(report):
    newest = sorted(report.find(r"\s*[\d.]+ s ago"), key=lambda t: t.y)
    counts = [re.search(r"(\d+) since", t.text).group(1) for t in report.find(r".* since the start")]
    player, outcome, what = (report.row_of(newest[0]) + ["", "", ""])[:3] if newest else ("", "", "")
    # In the newest row these are "PLAYER ID", "OUTCOME" and "ACTION ...".
    def fits(line):
        total, who, result, action = line.removeprefix("decided ").split(" | ")
        return [total] == counts and player.startswith(who) and outcome == result and what.startswith(action)
    shown = f"{counts} {player}, {outcome}, {what}"
    compare("last action", shown, any(fits(line) for line in report.facts["decided"]))


def settings(report):
    server = ["Sync settings", "Resend everything", "Reset to defaults"]
    found = [text for text in server if report.find(re.escape(text))]
    compare("server settings", found, found == server)


def guest_settings(report):
    server = ["Sync settings", "Resend everything", "Reset to defaults"]
    found = [text for text in server if report.find(re.escape(text))]
    compare("server settings", found, not found)
    own = report.find("Request full resync")
    compare("client settings", len(own), len(own) == 1)


def link(report):
    """The measured link must be as bad as the simulated one. Slow frames add to the round-trip time."""
    latency, jitter, loss = [[float(n) for n in line.split()[1:]] for line in report.now["simulated"]][0]
    def shown(name):
        row = report.row(name)
        return float(re.match(r"[\d.]+", row[0]).group()) if row else -1
    trip = shown("round trip")
    compare("round trip", f"{trip} ms, simulated 2 x {latency} ms", 2 * (latency - jitter) <= trip <= 2 * latency + 400)
    compare("jitter", f"{shown('jitter')} ms, simulated {jitter} ms", 0 < shown("jitter") <= 2 * jitter + 100)
    compare("loss", f"{shown('loss')} %, simulated {loss} %", 0 <= shown("loss") <= loss + 20)
    sliders = [name for name in ("Simulated link", "latency") if report.find(name)]
    compare("sliders", sliders, len(sliders) == 2)


def repaired(report):
    """The log has a line with the time and the size of the repair."""
    lines = [t.text for t in report.find(r".*: repaired after [\d.]+ s, \d+ B")]
    compare("repairs", lines, len(lines) == 1)


def loot(report):
    """Inventories with one slot are in one card."""
    ground = sum(1 for line in report.now["inventory"] if re.search(r": \d+/1$", line))
    compare("loot", f"{ground} inventories with one slot", len(report.find(f"Loot: {ground}")) == 1)


def copied(report):
    shown = [number(t.text.split(" of ")[0]) for t in report.find(r".* since the start")]
    lines = report.copied
    last = lines[-1] if lines else ""
    def fits(line):
        total, _, result, action = line.removeprefix("decided ").split(" | ")
        return int(total) == len(lines) and f"  {action}" in last and f" -> {result}" in last
    compare("copied lines", f"{len(lines)} while {shown} are shown; last {last}", any(map(fits, report.facts["decided"])))


def small(report):
    """In a small window contents may extend beyond the edge, but all tabs must be fully visible."""
    names = ["Inventories", "Pipeline", "Traffic", "Clients", "Actions", "Settings", "x"]
    whole = [t for name in names for t in report.find(re.escape(name))[:1] if not t.cut]
    inside = all(0 <= t.x and t.x + t.width <= 640 and 0 <= t.y and t.y + t.height <= 480 for t in whole)
    compare("tabs", [t.text for t in whole], len(whole) == len(names) and inside)


def main():
    panel, file = sys.argv[1:]
    with open(file, encoding="utf-8") as lines:
        report = Report(lines.read().splitlines())
    if panel != "small":
        is_tidy(report)
    globals()[panel](report)
    sys.exit(min(failures, 1))


main()
