#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/expect.sh"

log="manhattan-log --config /dev/null --ring $tmp/ring"
refuses "a ring that is not there is named" 1 "$tmp/ring" $log
printf 'MANHATTAN of another time' >"$tmp/foreign"
refuses "what is no ring is named" 2 "foreign" manhattan-log --config /dev/null --ring "$tmp/foreign"
refuses "an unknown kind is named" 2 "click" $log --kind click
refuses "a site that is no number is named" 2 "example.com" $log --site example.com
refuses "an unknown format is named" 2 "tsv" $log --format tsv

start_server() {
  manhattan-server --config /dev/null --ring "$tmp/ring" --ring-mib 1 --path "$tmp/log" \
    --url "sqlite:///$tmp/store" --bind "ipc://$tmp/query" >>"$tmp/server" 2>&1 &
  server=$!
}
event() {
  manhattan-event --config /dev/null --ring "$tmp/ring" --path "$tmp/log" "$@"
}
# until_has FILE PATTERN EVENT...: records the event until FILE has PATTERN, at most PATIENCE_S.
until_has() {
  file=$1 pattern=$2 end=$(($(date +%s) + ${PATIENCE_S:-60}))
  shift 2
  until grep -q -e "$pattern" "$file" 2>/dev/null || [ "$(date +%s)" -gt "$end" ]; do
    [ $# -eq 0 ] || event "$@"
  done
  grep -q -e "$pattern" "$file"
}
trap 'kill $server $text $object 2>/dev/null; rm -rf "$tmp"; [ "$failures" -eq 0 ] || exit 1' EXIT

start_server
until [ -e "$tmp/ring" ] || ! kill -0 $server; do :; done
$log --kind goal --site 3 >"$tmp/text" 2>"$tmp/text.err" &
text=$!
$log --visitor v2 --format json >"$tmp/object" 2>"$tmp/object.err" &
object=$!
until_has "$tmp/text" "^1	goal	[0-9.]*	v1	3	Tick	2	S	$" \
  --visitor v1 --site 3 goal Tick --value 2 --type S
verdict "a goal is shown as it comes, as its line of the log"
until_has "$tmp/object" '"kind": "pixel", "visitor": "v2", "site": 3}$' --visitor v2 --site 3 pixel
verdict "a pixel is shown as an object"
event --visitor v1 --site 3 pixel
event --visitor v1 --site 4 goal Other
event --visitor v1 --site 3 goal Last
until_has "$tmp/text" "Last"
! grep -q "pixel\|Other" "$tmp/text"
verdict "other kinds and sites are left out"
! grep -q v1 "$tmp/object"
verdict "other visitors are left out"

# Somebody takes the ring away: the server makes another, and the observer goes on with it.
mv "$tmp/ring" "$tmp/old"
until_has "$tmp/text" "Afterwards" --visitor v1 --site 3 goal Afterwards
verdict "a ring that takes the place of the first is watched as well"

# One that sleeps while a server moves more than the ring holds has missed some, and says how many.
kill -STOP $text
awk 'BEGIN { for (i = 0; i < 60000; i++) printf "1\tgoal\t%d\tv1\t3\tMany\n", i }' >"$tmp/many.0"
manhattan-replay --config /dev/null "$tmp/many" --ring "$tmp/ring" --speed max >/dev/null 2>&1
kill -CONT $text
until_has "$tmp/text" "Awake" --visitor v1 --site 3 goal Awake && grep -q "overrun: up to [1-9]" "$tmp/text.err"
verdict "what it has missed is told"

# ThreadSanitizer's runtime can't be left by the fault that this is.
if [ "${SAN:-}" != thread ]; then
  kill $server && wait $server
  truncate -s 0 "$tmp/ring"
  until_has "$tmp/text.err" "was cut short; waiting for another"
  verdict "a ring that is cut short is of no more use"
  rm "$tmp/ring"
  start_server
  until_has "$tmp/text" "Again" --visitor v1 --site 3 goal Again
  verdict "and its observer goes on with the next"
fi

kill -INT $text && kill -TERM $object
wait $text
[ $? -eq 0 ]
verdict "SIGINT ends it with 0"
wait $object
[ $? -eq 0 ]
verdict "SIGTERM ends it with 0"
kill $server
wait $server
