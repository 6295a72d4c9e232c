#!/bin/sh
# SPDX-License-Identifier: MIT
# A server that compresses and deletes its log: killed, restarted and rebuilt, the counts are the same.
# Usage: keep.sh BUILD_DIR
. "$(dirname "$0")/counted.sh"

serve="$serve --path $tmp/log --rollup day"

refuses "an unknown word for --compress is named" 2 "compress 'often'" \
  $serve --once --url sqlite:///db --compress often

mkdir plain && cp "$root"/tests/data/cases/3-full-2000/log.* plain && cp plain/log.* .
hours=$(ls log.*[0-9] | wc -l)
$replay plain/log --rollup day --url sqlite:///due.db 2>/dev/null
rows due.db >due
$serve --once --url sqlite:///db 2>/dev/null
[ "$(ls log.*.zst 2>/dev/null | wc -l)" -eq 0 ]
verdict "a log that others write stays as it is"

# Compressed beside counting, killed at any instant.
killed_again_and_again $serve --once --url sqlite:///killed.db --compress yes --flush-every 500 2>/dev/null
rows killed.db | diff - due >difference && [ $kills -gt 0 ]
verdict "killed again and again while it counts and compresses, it counts the same"
[ "$(ls log.*.zst | wc -l)" -eq $((hours - 1)) ] && [ "$(ls log.*[0-9] | wc -l)" -eq 1 ] && ! ls log.*.part 2>/dev/null
verdict "all hours but the newest are compressed, once"
for file in log.*.zst; do
  zstd -q -d -c "$file" | cmp - "plain/${file%.zst}" || echo differs
done >unlike
[ ! -s unlike ]
verdict "zstd reads what was written"
$replay log --rollup day --url sqlite:///again.db 2>/dev/null
rows again.db | diff - due >difference
verdict "a store made again from compressed hours has the same rows"

printf '1\tpixel\t1\tlate\t1\n' >>"$(ls log.*[0-9])"
$serve --once --url sqlite:///db --compress yes 2>/dev/null
[ "$(sqlite3 db "SELECT count FROM tally WHERE name = 'record_pixel'")" -eq \
  $(($(sqlite3 due.db "SELECT count FROM tally WHERE name = 'record_pixel'") + 1)) ]
verdict "a store that was counted from plain files goes on where it was"

# Deleted by age, by a server that stays; its status says so.
# Records of a day ago say that the clock is right.
yesterday=log.$(($(date +%s) / 3600 * 3600 - 30 * 3600))
printf '1\tpixel\t1\tlate\t1\n' >$yesterday
$serve --once --url sqlite:///db --compress yes 2>/dev/null
$serve --dry-run --url sqlite:///db --keep-days 1 >would
[ "$(wc -l <would)" -eq "$hours" ] && ! grep -q "$yesterday" would && [ "$(ls log.*[0-9zt] | wc -l)" -eq $((hours + 1)) ]
verdict "--dry-run prints what would be deleted, and deletes nothing"
$serve --url sqlite:///db --compress yes --keep-days 1 2>server.err &
server=$!
has_deleted_all() {
  manhattan-query --config /dev/null --connect "ipc://$tmp/query" status 2>/dev/null |
    grep -q "log_deleted *$hours"
}
becomes_true has_deleted_all
[ "$(ls log.*[0-9zt] | wc -l)" -eq 1 ]
verdict "hours that are too old are deleted while the server runs, and status counts them"
kill -TERM $server && wait $server
verdict "it ends when it is told"
server=
rows db >before
$serve --once --url sqlite:///db --compress yes --keep-days 1 2>/dev/null && rows db | diff - before >difference
verdict "and goes on without them"
for segment in plain/log.*; do
  for i in 1 2 3 4 5 6 7 8; do cat "$segment"; done >"${segment#plain/}"
done
[ "$(cat log.*[0-9] | wc -c)" -gt 1048576 ] && $serve --once --url sqlite:///other.db --keep-mib 1 2>/dev/null &&
  rows other.db | grep -q viewed && [ "$(cat log.*[0-9] | wc -c)" -le 1048576 ]
verdict "a log that is too large loses its oldest hours once they are counted"

# Addresses are masked in what is drained, and in what is kept of a log that others write.
address=192.0.2.77
mkdir masked
manhattan-server --config /dev/null --bind "ipc://$tmp/other" --path masked/log --ring ring \
  --url sqlite:///masked.db --anonymize 2>server.err &
server=$!
becomes_true [ -e ring ] && becomes_true [ -S other ]
for visitor in ann joe; do
  REMOTE_ADDR=$address manhattan-event --config /dev/null --ring ring --path masked/log --visitor $visitor page
done
manhattan-event --config /dev/null --ring ring --path masked/log --visitor - goal secret
kill -TERM $server && wait $server
server=
[ "$(cut -f 6 masked/log.* 2>/dev/null | grep -c '^192.0.2.0$')" -eq 2 ] && ! grep -aq "$address" masked/log.[0-9]* masked.db
verdict "--anonymize masks what is drained"
! grep -q secret masked/log.[0-9]*
verdict "nobody's records are not recorded"
MANHATTAN_ANONYMIZE=1 REMOTE_ADDR=$address manhattan-event --config /dev/null --ring none --path masked/own --visitor ann page &&
  grep -q '192.0.2.0' masked/own.* && ! grep -q "$address" masked/own.*
verdict "manhattan-event masks where the wrapper tells it to"
mkdir others
printf '1\tpage\t1\tann\t1\t%s\tGET\t/\t\t\n' $address >others/log.3600
manhattan-server --config /dev/null --once --path others/log --url sqlite:///others.db --rollup ip --anonymize 2>/dev/null
printf '1\tpixel\t2\tann\t1\n' >>others/log.3600
manhattan-server --config /dev/null --once --path others/log --url sqlite:///others.db --rollup ip --anonymize 2>/dev/null
[ "$(sqlite3 others.db "SELECT bucket_id FROM conversion_counts WHERE rollup_key = 'ip'")" = 192.0.2.0 ] &&
  grep -q $address others/log.3600 && ! grep -aq $address others.db
verdict "--anonymize masks what is counted and kept of others' logs"
