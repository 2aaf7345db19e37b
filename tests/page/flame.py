# SPDX-License-Identifier: GPL-2.0-only
"""A flame graph in a browser: what it draws, with clicks, keys, a search and another weight. Prints a line for each
check, NAME, GOT and WANTED with tabs between. usage: flame.py FILE.html [PICTURES]"""

import json
import pathlib
import sys

from browser import Browser

FRAMES = "document.querySelectorAll('.frame')"
NAMES = f"[...{FRAMES}].filter((frame) => !frame.matches('.above')).map((frame) => frame.textContent)"


def check(name, got, wanted=True):
    print(name, json.dumps(got), json.dumps(wanted), sep="\t", flush=True)


def frame(name):
    return f"[...{FRAMES}].find((frame) => frame.textContent === {json.dumps(name)})"


def width(browser, name):
    return browser.ask(f"{frame(name)}.getBoundingClientRect().width")


def focus(browser, name):
    browser.ask(f"{frame(name)}.focus()")


with Browser() as browser:
    browser.look(1280, 800, "light")
    browser.call("Page.navigate", url=pathlib.Path(sys.argv[1]).resolve().as_uri())
    check("a frame for each function", browser.wait(f"{FRAMES}.length > 10"))
    check("the functions have names", browser.ask(f"!!{frame('touch')} && !!{frame('inner')}"))
    whole = browser.ask("document.querySelector('#graph').clientWidth")
    check("all is as wide as the graph", round(width(browser, "all")), whole)
    inner = width(browser, "inner")
    if len(sys.argv) > 2:
        browser.shoot(sys.argv[2] + "/flame.png")

    browser.ask(f"{frame('inner')}.click()")
    check("a click zooms", round(width(browser, "inner")), whole)
    check("what is zoomed to has only its own below it", browser.ask(NAMES), ["inner", "touch", "[anon] (demand_zero)"])
    check("it says what it is", browser.ask("document.querySelector('#detail').textContent.includes(': 20 faults, ')"))
    browser.press("Escape")
    check("Escape shows the whole again", abs(width(browser, "inner") - inner) < 0.5)
    focus(browser, "inner")
    browser.press("Enter")
    check("Enter zooms", round(width(browser, "inner")), whole)
    browser.click("#reset")
    check("the button shows the whole again", abs(width(browser, "inner") - inner) < 0.5)

    browser.ask("document.querySelector('#search').focus()")
    browser.type("walk")
    matching = "[...document.querySelectorAll('.hit')].map((frame) => frame.textContent)"
    check("a search marks what matches", browser.ask(matching), ["walk"])
    check("and says how much that is", browser.ask("/^[0-9.]+ % matches$/.test(document.querySelector('#found').textContent)"))
    if len(sys.argv) > 2:
        browser.look(800, 500, "dark")
        browser.shoot(sys.argv[2] + "/flame_dark.png")

    browser.ask("""(() => { const weight = document.querySelector('#weight');
        weight.value = weight.options.length - 1; weight.dispatchEvent(new Event('change')); })()""")
    check("stall is another weight", browser.ask("/ (us|ms|s), 100.0 %/.test(document.querySelector('#detail').textContent)"))
    check("its policy forbids nothing that it does", browser.console, [])
