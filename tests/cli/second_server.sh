#!/bin/sh
# SPDX-License-Identifier: MIT
# Two servers at one ring, one log or one store: the second is refused, and the first goes on.
. "$(dirname "$0")/expect.sh"

first_server() {
  manhattan-server --config /dev/null --bind "ipc://$tmp/first" --ring "$tmp/ring" \
    --path "$tmp/log" --url "sqlite:///$tmp/store.db" 2>"$tmp/first.log" &
  first=$!
}
ask() {
  manhattan-query --config /dev/null --connect "ipc://$tmp/first" --wait "${PATIENCE_S:-60}000" "$@"
}
second="manhattan-server --config /dev/null --bind ipc://$tmp/second"

first_server
trap 'kill "$first" 2>/dev/null; rm -rf "$tmp"; [ "$failures" -eq 0 ] || exit 1' EXIT
ask status >"$tmp/status"
verdict "the first server answers"

refuses "a second one at the same ring is refused" 2 "ring '$tmp/ring' is already drained" \
  $second --ring "$tmp/ring" --path "$tmp/other" --url "sqlite:///$tmp/other.db"
refuses "a second one that writes the same log is refused, and told by whom it is written" 2 \
  "log '$tmp/log' is already written by process $first" \
  $second --ring "$tmp/ring2" --path "$tmp/log" --url "sqlite:///$tmp/other.db"
refuses "a second one that counts another log into the store is refused" 2 \
  "was counted with log '$tmp/log'" \
  $second --ring "$tmp/ring2" --path "$tmp/other" --url "sqlite:///$tmp/store.db"
refuses "the same for one that counts once" 2 "was counted with log '$tmp/log'" \
  $second --once --path "$tmp/other" --url "sqlite:///$tmp/store.db"

[ ! -e "$tmp/other.db" ]
verdict "and no store is made"

record="manhattan-event --config /dev/null --ring $tmp/ring --path $tmp/log --visitor ann"
$record page && $record pixel && $record goal bought
kill "$first" && wait "$first"
verdict "the first one goes on, and ends as it should"
first_server
[ "$(ask count bought)" = 1 ]
verdict "with what was recorded counted once"
refuses "a replay of the same log into the store is refused" 2 "another program counts into it" \
  manhattan-replay --config /dev/null "$tmp/log" --url "sqlite:///$tmp/store.db"
refuses "and one that forgets" 2 "already written by process $first" manhattan-replay --config /dev/null \
  "$tmp/log" --forget 0123456789012345678901234567890123456789 --url "sqlite:///$tmp/store.db"
