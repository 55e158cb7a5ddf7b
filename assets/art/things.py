"""What stands on the ground and can be used: chests, gate, furnace, shrine; and the shadow."""

from canvas import grid, outline, over, save

CHESTS = {
    "chest_closed": """
        ................
        ................
        ..GWWWWWWWWWWG..
        .GGyyyyyyyyyyGm.
        .GmWWWWWWWWWWGm.
        .GmWWWWWWWWWwGm.
        .GmwwwwwwwwwwGm.
        .kkkkkGYGGkkkkk.
        .GmyyyGkkmyyWGm.
        .GmWWWGkkmWWwGm.
        .GmWWWmmmmWWwGm.
        .GmwwwwwwwwwwGm.
        .GmWWWWWWWWWwGm.
        .mmnnnnnnnnnnmm.
        ................
        ................
    """,
    "chest_open": """
        ..GWWWWWWWWWWG..
        .GGyyyyyyyyyyGm.
        .GmnnnnnnnnnnGm.
        .GmnKKKKKKKKnGm.
        .GmKKKKKKKKKKGm.
        .mkkkkYGkkkGkkm.
        .mkGYkGmGYGmYkm.
        .GGYGGYGGmGYGGm.
        .GmyyyyyyyyyWGm.
        .GmWWWGYGGWWwGm.
        .GmWWWGkkmWWwGm.
        .GmwwwmmmmwwwGm.
        .GmWWWWWWWWWwGm.
        .mmnnnnnnnnnnmm.
        ................
        ................
    """,
}

GATE = """
    ................
    ....cddddddb....
    ..cddeeddddcbb..
    .cdecccccccbcba.
    .cdcbbUUUUbbcba.
    cdcbUUvvvvUUbcba
    cdcbUvvVVvvUacba
    cecUUvVVVVvUUcba
    cdcUvvVeeVvvUcba
    cdcUvVVeeVVvUcba
    cecUvVeVVeVvUcba
    cdcUvVeVVeVvUcba
    cdcUvVVeeVVvUcba
    cecUvvVeeVvvUcba
    cdcUvvVVVVvvUcba
    cdcUUvVVVVvUUcba
    cecUUvvVVvvUUcba
    cdcUUvvvvvvUUcba
    cdcuUUvvvvUUucba
    cecuUUvvvvUUucba
    cdcuuUUUUUUuucba
    ddcbbbbbbbbbbcbb
    cccccccccccccbba
    ................
"""

SHADOW = """
    ....kkkkkkkk....
    .kkkkkkkkkkkkkk.
    kkkkkkkkkkkkkkkk
    kkkkkkkkkkkkkkkk
    .kkkkkkkkkkkkkk.
    ....kkkkkkkk....
"""

# A darker chest with iron bands; its padlock hangs open when somebody has it open.
LOCKED = {
    "chest_locked_closed": """
        ................
        ................
        ..dwdcwwwwdcwd..
        .ddWdcWWWWdcWdb.
        .dbwdcwwwwdcwdb.
        .dbwcbwwwwcbndb.
        .dbncbkddkcbndb.
        .kkkkkdkkdkkkkk.
        .dbWdkGYYGkcWdb.
        .dbwckGkkmkbwdb.
        .dbwckGGkmkbndb.
        .dbnckGmmmkbndb.
        .dbwcbkkkkcbndb.
        .bbKbaKKKKbaKbb.
        ................
        ................
    """,
    "chest_locked_open": """
        ..dwdcwwwwdcwd..
        .ddWdcWWWWdcWdb.
        .dbncbnnnncbndb.
        .dbnKKKKKKKKndb.
        .dbKKKKKKKKKKdb.
        .bkkkkYGkkkGkkb.
        .bkGYkGmGYGmYkb.
        .dbGYGGYGGmGYGb.
        .dbWWWWdbWWWWdb.
        .dbwdckdkkkkwdb.
        .dbwcbwkGYGkndb.
        .dbncbnkGkmkndb.
        .dbwcbwkGmmkndb.
        .bbKbaKKkkkKKbb.
        ................
        ................
    """,
}

# A market stall, 24x24. Both are the same but for what is below the awning.
STALL = """
    ........................
    ...PeeePPPeeeePPPeeeR...
    ..PReeeRRReeeeRRReeeRr..
    ..PReeeRRReeeeRRReeeRr..
    .PRReeeRRReeeeRRReeeRRr.
    .PRRdddRRRddddRRRdddRRr.
    .RRrdddRRrddddRRrdddRRr.
    ..rKKcKKrKKccKKrKKcKKr..
    ..WwKKKKKKKKKKKKKKKKWn..
    ..WwKKKKKKKKKKKKKKKKWn..
    ..WwKKKKKKKKKKKKKKKKWn..
    ..WwKKKKKKKKKKKKKKKKWn..
    ..WwKKKKKKKKKKKKKKKKWn..
    .yyyyyyyyyyyyyyyyyyyyyW.
    .WWWWWWWWWWWWWWWWWWWWWw.
    .kkkkkkkkkkkkkkkkkkkkkk.
    ..wwnnwwnnkkkkwwnnwwnn..
    ..WWwnWWwkYYGGkWwnWWwn..
    ..WWwnWWkYGmmGGkwnWWwn..
    ..WWwnWWkGGYGGmkwnWWwn..
    ..wwnnwwnkGGmmkwnnwwnn..
    ..nnnKnnnKkkkkKnnKnnnK..
    ........................
    ........................
"""

WARES = """
    ................
    ....n........e..
    .RRnKKKKKKKKeVeK
    RPRRKKyyyyKKKvKK
    RRRRKyWyWWwKvVUK
    RRRrKyWWWwwKUUUK
"""

SHUTTER = """
    WWWWWWWWWWWWWWWW
    nnnnnnnnnnnnnnnn
    wwwwwkkkkkkwwwww
    nnnnnkxxxXknnnnn
    wwwwwkxRRXkwwwww
    nnnnnkkkkkknnnnn
"""

# A stone vault, 20x20: a bank.
VAULT = """
    ....................
    ......dddddccc......
    ...ddddcYGccccbb....
    .ddddcccGmccccccbbb.
    .YYYYYYGGGGGGGGGGmm.
    .aaaaaaaaaaaaaaaaaa.
    ..edcaaakkkkaaadcb..
    ..edcaakYYGGkaadcb..
    ..edcakYdccbGkadcb..
    ..edckYdcGYcbGkdcb..
    ..edckGcGYGmbmkdcb..
    ..edckGccGmbbmkdcb..
    ..edcakGcbbbmkadcb..
    ..edcaakmmmmkaadcb..
    ..edcaaakkkkaaadcb..
    .ddddcccccccccccbbb.
    .YYYYYYGGGGGGGGGGmm.
    .cccccccccccbbbbbba.
    ....................
    ....................
"""

# What an open vault shows instead of its door.
VAULT_INSIDE = """
    ....................
    ....................
    ....................
    ....................
    ....................
    ....................
    .............kkkk...
    ............keddGk..
    ........kkkkkdccGk..
    .......kkkkkkdccGk..
    .......kkYGkkcGcmk..
    .......kYGmGkcGbmk..
    ........GGmGkcbbmk..
    ............kbbbmk..
    .............kkkk...
    ....................
    ....................
    ....................
    ....................
    ....................
"""

FURNACE = """
    ................
    ......ddcb......
    .....dkkkkb.....
    .....dccbba.....
    ....ddcccbbb....
    ..ddddccccccbb..
    .dddcccccccccbb.
    .dccccbccccbbbb.
    .cccbbaaaabbcbb.
    .bbbbakkkkabbba.
    .ddcakkkkkkacbb.
    .dccakkkkkkabbb.
    .cbbakkkkkkabba.
    .ddcakkkkkkacbb.
    .dccakKkKnkabbb.
    .cbbaKnnKnnabba.
    .bbbaaaaaaaabba.
    .aaaaaaaaaaaaaa.
    ................
    ................
"""

# What burns in a furnace, from row 1 on; flames show in the chimney too.
BURNING = """
    ......ooRR......
    ......RooR......
    ................
    ................
    ................
    ................
    ................
    ......moom......
    .....mRRRRm.....
    ....oRRooRRr....
    ....mRoooRRr....
    ....oRoGooRr....
    ....oooGYoRr....
    ....ooGYYGor....
    ....oGYeYGor....
    ....mmmmmmmm....
"""

# --------------------------------------------------------------------------------------------------
# The shrine, 24x32
# --------------------------------------------------------------------------------------------------

STEPS = """
    ....dddddccccccccccb....
    ....dcccccccccccccba....
    ....bbbbbbbbbbbbbaaa....
    .ddddddddccccccccccccbb.
    .dcccccccccccccccccbbba.
    .cccccbcccccccbccccbbba.
    .bbbbbbbbbbbbbbbaaaaaaa.
"""

# A broken pillar, and what lies around it.
RUBBLE = """
    ........................
    ..............b.........
    .......dd....cb.........
    .......dcccdccbb........
    .......dccccccbb........
    .......dcaaaacba........
    .......dcakkacba........
    .......dcaaaacba........
    .......bbbbbbbaa........
    ................dcb.....
    ...............dccbb....
    ..F............bbbaa....
    .FiF...............ddc..
    .iLiF.............dccbb.
    .iLiiF............bbbaa.
"""

# One stone of the pillar: 10 wide, 5 high. Its rune is dark, or lit.
STONE = """
    dddccccccb
    dccaaaaccb
    dcakkkkacb
    dccaaaaccb
    bbbbbbbaaa
"""

STONE_LIT = """
    dddccccccb
    dccUvvUccb
    dcUVeeVUcb
    dccUvvUccb
    bbbbbbbaaa
"""

BROKEN = """
    dd.....b..
    dcc.ccccb.
    dcccccccba
"""

BOWL = """
    dddddddccccccb
    YYYYGGGGGGGGGm
    .dcccccccccbb.
    ..bbbccccbba..
    ....bbbbaa....
"""

COALS = """
    ..aakkaakk..
"""

FLAME = """
    .....R...R..
    ..R.RRo.RR..
    ..RRRoo.RR..
    .RRooooRRR..
    .RRoGGooRRR.
    RRooGYGGoRR.
    RRoGGYYGooRR
    RooGYYYYGoRR
    RooGYeeYGooR
    .ooGYeeYGoR.
"""


def shrine(offered):
    """The monument with 0, 1, 2 or all 3 offerings."""
    empty = ["." * 24] * 32
    rows = over(empty, grid(STEPS, 24, 7), down=24)
    if offered == 0:
        return outline(over(rows, grid(RUBBLE, 24, 15), down=16))
    dark, lit = grid(STONE, 10, 5), grid(STONE_LIT, 10, 5)
    rows = over(rows, lit, 7, 19)
    if offered == 1:
        rows = over(rows, dark, 7, 14)
        return outline(over(rows, grid(BROKEN, 10, 3), 7, 11))
    rows = over(rows, lit, 7, 14)
    rows = over(rows, grid(BOWL, 14, 5), 5, 9)
    if offered == 2:
        return outline(over(rows, grid(COALS, 12, 1), 6, 8))
    return outline(over(rows, grid(FLAME, 12, 10), 6, 1))


def draw():
    for name, text in {**CHESTS, **LOCKED}.items():
        save("sprites", name, outline(grid(text)))
    stall, vault = grid(STALL, 24, 24), grid(VAULT, 20, 20)
    save("sprites", "chest_shop_closed", outline(over(stall, grid(SHUTTER, height=6), 4, 7)))
    save("sprites", "chest_shop_open", outline(over(stall, grid(WARES, height=6), 4, 7)))
    save("sprites", "chest_bank_closed", outline(vault))
    inside = grid(VAULT_INSIDE, 20, 20)
    save("sprites", "chest_bank_open", outline(over(vault, inside)))
    furnace = grid(FURNACE, height=20)
    save("sprites", "furnace", outline(furnace))
    save("sprites", "furnace_lit", outline(over(furnace, grid(BURNING), down=1)))
    for offered in range(4):
        save("sprites", f"shrine_{offered}", shrine(offered))
    save("sprites", "gate", outline(grid(GATE, height=24)))
    save("sprites", "shadow", grid(SHADOW, height=6), alpha=96)
