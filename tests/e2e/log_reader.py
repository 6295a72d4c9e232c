# SPDX-License-Identifier: MIT
"""A reader of the text log, written from man/manhattan-log.5 and from nothing else.

It is here to hold that page against our programs, see log_page.py: whatever the two read differently
is a fault of the page or of the programs. Whoever changes it looks at the page only. Python's
standard library, and zstd for .zst files.

Usage: tests/e2e/log_reader.py PREFIX prints each record, and why a line is none.
"""
import json
import pathlib
import re
import struct
import subprocess
import sys
import zlib
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal

LONGEST_LINE_BYTES = 1048576
FARTHEST_S = 9000000000
HOUR_S = 3600
SEARCHED_BYTES = 16777216
MAGIC = {".gz": b"\x1f\x8b", ".zst": b"\x28\xb5\x2f\xfd"}
LARGEST_SITE = 2147483647
TOO_LARGE = 5 * Decimal(10) ** 28
VALUE_PLACES = Decimal(1).scaleb(-9)

# The fields behind TIME, VISITOR and SITE, as EXAMPLE names them in JSON.
FIELDS = {
    b"page": ["ip", "method", "url", "user_agent", "referrer", "status", "duration_us",
              "response_bytes", "headers"],
    b"pixel": [],
    b"goal": ["name", "value", "type", "format"],
    b"split": ["name", "population"],
}
NUMBERS = {"status", "duration_us", "response_bytes"}
CHOICES = {"type": b"RASI", "format": b"NCP"}

HEX = "[0-9a-fA-F]"
ESCAPE = re.compile(rf"\\(?:([0-7]{{1,3}})|x({HEX}{{2}})|u({HEX}{{4}})|U({HEX}{{8}})|([^xuU])|)")
CHARACTERS = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\", "a": "\a", "b": "\b", "f": "\f",
              "v": "\v", "'": "'", '"': '"'}
DECIMAL = re.compile(rb"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[eE]([+-]?[0-9]+))?")
EXACTLY = Context(prec=60, Emin=MIN_EMIN, Emax=MAX_EMAX)
FARTHEST_EXPONENT = 10 ** 9  # more than any line has digits
INTEGER = re.compile(rb"-?[0-9]+")
BLANKS = bytes([9, 10, 11, 12, 13, 32])


class NoRecord(Exception):
    """A line that is no record; its text is the reason."""


def character(number):
    """The character of a code point: a surrogate is U+FFFD."""
    if number > 0x10FFFF:
        raise NoRecord("bad_escape")
    return "\ufffd" if 0xD800 <= number <= 0xDFFF else chr(number)


def unescaped(field):
    """The text of a field's bytes."""
    def replace(match):
        octal, two, four, eight, other = match.groups()
        if octal:
            return character(int(octal, 8))
        if other:
            return CHARACTERS.get(other, match.group())
        if not (two or four or eight):
            raise NoRecord("bad_escape")
        return character(int(two or four or eight, 16))
    return ESCAPE.sub(replace, field.decode("latin-1"))


def decimal(field):
    """The decimal number of a field; None if it is none or too large to be a value."""
    number = DECIMAL.fullmatch(field.strip(BLANKS))
    if not number:
        return None
    exponent = Decimal((number[2] or b"0").decode())
    exponent = int(max(-FARTHEST_EXPONENT, min(FARTHEST_EXPONENT, exponent)))
    exact = Decimal(f"{number[1].decode()}e{exponent}")
    if exact and exact.adjusted() >= TOO_LARGE.adjusted() + 1:
        return None
    rounded = exact.quantize(VALUE_PLACES, ROUND_HALF_EVEN, EXACTLY)
    return rounded if rounded.copy_abs() < TOO_LARGE else None  # abs() would round


def integer(field, least, most):
    """The integer of a field; None if it is none within these bounds."""
    if not INTEGER.fullmatch(field):
        return None
    number = Decimal(field.decode())  # int() refuses thousands of digits
    return int(number) if least <= number <= most else None


def time_of(field):
    time = decimal(field)
    if time is None or time.copy_abs() > FARTHEST_S:
        raise NoRecord("bad_timestamp")
    return time


def site_of(field):
    site = integer(field.strip(BLANKS), 0, LARGEST_SITE)
    if site is None:
        raise NoRecord("bad_site")
    return site


def value_of(field):
    """A goal's value, or None where it has none."""
    value = decimal(field)
    if value is None and field.strip(BLANKS):
        raise NoRecord("bad_value")
    return value


def field_of(name, field):
    """What a field says; None or empty where it says nothing."""
    if name in NUMBERS:
        return integer(field, -2**63, 2**63 - 1)
    if name in CHOICES:
        return field.decode() if len(field) == 1 and field in CHOICES[name] else None
    return unescaped(field)


def decoded(line):
    """The record of a line without its newline; raises NoRecord with the reason."""
    fields = line.rstrip(b"\r").split(b"\t")
    version, kind, time, visitor, site, *rest = fields + [b""] * (5 - len(fields))
    if re.fullmatch(b"#+", version):
        raise NoRecord("forgotten")
    if version != b"1":
        raise NoRecord("bad_version")
    if kind not in FIELDS:
        raise NoRecord("bad_kind")
    if kind == b"pixel" and time == b"0" and re.fullmatch(b"#+", visitor):
        raise NoRecord("forgotten")
    record = {"time": time_of(time), "kind": kind.decode()}
    if not visitor:
        raise NoRecord("bad_visitor")
    record["site"] = site_of(site)
    record["visitor"] = unescaped(visitor)
    given = dict(zip(FIELDS[kind], rest + [b""] * len(FIELDS[kind])))
    record.update((name, field_of(name, field)) for name, field in given.items() if name != "value")
    if record.get("name") == "":
        raise NoRecord("missing_field")
    if "value" in given:
        record["value"] = value_of(given["value"])
    return {name: said for name, said in record.items() if said not in (None, "")}


def lines(content):
    """Of a file's bytes: (offset, length with the newline, record or reason) of each line.

    What stands behind the last newline is no record yet: its reason is `torn`.
    """
    begin = 0
    while begin < len(content):
        newline = content.find(b"\n", begin, begin + LONGEST_LINE_BYTES)
        end = newline + 1 if newline >= 0 else min(len(content), begin + LONGEST_LINE_BYTES)
        try:
            if newline < 0:
                raise NoRecord("too_long" if end - begin == LONGEST_LINE_BYTES else "torn")
            what = decoded(content[begin:newline])
        except NoRecord as reason:
            what = str(reason)
        yield begin, end - begin, what
        begin = end


def gunzipped(content):
    """What the members of a gzip file hold, as far as it can be decompressed."""
    plain = b""
    while content:
        member = zlib.decompressobj(wbits=31)
        try:
            plain += member.decompress(content)
        except zlib.error:
            break
        content = member.unused_data
    return plain


def plain_bytes(path):
    """All of a file, decompressed if it has to be."""
    if path.suffix == ".gz":
        return gunzipped(path.read_bytes())
    if path.suffix == ".zst":
        return subprocess.run(["zstd", "-dcq", path], stdout=subprocess.PIPE, check=False).stdout
    return path.read_bytes()


def said_size(path):
    """How large the plain file of a .zst is, as far as it says so itself."""
    content = path.read_bytes()
    magic, length, letters, plain, before = struct.unpack("<II8sQQ", content[-32:].rjust(32, b"\0"))
    is_ours = (magic, length, letters) == (0x184D2A50, 24, b"MTHPLAIN")
    return plain if is_ours and before == len(content) - 32 else None


def is_of_log(path):
    """Whether a file of the right name is of the log."""
    if path.is_symlink() or not path.is_file() or not path.read_bytes().startswith(MAGIC.get(path.suffix, b"")):
        return False
    head = plain_bytes(path)[:SEARCHED_BYTES]
    return any(isinstance(what, dict) or what == "forgotten" for _, _, what in lines(head))


def segments(prefix):
    """The files of a log in the order of their hours, as (hour, file to read)."""
    prefix = pathlib.Path(prefix)
    found = {}
    for path in prefix.parent.iterdir():
        name = re.fullmatch(re.escape(prefix.name) + r"\.(0|[1-9][0-9]*)(\.gz|\.zst)?", path.name)
        if name and int(name[1]) % HOUR_S == 0 and int(name[1]) <= FARTHEST_S:
            found.setdefault(int(name[1]), {})[name[2] or ""] = path
    chosen = [(hour, files[min(files)]) for hour, files in sorted(found.items())]  # "", .gz, .zst
    return [(hour, path) for hour, path in chosen if is_of_log(path)]


def unsettled(prefix):
    """From which hour and offset on a server may still take back what it wrote; None: from none."""
    try:
        lock = pathlib.Path(f"{prefix}.lock").read_bytes()
    except FileNotFoundError:
        return None
    if len(lock) < 8192 or not lock.startswith(b"MTHJRNL1"):
        return None
    done, begun = struct.unpack_from("=QQ", lock, 8)
    return struct.unpack_from("=qQ", lock, 1720 if begun % 2 else 856) if done != begun else None


def records(prefix):
    """(file, offset, length, record or reason) of each line of a log, in order, as far as settled."""
    end = unsettled(prefix)
    for hour, path in segments(prefix):
        for offset, length, what in lines(plain_bytes(path)):
            if end and (hour, offset) >= end:
                return
            yield path, offset, length, what


if __name__ == "__main__":
    for file, place, _, said in records(sys.argv[1]):
        if isinstance(said, dict):
            print(json.dumps(said, default=str))
        else:
            print(f"{file}:{place}: {said}", file=sys.stderr)
