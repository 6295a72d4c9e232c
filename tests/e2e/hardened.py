#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What was built is hardened, and the libraries show what they promise and nothing else.

Usage: tests/e2e/hardened.py BUILD_DIR
"""
import os
import pathlib
import platform
import re
import subprocess
import sys

failures = 0


def check(sentence, is_so, *details):
    global failures
    failures += not is_so
    print(("ok - " if is_so else "not ok - ") + sentence, *(() if is_so else details), flush=True)


def readelf(path, *options):
    return subprocess.run(["readelf", "-W", *options, path], capture_output=True, text=True,
                          check=True).stdout


def symbols(path):
    """What it calls, whether that is in a library or, linked statically, in itself."""
    return set(re.findall(r"(\w+)(?:@\S+)?(?: \(\d+\))?$", readelf(path, "-s"), re.MULTILINE))


def exports(path):
    """(name, version) of each symbol that others can link to."""
    lines = subprocess.run(["nm", "-DC", "--defined-only", "--with-symbol-versions", path],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split(None, 2)[2] for line in lines]


def check_file(path):
    header, segments, dynamic = (readelf(path, option) for option in ("-h", "-l", "-d"))
    check(f"{path.name} can be loaded anywhere", re.search(r"Type: +DYN", header), header)
    check(f"{path.name} has its tables read-only", "GNU_RELRO" in segments and "NOW" in dynamic, dynamic)
    check(f"{path.name} runs nothing on its stack",
          re.search(r"GNU_STACK .* RW +0x", segments), segments)
    check(f"{path.name} looks for libraries nowhere of its own", "PATH)" not in dynamic, dynamic)
    names = symbols(path)
    check(f"{path.name} guards its stack", "__stack_chk_fail" in names)
    return any(name.endswith("_chk") and name != "__stack_chk_fail" for name in names)


def check_objects(build):
    """A program bears the mark only where the C library's own objects do."""
    objects = [path for room in ("lib", "bin") for path in (build / room).rglob("*.o")]
    marked = [path for path in objects if re.search("IBT.*SHSTK", readelf(path, "-n"))]
    check("every object is made for control flow protection", objects and marked == objects,
          set(objects) - set(marked))


def check_library(path):
    names = exports(path)
    foreign = [name for name in names
               if not re.match(r"(manhattan_|manhattan::|(vtable|typeinfo|typeinfo name) for manhattan::"
                               r"|MANHATTAN_1\b)", name)]
    check(f"{path.name} shows nothing of others", names and not foreign, foreign[:10])
    bare = [name for name in names if not name.endswith("MANHATTAN_1")]
    check(f"{path.name} has a version for each symbol", not bare, bare[:10])


def main():
    if os.environ.get("SAN"):
        print("ok - a build with sanitizers is not hardened")
        return
    build = pathlib.Path(sys.argv[1])
    programs = sorted(path for path in build.glob("manhattan-*") if not path.suffix)
    libraries = sorted(build.glob("*.so.1"))
    fortified = [check_file(path) for path in programs + libraries]
    if platform.machine() == "x86_64":
        check_objects(build)
    # Not each has a call that can be checked.
    check("calls that copy are checked", any(fortified))
    for path in libraries:
        check_library(path)
    sys.exit(failures > 0)


main()
