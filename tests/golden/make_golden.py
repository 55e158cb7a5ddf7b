"""Builds messages by hand from the drawings in src/wire.rs and src/wire/request.rs and writes them to
wire.txt and requests.txt beside this file.

It shares no code with the crate, whose encoder must produce the same bytes. Run it after a change of the
format: python3 tests/golden/make_golden.py
"""

import pathlib
import zlib

ITEMS = ["axe", "boots", "coin", "torch"]  # by rank; 2 bits
KINDS = 2  # inventory, hotbar; 1 bit


def num(value, bits):
    """A number in this many bits, the lowest first."""
    return "".join(str(value >> n & 1) for n in range(bits))


def eg(value, k=0):
    """Exp-Golomb of order k: a zero for every digit beyond k + 1, a one, and the rest from the lowest bit."""
    shifted = value + (1 << k)
    digits = shifted.bit_length()
    return "0" * (digits - k - 1) + "1" + num(shifted - (1 << digits - 1), digits - 1)


def to_bytes(bits):
    bits += "0" * (-len(bits) % 8)
    at = range(0, len(bits), 8)
    return bytes(sum(int(bits[n + k]) << k for k in range(8)) for n in at)


def sealed(bits):
    """Whole bytes, and the low 24 bits of their CRC-32."""
    return bits + "0" * (-len(bits) % 8) + num(zlib.crc32(to_bytes(bits)) & 0xFFFFFF, 24)


MAX_STACK = {"axe": 1, "boots": 1, "coin": 1000000, "torch": 64}


def stack(item, count, wear=0, narrow=False, more=True):
    width = (MAX_STACK[item] - 1).bit_length()
    text = num(ITEMS.index(item), 2) + (num(count - 1, width) if narrow else eg(count - 1, 2))
    if not more:
        return text
    return text + ("1" + "1" + num(wear, 16) + "0" if wear else "0")


def slots(stacks):
    filled = [s for s in stacks if s is not None]
    more = any(len(s) > 2 for s in filled)
    narrow = (all(s[1] <= MAX_STACK[s[0]] for s in filled)
              and sum((MAX_STACK[s[0]] - 1).bit_length() for s in filled)
              < sum(len(eg(s[1] - 1, 2)) for s in filled))
    full = len(filled) == len(stacks)
    return ("1" if more else "0") + ("0" if narrow else "1") + ("1" if full else "0") + "".join(
        "0" if s is None else ("" if full else "1") + stack(*s, narrow=narrow, more=more)
        for s in stacks)


def head(view, base, steps=1, selected=None, handle=0):
    chosen = "0" if selected is None else "1" + eg(selected)
    return eg(view) + num((base + handle) % 8, 3) + eg(steps - 1) + chosen


def quick(view, base, handle=0):
    """The head of a message of one entry."""
    return ("0" if view == 0 else "1000" + eg(view)) + num((base + handle) % 8, 3)


def amount(by):
    return "1" if by == 1 else "0" + num(by - 2, 3) if by < 9 else "0111" + eg(by - 9, 3)


def slot36(n):
    return num(n, 6)


LESS, MORE, EMPTY, STACK, WEAR, WITH, ITEM = "00", "01", "10", "110", "1110", "11110", "11111"
DELTA, FULL = "0", "1"
ONE, NONE, LIST, MASK = "0", "10", "110", "111"


COPY, SINCE = "0", "1"


def open_next(version):
    """Another opening after the first, with the next id."""
    content = [("torch", 5)] + [None] * 34 + [("axe", 1, 300)]
    return "1" + "0" + named(0x123456789ABCDE0) + eg(version, 4) + "0" + COPY + "1" + eg(3) + slots(content)


def reset(transfer, epoch, handled=0):
    return "1" + eg(transfer) + num(epoch, 64) + num(handled, 32)


def full(responses="0", reset="0", follows=0, number=0xA5, forgotten=(), data=(), closes="", opens=""):
    """The head of a message that can hold everything."""
    definitions = "".join(eg(i, 4) + "1" for i in forgotten)
    definitions += "".join(eg(i, 4) + "0" + eg(kind) + eg(len(b), 6) + "".join(num(x, 8) for x in b)
                           for i, kind, b in data)
    return "1110" + num(number, 8) + responses + reset + eg(follows) + eg(len(forgotten) + len(data)) + definitions + closes + opens


def responses(last, results):
    """Responses up to a request: True if accepted, a rejection's code, or a code with the game's number."""
    def one(result):
        if result is True:
            return "1"
        code, game = result if isinstance(result, tuple) else (result, None)
        return "0" + num(code, 5) + ("" if game is None else num(game, 16))
    return num(last % 64, 6) + eg(len(results) - 1) + "".join(map(one, results))


def named(bits63):
    return "1" + num(bits63, 63)


def open_player(view, handle, version, entity=None, since=None):
    """36 slots with five torches in the first and a worn axe in the last, slot 3 selected; or what changed since a
    version."""
    carrier = "0" if entity is None else "1" + eg(entity, 7) + eg(0)
    structure = eg(2) + num(0, 1) + eg(27, 5) + num(1, 1) + eg(9, 5)
    content = [("torch", 5)] + [None] * 34 + [("axe", 1, 300)]
    rights = num(0b1111, 4)
    copy = COPY + structure + "1" + eg(3) + slots(content)
    if since is not None:
        base, delta = since
        copy = SINCE + eg(base, 4) + "1" + eg(3) + delta
    return (eg(view) + eg(handle) + named(0x123456789ABCDEF) + "1" + rights + eg(version, 4)
            + carrier + copy)


NOTHING_HANDED = "0"
NO_CHECKSUM = eg(0)

CASES = {
    "one_less": "1001" + head(0, 4) + DELTA + ONE + slot36(29) + LESS + amount(1) + "0",
    "three_more_in_view_two": "1001" + head(2, 37) + DELTA + ONE + slot36(0) + MORE + amount(3) + "0",
    "emptied": "1001" + head(0, 0) + DELTA + ONE + slot36(35) + EMPTY + "0",
    "new_stack": "1001" + head(0, 1) + DELTA + ONE + slot36(7) + STACK + stack("coin", 700) + "0",
    "worn_stack": "1001" + head(0, 1) + DELTA + ONE + slot36(7) + STACK + stack("axe", 1, 900) + "0",
    "wear_three_less": "1001" + head(0, 9) + DELTA + ONE + slot36(5) + WEAR + eg(5, 2) + "0",
    "two_slots": "1001" + head(0, 9) + DELTA + LIST + slot36(1) + LESS + amount(2) + "1" + slot36(30)
                 + EMPTY + "0" + "0",
    "many_slots": "1001" + head(0, 9) + DELTA + MASK + "1" * 6 + "0" * 30 + EMPTY * 6 + "0",
    "selected_only": "1001" + head(0, 9, selected=4) + DELTA + NONE + "0",
    "three_commits_later": "1001" + head(0, 9, steps=3) + DELTA + ONE + slot36(2) + STACK
                           + stack("torch", 64) + "0",
    "two_views": "1001" + head(0, 4) + DELTA + ONE + slot36(29) + LESS + amount(1)
                 + "1" + head(1, 4) + DELTA + ONE + slot36(3) + EMPTY + "0",
    "full_update": "1001" + head(0, 4) + FULL + slots([("torch", 64)] * 20 + [None] * 16) + "0",
    "of_handle_forty": "1001" + head(0, 4, handle=40) + DELTA + ONE + slot36(29) + LESS + amount(1) + "0",
    "quick_shared": "1010" + eg(5) + num((4 + 5) % 8, 3) + slot36(29) + MORE + amount(2),
    "shared": "1011" + head(5, 4, handle=5) + DELTA + ONE + slot36(29) + MORE + amount(1) + "0",
    "shared_two": "1011" + head(5, 4, handle=5) + DELTA + ONE + slot36(29) + MORE + amount(1)
                  + "1" + head(9, 2, handle=9) + DELTA + ONE + slot36(3) + EMPTY + "0",
    "quick_one_less": quick(0, 4) + slot36(29) + LESS + amount(1),
    "quick_new_stack_in_view_three": quick(3, 4) + slot36(7) + STACK + stack("coin", 7),
    "quick_other_item": quick(0, 4) + slot36(7) + ITEM + num(ITEMS.index("coin"), 2),
    "full_update_without_gaps": "1001" + head(0, 4) + FULL + slots([("coin", 700)] * 36) + "0",
    "quick_exchanged": quick(0, 9) + slot36(3) + WITH + slot36(30),
    "exchanged": "1001" + head(0, 9) + DELTA + ONE + slot36(3) + WITH + slot36(30) + "0",
    "exchanged_and_one_less": "1001" + head(0, 9) + DELTA + LIST + slot36(3) + WITH + slot36(30) + "1"
                              + slot36(12) + LESS + amount(1) + "0" + "0",
    "accepted": "110" + responses(5, [True]) + "0",
    "accepted_with_slots": "110" + responses(64 + 5, [True]) + "1" + head(0, 9) + DELTA + ONE + slot36(3)
                           + WITH + slot36(30) + "0",
    "rejected_stale_and_by_the_game": "110" + responses(7, [True, 0, (31, 500)]) + "0",
    "handshake_without_views": full(reset=reset(7, 0xFEDCBA9876543210), closes=eg(0), opens=eg(0)) + NOTHING_HANDED + "0" + NO_CHECKSUM,
    "response_with_a_shared_part": full("1" + responses(9, [True]), follows=1, closes=eg(0), opens=eg(0))
                                   + NOTHING_HANDED + "0" + NO_CHECKSUM,
    "data": full(forgotten=[2], data=[(3, 1, b"\x01\xff")], closes=eg(0), opens=eg(0)) + NOTHING_HANDED + "0" + NO_CHECKSUM,
    "opened": full(reset=reset(7, 0xFEDCBA9876543210), closes=eg(0), opens=eg(1)) + open_player(0, 7, 12) + NOTHING_HANDED + "0" + NO_CHECKSUM,
    "opened_two": full(closes=eg(0), opens=eg(2)) + open_player(0, 7, 12) + open_next(13) + NOTHING_HANDED + "0" + NO_CHECKSUM,
    "opened_on_an_avatar": full(closes=eg(0), opens=eg(1)) + open_player(3, 7, 12, 900) + NOTHING_HANDED + "0" + NO_CHECKSUM,
    "handed_over": full(closes=eg(0), opens=eg(0)) + "1" + num(9, 8) + eg(2) + eg(0, 4) + eg(20, 4) + "0" + NO_CHECKSUM,
    "opened_from_a_cached_copy": full(closes=eg(0), opens=eg(1))
                               + open_player(0, 7, 12, since=(9, ONE + slot36(2) + STACK + stack("torch", 64)))
                               + NOTHING_HANDED + "0" + NO_CHECKSUM,
    "checksums": full(closes=eg(0), opens=eg(0)) + NOTHING_HANDED + "0" + eg(2) + eg(0)
               + num(0x0123456789ABCDEF, 64) + eg(3) + num(1, 64),
    "transfer": sealed(num(0, 8) + eg(1) + eg(3, 4) + "0" + eg(1) + eg(2, 6) + num(1, 8) + num(255, 8) + eg(1)
                + open_player(0, 7, 12)),
    "closed": full(closes=eg(2) + eg(1) + "0" + eg(4) + "1", opens=eg(0)) + NOTHING_HANDED + "0" + NO_CHECKSUM,
}


def request(number, body):
    return "0" + num(number, 8) + body


def act(actor, witness, payload):
    """An action of the only registered type, which takes no bit to name."""
    return "00" + eg(0 if actor is None else actor + 1) + num(witness, 16) + payload


def place(view, kind, index):
    return eg(view) + num(kind, 1) + eg(index, 4)


def count(n=None):
    return "0" if n is None else "1" + eg(n, 2)


def area(view, kind=None):
    return eg(view) + ("0" if kind is None else "1" + num(kind, 1))


REQUESTS = {
    "move_all_of_it": request(1, act(0, 0xABCD, num(0, 4) + place(0, 0, 3) + place(0, 1, 8) + count())),
    "move_five_to_a_chest": request(255, act(0, 1, num(0, 4) + place(0, 1, 0) + place(3, 0, 26) + count(5))),
    "swap": request(7, act(0, 500, num(1, 4) + place(0, 0, 0) + place(0, 0, 26))),
    "quick_move_as_nobody": request(8, act(None, 9, num(2, 4) + place(1, 0, 0) + area(0, 1))),
    "collect": request(9, act(0, 9, num(3, 4) + place(0, 0, 1) + eg(2, 2) + area(0) + area(2, 0))),
    "spread": request(10, act(0, 9, num(4, 4) + place(0, 0, 1) + eg(2, 2) + place(0, 0, 2)
                                    + place(0, 0, 3) + count(1))),
    "take_all": request(11, act(0, 1, num(5, 4) + area(4) + area(0))),
    "drop_one": request(12, act(0, 9, num(6, 4) + place(0, 1, 2) + count(1))),
    "select": request(13, act(0, 1, num(8, 4) + place(0, 1, 4))),
    "sort": request(14, act(0, 1, num(10, 4) + area(0, 0))),
    "open_an_entity": request(15, "01" + "0" + eg(900, 7) + eg(0)),
    "open_an_id": request(16, "01" + "1" + named(0x123456789ABCDEF)),
    "close": request(17, "10" + eg(2) + eg(40)),
    "open_an_entity_from_a_body": request(18, "01" + "0" + eg(900, 7) + eg(0) + num(2, 16)),
    "cancel": request(19, "11" + eg(3, 4)),
    "craft_with_a_worn_axe": request(20, act(0, 9, num(11, 4) + num(0x01234567, 32) + count(1) + eg(1, 2) + area(0)
                                             + area(0) + eg(0, 2))
                                     + num(0xBEEF, 16) + eg(0) + "1" + eg(1) + eg(2) + stack("axe", 1, 300)),
    "agree_to_versions": request(21, act(0, 9, num(9, 4) + place(0, 0, 0)) + num(0xBEEF, 16) + eg(2)
                                     + num(7, 32) + num(0xFFFFFFFF, 32) + "1" + eg(0)),
    "too_much_to_list": request(22, act(0, 9, num(9, 4) + place(0, 0, 0)) + num(0xBEEF, 16) + eg(0) + "0"),
}


if __name__ == "__main__":
    for file, cases in (("wire.txt", CASES), ("requests.txt", REQUESTS)):
        lines = [f"{name} {to_bytes(bits).hex()}\n" for name, bits in cases.items()]
        pathlib.Path(__file__).with_name(file).write_text("".join(lines))
