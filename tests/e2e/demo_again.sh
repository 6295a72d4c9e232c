# SPDX-License-Identifier: MIT
# Sourced by demo_sqlite.sh: the demo's log in $copy, counted again.
cd "$copy" || exit 2
printf 'firefox\n' >robots
. "$scripts/../tests/e2e/rows.sh"
again() {
  what=$1 live=$2
  shift 2
  "$build/manhattan-replay" --config /dev/null log --url sqlite:///again.db "$@" 2>/dev/null
  if same "$live" again.db; then echo "ok - $what"; else echo "not ok - $what"; fi
  rm -f again.db
}
again "a store made again from the demo's log has the rows that it had" manhattan.db
"$build/manhattan-server" --config /dev/null --once --path log --url sqlite:///other.db $other_rules \
  --flush-every 37 2>/dev/null
again "with other rollups, goals, zone and robots it has those of a server with them" other.db $other_rules
cd / || exit 2
