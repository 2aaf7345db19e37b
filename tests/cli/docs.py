#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Prints what is wrong with Markdown files and manual pages, a line each: FILE: what.

links: In Markdown, a link's file and heading and each path of this tree in `code` must exist; an address
must begin with https://. In manual pages, .Xr and .Sx must lead somewhere.
width: Prose of Markdown has at most 100 columns: not tables, code and what a program has put between
<!-- NAME --> and <!-- NAME end -->.
usage: docs.py links|width FILE...       from the root of the tree
"""

import glob
import os
import re
import sys

COLUMNS = 100
# Pages of others that ours may name.
FOREIGN = {
    "capabilities 7", "execve 2", "getrusage 2", "jq 1", "mlock 2", "mmap 2", "mremap 2", "munmap 2",
    "proc 5", "ps 1", "systemctl 1",
}
PATH = re.compile(r"^\.?(?:src|bpf|vmlinux|tests|packaging|ci|github)/[\w./*?{},-]+$")


def without_code(text):
    """The text with fenced blocks emptied, so that line numbers stay."""
    return re.sub(r"^```.*?^```", lambda m: "\n" * m.group().count("\n"), text, flags=re.M | re.S)


def anchors(path):
    """The headings of a Markdown file as GitHub calls them."""
    found = set()
    for title in re.findall(r"^#+ +(.*)$", without_code(open(path).read()), flags=re.M):
        title = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title.strip().lower())
        found.add(re.sub(r"[^\w\- ]", "", title).replace(" ", "-"))
    return found


def expand(path):
    """a{b,c} as the shell has it, innermost first."""
    match = re.search(r"\{([^{}]*)\}", path)
    if not match:
        return [path]
    return [p for part in match.group(1).split(",")
            for p in expand(path[:match.start()] + part + path[match.end():])]


def check_link(path, target):
    if re.match(r"[a-z]+:", target):
        return None if target.startswith("https://") else f"{target} is no https:// address"
    file, _, anchor = target.partition("#")
    file = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
    if not os.path.exists(file):
        return f"{target}: there is no {file}"
    if anchor and anchor not in anchors(file):
        return f"{target}: {file} has no such heading"
    return None


def check_markdown(path):
    prose = without_code(open(path).read())
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        yield check_link(path, target)
    for code in re.findall(r"`([^`\n]+)`", prose):
        if PATH.match(code) and not re.search(r"[A-Z]{3}", re.sub(r"README|CHANGELOG|CONTRIBUTING", "", code)):
            for one in expand(code):
                if not glob.glob(one) and not glob.glob(os.path.join(os.path.dirname(path), one)):
                    yield f"`{code}`: there is no {one}"


def can_be_broken(line):
    """A space is left that is not in `code`."""
    return " " in re.sub(r"`[^`]*`", "", line).strip()


def check_width(path):
    made = False
    for number, line in enumerate(without_code(open(path).read()).split("\n"), 1):
        if line.startswith("<!-- "):
            made = "end -->" not in line
        if len(line) > COLUMNS and not made and not line.startswith("|") and can_be_broken(line):
            yield f"line {number} has {len(line)} columns"


def check_manual(path):
    ours = {os.path.basename(p).replace(".", " ").replace("faultmap conf", "faultmap.conf")
            for p in glob.glob("packaging/man/*")}
    text = open(path).read()
    titles = set(re.findall(r"^\.S[hs] (.*)$", text, flags=re.M))
    for name in re.findall(r"^\.(?:.* )?Xr (\S+ \S+)", text, flags=re.M):
        if name not in ours and name not in FOREIGN:
            yield f"there is no page {name}"
    for title in re.findall(r"^\.(?:.* )?Sx (.*?)(?: [.,;:])*$", text, flags=re.M):
        if title not in titles:
            yield f"there is no section {title}"


for path in sys.argv[2:]:
    if sys.argv[1] == "width":
        check = check_width
    else:
        check = check_markdown if path.endswith(".md") else check_manual
    for complaint in filter(None, check(path)):
        print(f"{path}: {complaint}")
