# SPDX-License-Identifier: GPL-2.0-only
"""accessible.py AXE.js [DIRECTORY]: what axe-core says of the page in all its states, themes and sizes; a picture of
each goes to the directory. Prints a line for each check, NAME, GOT and WANTED with tabs between."""

import json
import pathlib
import sys

from answers import Daemon, finding, group
from browser import Browser, Site

SIZES = (1280, 800), (400, 800)
THEMES = "light", "dark"
GROUPS = [
    group("postgresql@15-main.service", 70123, 0.25, 0, 0.0123456, 3 << 30, 12),
    group("docker:0123456789ab", 12345, 12, 3, 0.4, 700 << 20, 3),
    group("a-unit-with-a-name-that-is-much-longer-than-any-column-could-be-on-a-small-screen.service", 12),
    *[group(f"session-{i}.scope", 100 - i, resident=i << 20) for i in range(150)],
]
FINDINGS = [
    finding("again", 4711, "python3", cost_seconds=1.25, cost_bytes=192 << 20),
    finding("cold-file", 815, "postgres", "/a/path/that/is/longer/than/any/small/screen/could/show/" + "x" * 60,
            cost_seconds=0.3, seconds_ago=31),
    finding("relocations"),
]
# Name, fragment, and what of the daemon is as usual.
STATES = {
    "list": ("", Daemon(GROUPS)),
    "findings": ("", Daemon(GROUPS, findings=FINDINGS)),
    "sorted": ("#sort=name", Daemon(GROUPS)),
    "found": ("#search=docker&sort=major", Daemon(GROUPS)),
    "none-found": ("#search=nobody", Daemon(GROUPS)),
    "empty": ("", Daemon([])),
    "group": ("#group=docker%3A0123456789ab", Daemon(GROUPS)),
    "group-total": ("#group=docker%3A0123456789ab&period=total", Daemon(GROUPS)),
    "group-without-series": ("#group=session-9.scope", Daemon(GROUPS, has_series=False)),
    "group-gone": ("#group=nobody", Daemon(GROUPS)),
    "flame": ("", Daemon(GROUPS[:3], has_flame=True)),
    "flame-alone": ("flame.html", Daemon(GROUPS[:3], has_flame=True)),
    "no-figures": ("", lambda path, arguments: 503),
}
VIOLATIONS = """axe.run(document, { resultTypes: ["violations"] }).then((result) => ({
    n: result.passes.length,
    found: result.violations.map((v) => v.id + ": " + v.nodes.map((node) => node.target.join(" ")).join(", ")),
}))"""


def check(name, got, wanted):
    print(name, json.dumps(got), json.dumps(wanted), sep="\t", flush=True)


def look_at(browser, axe, site, name, fragment, pictures):
    for theme in THEMES:
        for width, height in SIZES:
            browser.look(width, height, theme)
            if fragment == "flame.html":
                browser.open(site.url + fragment, "document.querySelectorAll('.frame').length > 0")
            else:
                browser.open(site.url + fragment)
            browser.ask(axe + "; 0")
            result = browser.ask(VIOLATIONS)
            check(f"{name}, {theme}, {width}x{height}: no violation", result["found"], [])
            check("it has looked", result["n"] > 10, True)
            check("the page is no wider than the window", browser.ask("document.documentElement.scrollWidth"), width)
            if pictures:
                browser.shoot(pictures / f"{name}-{theme}-{width}.png")


def check_axe(browser, axe, site):
    """It would say so."""
    browser.open(site.url)
    browser.ask("document.querySelector('main').append(document.createElement('button')); 0")
    browser.ask(axe + "; 0")
    check("axe-core finds a button without a name", browser.ask(VIOLATIONS)["found"], ["button-name: main > button"])


def main():
    axe = pathlib.Path(sys.argv[1]).read_text()
    pictures = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    with Browser() as browser:
        for name, (fragment, answer) in STATES.items():
            site = Site(answer)
            look_at(browser, axe, site, name, fragment, pictures)
            site.stop()
        site = Site(Daemon(GROUPS))
        check_axe(browser, axe, site)
        site.stop()


main()
