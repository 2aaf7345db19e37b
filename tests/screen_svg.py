#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A screen as a picture: reads what `tmux capture-pane -ep` prints, writes an SVG.

usage: screen_svg.py TITLE <screen >picture.svg
"""
import re
import sys
import unicodedata
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 8.4, 18
BACK, FRONT = "#16181d", "#d8dce4"
COLOURS = ["#3b4048", "#f2777a", "#8fd694", "#f4c76b", "#7aa6f2", "#c792ea", "#6fd3d3", "#d8dce4"]


def columns(character):
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def blanks(text):
    """SVG would make one of several."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


class Style:
    def __init__(self):
        self.front, self.back = None, None
        self.bold = self.dim = self.reverse = False

    def apply(self, codes):
        for code in codes:
            if code == 0:
                self.__init__()
            elif code == 1:
                self.bold = True
            elif code == 2:
                self.dim = True
            elif code == 7:
                self.reverse = True
            elif 30 <= code <= 37:
                self.front = COLOURS[code - 30]
            elif code == 39:
                self.front = None
            elif 40 <= code <= 47:
                self.back = COLOURS[code - 40]
            elif code == 49:
                self.back = None

    def colours(self):
        front, back = self.front or FRONT, self.back or BACK
        # Black letters on a colour, as a terminal has them.
        if self.front == COLOURS[0] and self.back:
            front = BACK
        return (back, front) if self.reverse else (front, back)


def runs(line, style):
    """(x, text, width, style's colours, bold, dim) of one line; style goes on to the next."""
    x = 0
    for part in re.split(r"(\033\[[0-9;]*m)", line):
        codes = re.fullmatch(r"\033\[([0-9;]*)m", part)
        if codes:
            style.apply([int(code or 0) for code in codes.group(1).split(";")])
        elif part:
            width = sum(columns(character) for character in part)
            yield x, part, width, style.colours(), style.bold, style.dim
            x += width


def main():
    lines = sys.stdin.read().rstrip("\n").split("\n")
    plain = [re.sub(r"\033\[[0-9;]*m", "", line) for line in lines]
    width = max(sum(columns(character) for character in line) for line in plain) * WIDTH + 24
    height = len(lines) * HEIGHT + 24
    style = Style()
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
          f'viewBox="0 0 {width:.0f} {height}" role="img">')
    print(f"<title>{escape(sys.argv[1])}</title>")
    print(f'<rect width="100%" height="100%" rx="8" fill="{BACK}"/>')
    print('<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14">')
    for row, line in enumerate(lines):
        y = 12 + row * HEIGHT
        for x, text, cells, (front, back), bold, dim in runs(line, style):
            left, size = 12 + x * WIDTH, cells * WIDTH
            if back != BACK:
                print(f'<rect x="{left:.1f}" y="{y}" width="{size:.1f}" height="{HEIGHT}" '
                      f'fill="{back}"/>')
            if text.strip():
                weight = ' font-weight="bold"' if bold else ""
                faint = ' opacity="0.6"' if dim else ""
                print(f'<text x="{left:.1f}" y="{y + 13.5}" textLength="{size:.1f}" '
                      f'fill="{front}"{weight}{faint}>{escape(blanks(text))}</text>')
    print("</g>\n</svg>")


main()
