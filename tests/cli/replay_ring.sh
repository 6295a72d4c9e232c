#!/bin/sh
# SPDX-License-Identifier: MIT
# manhattan-replay into a ring: as fast as it happened, and into rings that take no more.
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/../e2e/patience.sh"

cd "$tmp" || exit 2
play="manhattan-replay --config /dev/null --ring ring"
server="manhattan-server --config /dev/null --once --ring ring --ring-mib 1 --path drained --url sqlite:///db"
player=
trap '[ -z "$player" ] || kill -9 $player 2>/dev/null; rm -rf "$tmp"; [ "$failures" -eq 0 ] || exit 1' EXIT

run $server
printf '1\tpixel\t1.00\ta\t1\n1\tpixel\t1.02\tb\t1\n1\tpixel\t1.01\tc\t1\n' >log.0
run $play log --speed 2
[ "$code" -eq 0 ] && grep -q "wrote 3 records" err && run $server && cat drained.* | grep -c pixel | grep -qx 3
verdict "records go into the ring in their own time, and those that are late at once"

awk 'BEGIN { for (i = 0; i < 40000; i++) printf "1\tpixel\t%d\tvisitor-%d\t1\n", i, i }' >many.0
# plays_into_full: a player in the background, in `player`, that finds no room, for nobody drains.
plays_into_full() {
  $play many --speed max 2>player.err &
  player=$!
  becomes_true grep -q '^SigBlk:.*4002$' "/proc/$player/status" # it takes signals from here on
}
# ends_with PATTERN: the player fails and says so.
ends_with() {
  wait $player
  code=$?
  player=
  [ "$code" -eq 1 ] && grep -q -e "$1" player.err
}
plays_into_full && kill -TERM $player && ends_with "interrupted after [0-9]* records into the ring"
verdict "in front of a full ring it can be interrupted"
plays_into_full && mv ring old && ends_with "ring '.*' was replaced"
verdict "it does not wait for a ring that nobody drains any more"
cp old ring && plays_into_full && truncate -s 0 ring && ends_with "ring '.*' was cut short"
verdict "a ring that is cut short is named"

rm ring && run $server
head -c 16384 /dev/zero | tr '\0' '\377' | dd of=ring bs=4096 seek=1 conv=notrunc 2>/dev/null
refuses "a ring whose words make no sense is damaged" 3 "ring '.*' is damaged" $play log --speed max
rm ring && run $server
printf '1\tpage\t1\tv\t1\t\tGET\t/%070000d\t\t\n' 0 >long.0
run $play long
[ "$code" -eq 0 ] && grep -q "1 records are too long for a ring" err && grep -q "wrote 0 records" err
verdict "a record that no ring can hold is left out and told"
