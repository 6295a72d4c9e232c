# SPDX-License-Identifier: MIT
# Sourced by tests that hold SQLite stores against each other.

# counted STORE: all counters, in a fixed order.
counted() {
  for table in conversion_counts impression_counts variant_conversion_counts; do
    sqlite3 "$1" "SELECT '$table', * FROM $table" | sort
  done
}
# rows STORE: counters, and what became of records.
rows() {
  counted "$1"
  sqlite3 "$1" "SELECT * FROM tally" | sort
}
# same STORE STORE: neither is empty, and nothing differs.
same() {
  rows "$1" >one && rows "$2" >two && [ "$(wc -l <one)" -gt 10 ] && diff one two >difference
}
# Other rollups, goals, zone and robots than a server has that is told nothing.
other_rules="--rollup hour --rollup week --rollup host=referrer --rollup net=ip:/16 --timezone Asia/Tokyo
  --complex Bought|viewed|left --complex Both|viewed,bought --robots $PWD/robots"
