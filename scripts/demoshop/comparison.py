# SPDX-License-Identifier: MIT
"""Manhattan's answers beside the oracle's."""
import json
from decimal import Decimal

from . import services
from .visitors import GIT, POPULATIONS, SHOP, SPLIT

GOALS = ["viewed page", "Added to Cart", "Order Placed"]
SITES = {None: "all sites", SHOP: "shop", GIT: "repositories"}


class Fault(Exception):
    """Manhattan did not take in what it was sent."""


def tallies(world):
    """What `manhattan-query status` counts by name."""
    answer = json.loads(world.query("--format", "json", "status"))
    return answer["tallies"]


def records_of(tally):
    return {kind: tally.get(f"record_{kind}", 0) for kind in ("page", "pixel", "goal", "split")}


def wait_until_counted(world, oracle):
    """Until the server has taken in as many records as there are, and its store too."""
    due, seen = oracle.tally(), {}

    def is_counted():
        nonlocal seen
        seen = records_of(tallies(world))
        return all(seen[kind] >= due[kind] for kind in seen)

    try:
        services.wait_for("all records counted", is_counted, world.check_alive)
    except services.Fault as fault:
        raise Fault(f"{fault}: sent {dict(due)}, counted {seen}") from None


class Table:
    """Rows of what, the driver's figure, Manhattan's figure."""

    def __init__(self):
        self.rows = []

    def add(self, what, due, got):
        self.rows.append((what, str(due), str(got), "" if due == got else "DIFFERENT"))

    def print(self):
        head = ("", "driver", "manhattan", "")
        widths = [max(len(row[i]) for row in [head, *self.rows]) for i in range(4)]
        for row in [head, *self.rows]:
            print(f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]}"
                  .rstrip())

    def is_equal(self):
        return not any(row[3] for row in self.rows)


def ask(world, *command):
    """The number that a count or value command answers."""
    return world.query("--format", "tsv", *command).split()[-1]


def at_site(site):
    return [] if site is None else ["--site", str(site)]


def add_records(table, oracle, tally):
    due, got = oracle.tally(), records_of(tally)
    for kind in got:
        table.add(f"records: {kind}", due[kind], got[kind])
    human, everyone = len(oracle.humans()), len(oracle.events)
    table.add("visitors who fetched the pixel", human, tally.get("visitor_human", 0))
    table.add("left out: visitors without it", everyone - human,
              tally.get("visitor_without_pixel", 0))


def add_goals(table, world, counts):
    for site, where in SITES.items():
        for goal in GOALS:
            due = counts.count("goal", goal, site)
            table.add(f"{goal}, {where}", due, int(ask(world, "count", goal, *at_site(site))))
    due = counts.value("goal", "Order Placed", None)
    table.add("value of Order Placed (sum)", due.normalize(),
              Decimal(ask(world, "value", "Order Placed")).normalize())
    added = counts.count("goal", "Added to Cart", None)
    average = counts.value("goal", "Added to Cart", None) / max(1, added)
    table.add("value of Added to Cart (average)", f"{average:.6f}",
              f"{Decimal(ask(world, 'value', 'Added to Cart')):.6f}")


def add_split(table, world, counts):
    for population in POPULATIONS:
        variant = ["--variant", f"{SPLIT}={population}"]
        table.add(f"{SPLIT}={population}: visitors", counts.count("split", SPLIT, population, None),
                  int(ask(world, "count", *variant)))
        for goal in GOALS:
            key = ("variant", SPLIT, population, goal, None)
            table.add(f"{SPLIT}={population}: {goal}", counts.count(*key),
                      int(ask(world, "count", goal, *variant)))
        key = ("variant", SPLIT, population, "Order Placed", None)
        table.add(f"{SPLIT}={population}: value of Order Placed", counts.value(*key).normalize(),
                  Decimal(ask(world, "value", "Order Placed", *variant)).normalize())


def show(world, oracle):
    """Prints the table and the split's results; whether all rows are equal."""
    table, counts, tally = Table(), oracle.count(), tallies(world)
    add_records(table, oracle, tally)
    add_goals(table, world, counts)
    add_split(table, world, counts)
    table.print()
    print()
    print(world.query("results", SPLIT, *GOALS[1:]))
    different = sum(bool(row[3]) for row in table.rows)
    print(f"{len(table.rows) - different} of {len(table.rows)} rows equal")
    return table.is_equal()
