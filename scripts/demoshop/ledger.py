# SPDX-License-Identifier: MIT
"""What visitors did while things broke, held against the text log.

What was answered is in the log once. A request without a whole answer may have left its records or
some of them, and never twice; the log decides, and the oracle takes that from it.
"""
import collections
import heapq
import pathlib
import subprocess
from decimal import Decimal

from .oracle import Oracle

KINDS = ("page", "pixel", "goal", "split")


def events_of(fields):
    """An event as the oracle has it, of a log's line."""
    kind, site = fields[1], int(fields[4])
    if kind == "goal":
        return kind, site, fields[5], Decimal(fields[6])
    return (kind, site, *fields[5:7]) if kind == "split" else (kind, site)


def text_of(path):
    """Of an hour of the log, compressed or not; nothing of what is a link, a folder or somebody else's."""
    if path.is_symlink() or not path.is_file():
        return ""
    if path.suffix != ".zst":
        return path.read_text("ascii", errors="replace")
    if "\n1\t" in "\n" + text_of(path.with_suffix("")):
        return ""  # compressed, and the plain file not removed yet
    return subprocess.run(["zstd", "-dcq", path], capture_output=True).stdout.decode("ascii", "replace")


def read_log(prefix):
    """Visitor -> events in the order in which they are counted, and the visitors of whom that is not the
    order of their times. A second reading of the format: manhattan-log(5)."""
    prefix = pathlib.Path(prefix)
    there = collections.defaultdict(lambda: collections.defaultdict(list))
    for path in prefix.parent.glob(f"{prefix.name}.*"):
        if not path.name.removeprefix(f"{prefix.name}.").removesuffix(".zst").isdigit():
            continue
        for line in text_of(path).splitlines():
            if line.startswith("1\t"):
                fields = line.split("\t")
                there[fields[3]][path].append((Decimal(fields[2]), events_of(fields)))
    events, disordered = {}, set()
    for visitor, hours in there.items():
        # A server whose clock steps goes from hour to hour in another order than that of their names.
        lines = list(heapq.merge(*hours.values(), key=lambda line: line[0]))
        if len(hours) > 1 or lines != sorted(lines, key=lambda line: line[0]):
            disordered.add(visitor)
        events[visitor] = [event for _, event in lines]
    return events, disordered


class Ledger(Oracle):
    """An oracle that knows whose last request nobody answered."""

    def __init__(self):
        super().__init__()
        self.unsure = set()  # visitors; each goes away after that request
        self.strangers = 0   # requests of visitors whom only an answer would have named
        self.faults = []

    def give_up(self, visitor):
        if visitor is None:
            self.strangers += 1
        else:
            self.unsure.add(visitor)

    def settle(self, log, disordered):
        """Compares with `log`, and takes from it what it alone can know: also the order of the records of
        those who came while the server's clock was not the writers'."""
        unknown = [v for v in log if v not in self.events and v not in self.unsure]
        if len(unknown) > self.strangers:
            self.faults.append(f"{len(unknown)} visitors in the log that nobody was, "
                               f"{self.strangers} at most")
        for visitor in {*log, *self.events}:
            self._settle_visitor(visitor, log.get(visitor, []), visitor in unknown,
                                 visitor in disordered)

    def _settle_visitor(self, visitor, logged, is_unknown, is_disordered):
        did, there = collections.Counter(self.events[visitor]), collections.Counter(logged)
        for event in (did - there).elements():
            self.faults.append(f"lost: {event} of {visitor}")
        surplus = there - did
        of_kind = collections.Counter(event[0] for event in surplus.elements())
        may_have = is_unknown or visitor in self.unsure
        if surplus and not (may_have and max(of_kind.values()) == 1):
            self.faults.append(f"too much: {dict(surplus)} of {visitor}")
        if surplus or is_disordered:
            self.events[visitor] = logged
