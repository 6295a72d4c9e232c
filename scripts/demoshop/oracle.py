# SPDX-License-Identifier: MIT
"""What a correct Manhattan must answer, from what the driver itself saw and did.

It shares no code with Manhattan: a second, naive reading of the rules (docs: manhattan(7)).
"""
import random
from collections import defaultdict
from decimal import Decimal

ALL_SITES = None


def population_of(visitor, split, populations):
    """The population every part of Manhattan must choose: CPython's generator, seeded alike."""
    seed = int.from_bytes((visitor + split).encode(), "big")
    return populations[int(random.Random(seed).random() * len(populations))]


class Counts:
    """Visitors and values, each by whatever key names them."""

    def __init__(self):
        self.visitors = defaultdict(set)
        self.values = defaultdict(Decimal)

    def hit(self, key, visitor, value=Decimal(0)):
        self.visitors[key].add(visitor)
        self.values[key] += value

    def count(self, *key):
        return len(self.visitors[key])

    def value(self, *key):
        return self.values[key]


class Oracle:
    """Takes each visitor's events in order; counts those of visitors who fetched the pixel."""

    def __init__(self):
        self.events = defaultdict(list)
        self.records = defaultdict(int)

    def add(self, visitor, kind, site, *details):
        """One record: list.append is atomic, and a visitor is driven by one thread."""
        self.events[visitor].append((kind, site, *details))

    def tally(self):
        """Kind of record -> how many, of humans and bots alike."""
        kinds = defaultdict(int)
        for events in self.events.values():
            for kind, *_ in events:
                kinds[kind] += 1
        return kinds

    def humans(self):
        return {v for v, events in self.events.items() if any(e[0] == "pixel" for e in events)}

    def count(self):
        """Counts by ("goal", name, site), ("split", test, population, site) and
        ("variant", test, population, goal, site)."""
        counts = Counts()
        for visitor in self.humans():
            self._count_visitor(visitor, counts)
        return counts

    def _count_visitor(self, visitor, counts):
        shown = set()
        for kind, site, *details in self.events[visitor]:
            if kind == "split":
                shown.add(tuple(details))
                for where in (site, ALL_SITES):
                    counts.hit(("split", *details, where), visitor)
                continue
            if kind == "pixel":
                continue
            name, value = ("viewed page", Decimal(0)) if kind == "page" else details
            for where in (site, ALL_SITES):
                counts.hit(("goal", name, where), visitor, value)
                for variant in shown:
                    counts.hit(("variant", *variant, name, where), visitor, value)
