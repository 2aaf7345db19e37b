#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# Prints the libraries that a build of faultmap is linked with, as a software bill of materials: CycloneDX 1.5. The
# same build and SOURCE_DATE_EPOCH make the same bytes.
# usage: packaging/sbom.py PROGRAM VERSION COMPILER -lNAME... [--loaded -lNAME...] [--tools NAME...]
#   COMPILER with its --sysroot, as one argument; --loaded: libraries that the program opens when it needs them;
#   --tools: commands that made it. A program without shared libraries has the archives of -lNAME in it.

import datetime
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import urllib.parse
import uuid


def output(*command):
    """What a command prints; nothing if it fails or does not exist."""
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def os_release():
    with open("/etc/os-release", encoding="utf-8") as file:
        pairs = (line.rstrip("\n").split("=", 1) for line in file if "=" in line)
        return {name: value.strip('"') for name, value in pairs}


def debian_package(path):
    """Name, version and architecture of the package that owns a file. dpkg may know it by its path before /lib
    became a link to /usr/lib."""
    for name in (path, path.removeprefix("/usr")):
        owner = output("dpkg-query", "-S", name).split(": ")[0].split(",")[0]
        if owner:
            fields = "${Package}\t${Version}\t${Architecture}"
            return output("dpkg-query", "-W", "-f", fields, owner).split("\t")
    return None


def rpm_package(path):
    fields = output("rpm", "-qf", "--qf", r"%{NAME}\t%{VERSION}-%{RELEASE}\t%{ARCH}", path).split("\t")
    return fields if len(fields) == 3 else None


def package_of(path):
    """[name, version, architecture, kind of package] of a file, as the system's packages have it."""
    for kind, command, find in (("deb", "dpkg-query", debian_package), ("rpm", "rpm", rpm_package)):
        found = find(path) if shutil.which(command) else None
        if found:
            return found + [kind]
    return None


def purl(package, system):
    name, version, architecture, kind = package
    quote = urllib.parse.quote
    distro = f"{system.get('ID', 'linux')}-{system.get('VERSION_ID', system.get('VERSION_CODENAME', 'rolling'))}"
    return (f"pkg:{kind}/{system.get('ID', 'linux')}/{quote(name, safe='')}@{quote(version, safe='.-~')}"
            f"?arch={architecture}&distro={quote(distro, safe='.-')}")


def component(path, scope, system):
    """The package of a file; where no package owns it, the file under its own name."""
    package = package_of(os.path.realpath(path))
    if package is None:
        name = os.path.basename(path)
        return {"type": "library", "bom-ref": f"file:{name}", "name": name, "scope": scope}
    reference = purl(package, system)
    return {"type": "application" if scope == "excluded" else "library", "bom-ref": reference,
            "name": package[0], "version": package[1], "scope": scope, "purl": reference}


def file_of(compiler, name):
    """Where the linker finds a library: None if it does not."""
    path = output(*compiler, f"-print-file-name={name}")
    return path if os.path.isabs(path) and os.path.exists(path) else None


def linked_files(program, compiler, flags):
    """The shared libraries that the program names; of a static one, the archives."""
    names = re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-dW", program))
    if not names:
        names = sorted({f"lib{flag[2:]}.a" for flag in flags if flag.startswith("-l")} | {"libc.a"})
    found = {name: file_of(compiler, name) for name in names}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        sys.exit(f"sbom.py: {compiler[0]} does not find {' '.join(missing)}, which {program} was linked with")
    return found.values()


def take(arguments, mark):
    """Splits arguments at a flag: those before it, and those after."""
    at = arguments.index(mark) if mark in arguments else len(arguments)
    return arguments[:at], arguments[at + 1:]


def main():
    if len(sys.argv) < 4:
        sys.exit("usage: packaging/sbom.py PROGRAM VERSION COMPILER -lNAME... [--loaded -lNAME...] [--tools NAME...]")
    program, version, compiler = sys.argv[1], sys.argv[2], sys.argv[3].split()
    rest, tools = take(sys.argv[4:], "--tools")
    flags, loaded = take(rest, "--loaded")
    system = os_release()

    parts = {}
    wanted = [(path, "required") for path in linked_files(program, compiler, flags)]
    wanted += [(file_of(compiler, f"lib{flag[2:]}.so"), "optional") for flag in loaded if flag.startswith("-l")]
    wanted += [(shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin"), "excluded") for tool in tools]
    for path, scope in wanted:
        if path:
            part = component(path, scope, system)
            parts.setdefault(part["bom-ref"], part)
    parts = sorted(parts.values(), key=lambda part: (part["scope"], part["bom-ref"]))

    seconds = int(os.environ.get("SOURCE_DATE_EPOCH") or datetime.datetime.now().timestamp())
    machine = re.search(r"Machine: *(.*)", output("readelf", "-hW", program))
    reference = f"faultmap@{version}"
    bom = {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application", "bom-ref": reference, "name": "faultmap", "version": version,
                "licenses": [{"expression": "GPL-2.0-only AND (GPL-2.0-only OR BSD-2-Clause)"}],
                "properties": [{"name": "faultmap:machine",
                                "value": machine.group(1) if machine else platform.machine()}],
            },
        },
        "components": parts,
        "dependencies": [
            {"ref": reference, "dependsOn": sorted(part["bom-ref"] for part in parts if part["scope"] != "excluded")},
        ] + [{"ref": part["bom-ref"]} for part in parts],
    }
    bom["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(bom, sort_keys=True))}"
    print(json.dumps(bom, indent=2))


main()
