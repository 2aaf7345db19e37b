# SPDX-License-Identifier: GPL-2.0-only
"""The flame graph within the page at / of a daemon with --stacks. Prints a line for each check, NAME, GOT and WANTED with
tabs between. usage: flame_frame.py URL PROGRAM [PICTURES]"""

import json
import sys

from browser import Browser

INSIDE = "document.querySelector('#flame-graph').contentDocument"
FRAMES = f"[...({INSIDE}?.querySelectorAll('.frame') ?? [])]"


def check(name, got, wanted=True):
    print(name, json.dumps(got), json.dumps(wanted), sep="\t", flush=True)


with Browser() as browser:
    browser.look(1280, 1000, "light")
    browser.open(sys.argv[1])
    program = json.dumps(sys.argv[2])
    wanted = f"{FRAMES}.some((frame) => frame.getAttribute('aria-label').startsWith('process ' + {program} + ':'))"
    # The graph is drawn once; if other programs had too many faults at that time, this one's are not in it.
    for _ in range(5):
        if browser.wait(wanted) is True:
            break
        browser.click("#flame-again")
    check("the page at / shows the flame graph", browser.wait(wanted))
    browser.ask(f"{FRAMES}.find((frame) => frame.getAttribute('aria-label').startsWith('process ' + {program})).click()")
    check("which zooms", browser.wait(f"{FRAMES}.filter((frame) => frame.matches('.above')).length", 1), 1)
    if len(sys.argv) > 3:
        browser.shoot(sys.argv[3] + "/flame_frame.png")
    browser.click("#flame-again")
    check("and is drawn anew", browser.wait(f"{wanted} && {FRAMES}.filter((frame) => frame.matches('.above')).length === 0"))
    check("its policy forbids nothing that it does", browser.console, [])
