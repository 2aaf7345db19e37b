# SPDX-License-Identifier: GPL-2.0-only
"""What the page does with answers of all sorts, with clicks, keys and links. Prints a line for each
check, NAME, GOT and WANTED with tabs between, for tests/live/page.sh."""

import json

from answers import Daemon, finding, group
from browser import Browser, Site

HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
NAMES = "[...document.querySelectorAll('#groups tbody bdi')].map((name) => name.textContent)"
# What is shown of a group, and what is chosen.
ONE = """[document.querySelector('#one').innerText,
    ...[...document.querySelectorAll('#one [aria-pressed=true], #one [aria-sort=descending]')].map((e) => e.innerText)]"""
FOCUS = "document.activeElement.textContent"
MINOR = "[...document.querySelectorAll('#groups tbody tr')].map((line) => line.children[2].textContent)"


def check(name, got, wanted=True):
    print(name, json.dumps(got), json.dumps(wanted), sep="\t", flush=True)


def text(browser, selector):
    return browser.ask(f"document.querySelector({json.dumps(selector)}).textContent")


def some():
    return Daemon([
        group("ssh", minor=5, major=3, resident=4096),
        group("postgres & co", minor=70000, major=0.25, stalled=0.0123456, resident=3 << 30, processes=12),
        group("#?&=%/ü", minor=0.04, denied=2),
        group(HOSTILE, minor=12, resident=1 << 20),
    ])


def test_lists(browser):
    site = Site(some())
    browser.open(site.url)
    check("groups are ranked by minor faults at first", browser.ask(NAMES),
          ["postgres & co", HOSTILE, "ssh", "#?&=%/ü"])
    check("figures have three digits", browser.ask(MINOR), ["70.0k", "12", "5", "0.04"])
    check("the column says so", browser.ask("document.querySelector('#groups [aria-sort=descending]').textContent"),
          "Minor/s")
    check("names are text", browser.ask("document.querySelectorAll('img, td script, th script').length"), 0)
    check("the title is ours", browser.ask("document.title"), "faultmap")
    browser.click("#groups thead th:nth-child(4) button")
    check("a click sorts", browser.wait(NAMES + "[0]", "ssh"), "ssh")
    check("it is in the fragment", browser.ask("location.hash"), "#sort=major")
    check("it is told", text(browser, "#announcement"), "sorted by Major/s")
    browser.click("#groups thead th:nth-child(1) button")
    check("by name: the alphabet", browser.wait("location.hash", "#sort=name") and browser.ask(NAMES),
          ["#?&=%/ü", HOSTILE, "postgres & co", "ssh"])
    browser.click("#search")
    browser.type("SS")
    check("a search finds, whatever the case", browser.wait(NAMES, ["ssh"]), ["ssh"])
    check("it is told, too", browser.wait("document.querySelector('#announcement').textContent", "1 group found"),
          "1 group found")
    check("the rest is in one line", text(browser, "#groups tfoot th"), "everything else (3 groups)")
    browser.type("x")
    check("it may find none", browser.wait("document.querySelector('#groups tbody').textContent",
                                           "No group has a name that contains this."), "No group has a name that contains this.")
    site.stop()


FINDING = "[...document.querySelectorAll('#findings li')].map((line) => [...line.children].map((p) => p.textContent.trim()))"


def test_findings(browser):
    site = Site(some())
    browser.open(site.url)
    check("no box where nothing is found", browser.ask("document.querySelector('#findings-box').hidden"))
    site.answer.findings = [
        finding("again", 4711, "python3", cost_seconds=1.25, cost_bytes=192 << 20),
        finding("cold-file", 815, HOSTILE, HOSTILE, cost_seconds=0.3, seconds_ago=31),
        finding("cold-file", 815, HOSTILE, HOSTILE),
        finding("relocations"),
    ]
    browser.wait("document.querySelectorAll('#findings li').length", 4)
    found = browser.ask(FINDING)
    check("a finding has its name, how sure it is, and whose it is", found[0][0], "again (likely) python3[4711] now")
    check("what was seen, and what it cost", found[0][1],
          "192 MiB were touched where at most 20 MiB were resident; cost 1.25 s of stall, 192 MiB")
    check("and what to do", found[0][2], "Do: GLIBC_TUNABLES=glibc.malloc.trim_threshold=1073741824")
    check("names are text, and how old it is is said", found[1][0],
          f"cold-file (likely) {HOSTILE}[815], {HOSTILE} 31 s ago")
    check("two of the same are two", found[2][0], f"cold-file (likely) {HOSTILE}[815], {HOSTILE} now")
    check("what is of all processes", found[3][0], "relocations (likely) all processes now")
    check("no markup came out of it", browser.ask("document.querySelectorAll('#findings img, #findings script').length"),
          0)
    check("it is said to who cannot see it", text(browser, "#announcement").startswith("Finding: "))
    check("the box has the name of a list", browser.ask(
        "[document.querySelector('#findings-box').getAttribute('aria-labelledby'),"
        " document.querySelector('#findings-title').textContent.startsWith('Findings')]"), ["findings-title", True])
    browser.ask("document.querySelector('#findings li').id = 'stays'; 0")
    site.answer.findings = [finding("again", 4711, "python3", cost_bytes=1 << 30, seconds_ago=10)]
    browser.wait("document.querySelectorAll('#findings li').length", 1)
    check("a line that goes on stays", browser.ask("document.querySelector('#findings li').id"), "stays")
    site.answer.findings = []
    check("the box goes with the last one", browser.wait("document.querySelector('#findings-box').hidden", True))
    check("no policy was violated by findings", browser.console, [])
    site.stop()


def test_links(browser):
    site = Site(some())
    for name in "postgres & co", "#?&=%/ü", HOSTILE:
        browser.open(site.url)
        at = browser.ask(NAMES).index(name) + 1
        browser.click(f"#groups tbody tr:nth-child({at}) a")
        check(f"a click opens {name}", browser.wait("document.querySelector('#name').textContent", name), name)
        browser.wait("document.querySelector('#one').hidden", False)
        browser.click("#periods button:nth-child(2)")
        browser.click("#group-kinds + div thead th:nth-child(4) button")
        browser.wait("document.querySelector('#tiles dt').textContent", "Minor")
        link, shown = browser.ask("location.href"), browser.ask(ONE)
        browser.open(link)
        browser.wait("document.querySelector('#one').hidden", False)
        check("its link opens the same", browser.ask(ONE), shown)
    check("its figures are the totals", text(browser, "#tiles dd"), "123k")
    check("sorted as in the link", browser.ask("document.querySelector('#group-kinds + div tbody bdi').textContent"),
          "cow")
    check("a mapping's name is text", browser.ask("document.querySelector('#panels b')"), None)
    check("of stalls it says what most were", "50 % at most 4.10 µs, 99 % at most 8.19 µs" in
          text(browser, "#group-stalls"))
    check("and which were longer than all bounds", text(browser, "#group-stalls + div tbody tr:last-child"), "longer1")
    check("no policy was violated", browser.console, [])
    browser.open(site.url + "#sort=denied")
    browser.click("#groups tbody a")
    browser.wait("document.querySelector('#one').hidden", False)
    browser.ask("history.back()")
    check("Back leads back", browser.wait("document.querySelector('#all').hidden", False), False)
    check("in the same order", browser.ask("location.hash"), "#sort=denied")
    browser.open(site.url + "#group=gone&sort=nonsense&period=x&y=z")
    check("a group that is gone is said to be", text(browser, "#about"), "This group no longer exists.")
    check("what a link has too much does no harm", browser.ask("view.sort + view.period"), "minorrecent")
    site.stop()


def test_keys(browser):
    site = Site(some())
    browser.open(site.url)
    browser.ask("document.querySelector('#groups .scroll').focus()")
    browser.press("Tab", 8)
    check("Tab goes to the columns and then to the first group", browser.ask(FOCUS), "postgres & co")
    browser.press("ArrowDown", 2)
    check("the arrow keys go to others", browser.ask(FOCUS), "ssh")
    browser.press("End")
    check("End to the last one", browser.ask(FOCUS), "#?&=%/ü")
    browser.press("ArrowDown")
    browser.press("Home")
    check("Home to the first one", browser.ask(FOCUS), "postgres & co")
    browser.press("ArrowDown")
    before = len(site.answer.asked)
    site.answer.groups[3]["minor"] = 1e6
    check("new figures come", browser.wait(MINOR + "[0]", "1.00M"), "1.00M")
    check("who has the focus keeps it", browser.ask(FOCUS), HOSTILE)
    check("one stop for all of them", browser.ask("document.querySelectorAll('#groups tbody [tabindex=\"0\"]').length"),
          1)
    browser.press("Enter")
    check("Enter opens", browser.wait("document.activeElement.id", "name"), "name")
    check("and leads to its name", browser.ask(FOCUS), HOSTILE)
    browser.press("Escape")
    check("Escape leads back to it", browser.wait("document.activeElement.tagName", "A") and browser.ask(FOCUS),
          HOSTILE)
    check("it had asked meanwhile", len(site.answer.asked) > before)
    site.stop()


def test_sizes(browser):
    site = Site(Daemon([]))
    browser.open(site.url)
    check("no group at all", text(browser, "#groups tbody"), "No group yet.")
    check("and no kind", text(browser, "#kinds tbody"), "No faults.")
    check("that is no trouble", browser.ask("failures") == 0 and browser.console == [])
    site.answer.groups = [group(f"program{i}", minor=i, resident=(2000 - i) << 20) for i in range(2000)]
    check("2,000 groups come", browser.wait(NAMES + "[0]", "program1999"), "program1999")
    check("a hundred of them are listed", len(browser.ask(NAMES)), 100)
    check("it says so", text(browser, "#groups-note"),
          "by comm, of the last 60 s: the first 100 by Minor/s of 2,000 groups")
    check("the rest has one line", text(browser, "#groups tfoot th"), "everything else (1,900 groups)")
    check("with its sum", browser.ask("document.querySelector('#groups tfoot td.number').dataset.value"),
          str(1900 * 1899 // 2))
    browser.click("#groups thead th:nth-child(7) button")
    check("sorted by another column, it is the first hundred by that", browser.wait(NAMES + "[0]", "program0"),
          "program0")
    browser.open(site.url + "#search=program77")
    check("a search finds those that are not listed", len(browser.ask(NAMES)), 11)
    site.answer.has_series = False
    browser.open(site.url + "#group=program7")
    check("a group without series says so", "--max-series" in text(browser, "#about"))
    check("and shows what there is", text(browser, "#tiles dd"), "7")
    site.stop()


def test_gone(browser):
    site = Site(some())
    port = site.server_port
    browser.open(site.url + "#search=s&sort=major")
    site.stop()
    check("a daemon that is gone is said to be",
          browser.wait("document.querySelector('#state').textContent.includes('faultmap cannot be reached; trying again')"))
    check("since when", "No figures since" in text(browser, "#state"))
    check("who cannot see it is told", "cannot be reached" in text(browser, "#announcement"))
    check("its last figures stay", browser.ask(NAMES)[0], "ssh")
    browser.click("#groups thead th:nth-child(1) button")
    check("and can be sorted", browser.ask(NAMES)[-1], "ssh")
    site = Site(some(), port)
    check("it comes back", browser.wait("document.querySelector('#state').className", ""), "")
    check("that is told, too", text(browser, "#announcement"), "Figures are up to date again")
    site.answer = lambda path, arguments: 503
    check("before the first tick it says so",
          browser.wait("document.querySelector('#state').textContent.includes('no tick yet')"))
    site.stop()


def main():
    with Browser() as browser:
        browser.look(1280, 800, "light")
        for test in test_lists, test_findings, test_links, test_keys, test_sizes, test_gone:
            browser.console.clear()
            test(browser)
            check(f"no error: {test.__name__}", browser.console, [])


main()
