#!/usr/bin/env python3
"""Draws every picture of the example game.

Each picture is a grid of characters, one per pixel; a character is a color of PALETTE, '.' is
nothing. Icons and figures get their dark outline from `outline`, so the grids hold only what is
inside it (and the lines drawn on purpose, 'k').

    python3 make_art.py        # writes ../icons, ../tiles, ../sprites and ../ui
"""

import sys

sys.dont_write_bytecode = True  # no __pycache__ among the assets

import effects
import figures
import icons
import interface
import things
import tiles


def main():
    for part in (icons, tiles, figures, things, effects, interface):
        part.draw()


if __name__ == "__main__":
    main()
