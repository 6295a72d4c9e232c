#!/bin/sh
# SPDX-License-Identifier: MIT
# manhattan-replay against live aggregation: the same log, the same rows, however it got there.
# Usage: replay.sh BUILD_DIR
. "$(dirname "$0")/counted.sh"

rules="--rollup day --rollup pst_week=week:America/Los_Angeles --complex Checked|viewed,bought|left"

printf '# No browser of the vectors is left out by this.\nfirefox/3\n' >robots
for vector in "$root"/tests/data/cases/*; do
  name=${vector##*/}
  mkdir "$name" && cp "$vector"/log.* "$name"
  $serve --once --path "$name/log" --url "sqlite:///$name/live.db" $rules 2>/dev/null
  $replay "$name/log" --url "sqlite:///$name/again.db" $rules 2>/dev/null
  same "$name/live.db" "$name/again.db"
  verdict "$name: a rebuilt store has the rows of live aggregation"
  $serve --once --path "$name/log" --url "sqlite:///$name/other.db" $other_rules --flush-every 37 2>/dev/null
  $replay "$name/log" --url "sqlite:///$name/rebuilt.db" $other_rules 2>/dev/null
  same "$name/other.db" "$name/rebuilt.db" && ! same "$name/live.db" "$name/other.db"
  verdict "$name: with other rollups, goals, zone and robots as well"
done

log=3-full-2000/log
run $replay $log --url sqlite:///3-full-2000/again.db $rules
[ "$code" -eq 0 ] && grep -q "nothing changed" "$tmp/err" && same 3-full-2000/live.db 3-full-2000/again.db
verdict "run twice, it says so and changes nothing"
refuses "another rollup is refused by a store that has no past for it" 2 "without rollup month" \
  $replay $log --url sqlite:///3-full-2000/again.db $rules --rollup month
refuses "a filter is refused by a store without it" 2 "was counted with log" \
  $replay $log --url sqlite:///3-full-2000/again.db $rules --site 1
refuses "a log that is not there is named" 2 "absent.*<hour>" $replay absent --url sqlite:///absent.db
[ ! -e absent.db ]
verdict "and no store is made"

cp -r 3-full-2000 packed && rm packed/*.db
number=0
for segment in packed/log.*; do
  number=$((number + 1))
  case $((number % 3)) in
    0) gzip "$segment" ;;
    1) zstd -q --rm "$segment" ;;
  esac
done
$replay packed/log --url sqlite:///packed.db $rules 2>/dev/null
same 3-full-2000/live.db packed.db
verdict "gzip and zstd files are read as they are"
$replay packed/log >unpacked && $replay $log | cmp -s - unpacked
verdict "and printed as they are"

# One log as three hosts would have written it.
mkdir hosts
for segment in 3-full-2000/log.*; do
  awk -F '\t' -v hour="${segment##*.}" '{ print > ("hosts/" substr($4, 1, 1) % 3 "." hour) }' "$segment"
done
$replay hosts/0 hosts/1 hosts/2 --url sqlite:///hosts.db $rules 2>/dev/null
same 3-full-2000/live.db hosts.db
verdict "several logs are counted as one"

# A log long enough to be killed in.
mkdir long
for i in 1 2 3 4 5 6 7 8; do
  for segment in 3-full-2000/log.*; do
    sed "s/\t\([0-9a-f]\{39\}\)[0-9a-f]\t/\t\1$i\t/" "$segment"
  done >"long/log.$((3600 * i))"
done
$serve --once --path long/log --url sqlite:///live.db $rules 2>/dev/null
killed_again_and_again $replay long/log --url sqlite:///killed.db $rules --flush-every 500 >/dev/null 2>err
[ "$kills" -gt 0 ] && same live.db killed.db
verdict "killed again and again, and resumed, it counts the same"
$replay long/log --url sqlite:///stopped.db $rules --flush-every 500 2>err & replayer=$!
becomes_true grep -q '^SigBlk:.*4002$' /proc/$replayer/status # from here on it does not just die
kill -INT $replayer 2>/dev/null
wait $replayer
$replay long/log --url sqlite:///stopped.db $rules 2>err
same live.db stopped.db
verdict "interrupted and resumed, it counts the same"

# Rebuilding beside a running server, and switching over.
mkdir moving
$serve --ring ring --path moving/log --url sqlite:///old.db 2>server.err &
server=$!
becomes_true [ -S query ] && becomes_true [ -e ring ]
$replay 2-full-500/log --ring ring --speed max 2>err & writer=$!
$replay moving/log --url sqlite:///new.db $rules 2>beside.err ||
  $replay moving/log --url sqlite:///new.db $rules 2>>beside.err
$replay moving/log --url sqlite:///new.db $rules 2>>beside.err
wait $writer
verdict "a log goes into a ring as live traffic"
kill -TERM $server && wait $server
server=
$serve --once --ring ring --path moving/log --url sqlite:///new.db $rules 2>server.err
same 2-full-500/live.db new.db
verdict "a store rebuilt beside a running server and taken over by it has every record once"

prints "--check finds nothing wrong with a log of the original" "	read	0	" $replay 2-full-500/log --check
mkdir bad
printf '1\tpixel\t1\ta\t1\n1\tgoal\t1\ta\t1\tx\t1,50\n1\tpixel\t2\ta\t1' >bad/log.3600
printf '1\tpixel\t1\ta\t1\n' >bad/log.14400
zstd -q bad/log.14400 -o bad/log.18000.zst && truncate -s -3 bad/log.18000.zst
cp bad/log.14400 bad/log.14400.zst
run $replay bad/log --check
sed "s|$tmp/||g" out >found
cat >due <<EOF
bad/log.3600	damaged	14	20	bad_value
bad/log.3600	torn	34	13	no newline
bad/log.3600	read	0	34	1 records
bad/log.7200	gap	0	0	2 hours
bad/log.14400.zst	ignored	0	0	'bad/log.14400' is read
bad/log.14400	read	0	14	1 records
EOF
[ "$code" -eq 3 ] && head -n 6 found | diff - due && grep -q "log.18000	undecodable	14" found
verdict "--check tells every damage with its offset, and exits with 3"
run $replay bad/log --format text
[ "$code" -eq 3 ] && [ "$(wc -l <out)" -eq 3 ] && grep -q "1 line skipped: 1 bad_value" err
verdict "what is undecodable is told, and the rest printed"

# Following, with a filter.
mkdir growing
printf '1\tpixel\t1\ta\t1\n' >growing/log.3600
$replay growing/log -f --visitor a >followed 2>err & follower=$!
printed() {
  tries=0
  until [ "$(wc -l <followed)" -ge "$1" ]; do
    tries=$((tries + 1))
    [ $tries -lt 500 ] || return 1
    sleep 0.02 # between two looks at the real condition
  done
}
printed 1
printf '1\tpixel\t2\tb\t1\n1\tpixel\t3\ta\t1\n1\tpixel\t4\ta' >>growing/log.3600
printed 2
printf '\t1\n' >>growing/log.3600
printf '1\tpixel\t5\ta\t1\n' >growing/log.7200
printed 4
verdict "-f prints on what is appended, in later hours too"
kill $follower
wait $follower 2>/dev/null
cut -f 3 followed | tr '\n' ' ' | grep -qx '1 3 4 5 '
verdict "each record once, and only those that pass"

# count STORE: page views of all time, site by site.
count() {
  sqlite3 "$1" "SELECT sum(count) FROM conversion_counts WHERE name = 'viewed page' AND rollup_key = 'all'"
}
mkdir passing
$replay $log --site 1 --from 2012-03-01 >passing/log.3600
$replay passing/log --url sqlite:///passing.db 2>err
$replay $log --url sqlite:///site.db --site 1 --from 2012-03-01 2>err
same passing.db site.db
verdict "a filtered rebuild counts what passes, and nothing else"
run $replay $log --url sqlite:///site.db --site 1 --from 2012-03-01
grep -q "nothing changed" "$tmp/err"
verdict "and is done when all was looked at"

# An access log in three files, one of them with nonsense in it.
access() {
  printf '192.0.2.%s - - [%s/Oct/2000:13:55:36 +0000] "%s /pie HTTP/1.1" 200 7 "-" "Browser"\n' "$@"
}
{ access 1 12 GET && access 2 12 HEAD; } >access.log
{ access 1 11 POST && echo nonsense && access 3 11 GET; } | gzip >access.log.2.gz
access 4 10 GET | zstd -q >access.log.3.zst
run $replay --combined access.log access.log.2.gz access.log.3.zst --url sqlite:///access.db --rollup day
[ "$code" -eq 0 ] && grep -q "2 lines skipped: 1 access_malformed, 1 access_method" "$tmp/err"
verdict "lines of access logs that are no page are counted by reason"
[ "$(sqlite3 access.db "SELECT bucket_id, count FROM conversion_counts WHERE rollup_key = 'day' ORDER BY 1" |
  tr '\n' ' ')" = "2000-10-10|1 2000-10-11|2 2000-10-12|1 " ] && [ "$(count access.db)" -eq 3 ]
verdict "and their pages count without a pixel"
run $replay --combined access.log access.log.2.gz access.log.3.zst --url sqlite:///access.db --rollup day
grep -q "nothing changed" "$tmp/err" && [ "$(count access.db)" -eq 3 ]
verdict "once"

addresses() { grep -aEo '[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+' | sort -u; }
cut -f 6 3-full-2000/log.* | addresses | sed 's/[0-9]*$/0/' | sort -u >due
$replay $log --kind page --anonymize | cut -f 6 | addresses | diff - due && [ -s due ]
verdict "--anonymize leaves networks of addresses"
$replay $log --url sqlite:///masked.db $rules --anonymize 2>err
same 3-full-2000/live.db masked.db && ! sqlite3 masked.db 'SELECT hex(history) FROM visitor' |
  grep -q "$(printf 14.161.197.229 | od -An -tx1 | tr -d ' \n' | tr a-f A-F)"
verdict "also in what a store keeps, whose rows are the same"
