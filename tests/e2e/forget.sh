#!/bin/sh
# SPDX-License-Identifier: MIT
# A visitor who is forgotten: gone from log, store, ring and spill log; what was counted stays.
# Usage: forget.sh BUILD_DIR
. "$(dirname "$0")/counted.sh"

rules="--rollup day --complex Checked|viewed,bought|left"

# mentions NAME FILE...: anywhere in the bytes, decompressed.
mentions() {
  name=$1
  shift
  for file in "$@"; do
    case $file in
      *.gz) zcat "$file" ;;
      *.zst) zstdcat -q "$file" ;;
      *) cat "$file" ;;
    esac
  done | grep -aq "$name"
}

cp "$root"/tests/data/cases/3-full-2000/log.* .
# The busiest visitor, of whom every file may have something.
ann=$(cut -f 4 log.* | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')
bob=$(cut -f 4 log.* | sort | uniq -c | sort -rn | awk 'NR == 2 { print $2 }')
number=0
for segment in log.*; do
  number=$((number + 1))
  case $((number % 3)) in
    0) gzip "$segment" ;;
    1) zstd -q --rm "$segment" ;;
  esac
done
$serve --once --path "$tmp/log" --url sqlite:///db $rules 2>/dev/null
counted db >counted_before
sqlite3 db "SELECT file, offset_bytes FROM segment ORDER BY file" >offsets
$replay log --format tsv >printed
mentions "$ann" log.* && mentions "$ann" db*
verdict "a visitor is in log and store"

run $replay log --forget "$ann" --url sqlite:///db
lines=$(sed -n 's/.*erased \([0-9]*\) lines in.*/\1/p' err)
[ "$code" -eq 0 ] && [ "$lines" = "$(cut -f 3 printed | grep -c "$ann")" ] &&
  grep -q "erased 1 visitor in 'sqlite:///db'" err
verdict "forgetting says how many lines and visitors"
! mentions "$ann" log.[0-9]* && ! mentions "$ann" db*
verdict "no byte of log and store has the visitor any more"
counted db | diff - counted_before && [ "$(wc -l <counted_before)" -gt 10 ]
verdict "what was counted stays"
$replay log --format tsv 2>/dev/null >left
grep -v "$ann" printed | cmp - left
verdict "all other records are as they were"
run $replay log --check
[ "$code" -eq 0 ] && grep -q " records, [0-9]* forgotten" out && ! grep -q damaged out
verdict "--check counts what is erased, and calls it no damage"
run $replay log --forget "$ann" --url sqlite:///db
[ "$code" -eq 0 ] && grep -q "erased 0 lines in 0 files" err && grep -q "erased 0 visitors" err
verdict "run twice, there is nothing left to do"
printf '1\tpixel\t1\tlate\t1\n' >>"$(ls log.*[0-9] | tail -n 1)"
$serve --once --path "$tmp/log" --url sqlite:///db $rules 2>/dev/null
counted db | diff - counted_before && sqlite3 db "SELECT file, offset_bytes FROM segment ORDER BY file" |
  diff - offsets >moved

[ "$(grep -c '^[<>]' moved)" -eq 2 ] && [ "$(sqlite3 db "SELECT count(*) FROM visitor WHERE visitor = CAST('late' AS BLOB)")" -eq 1 ]
verdict "the store's pointer still fits, and it counts on from there"
$replay log --url sqlite:///again.db $rules 2>/dev/null
[ "$(sqlite3 again.db "SELECT count FROM tally WHERE name = 'skipped_forgotten'")" -eq "$lines" ]
verdict "a rebuilt store counts the others, and what was forgotten by that name"

# Killed at any instant, and run again.
mkdir kill && cp log.* kill
killed_again_and_again $replay kill/log --forget "$bob" 2>/dev/null
grep -v "$bob" left >others
[ "$kills" -gt 0 ] && $replay kill/log --format tsv 2>/dev/null | grep -v '	late	' | cmp - others && ! mentions "$bob" kill/log.*[0-9tz]
verdict "killed again and again, and run again, it is finished"
refuses "without a file of that name it is said" 2 "no log" $replay absent --forget "$ann"
refuses "a store that is not there is not made" 1 "absent.db" $replay kill/log --forget x --url sqlite:///absent.db
[ ! -e absent.db ]
verdict "indeed"

# A server runs, and records of a visitor wait in its ring and spill log.
mkdir live
$serve --ring ring --path live/log --url sqlite:///live.db 2>server.err &
server=$!
becomes_true test -S query
becomes_true test -e live/log.lock
run $replay live/log --forget eve
[ "$code" -eq 2 ] && grep -q "no log" err
verdict "a log without records has nobody to forget"
manhattan-event --config /dev/null --ring ring --path live/log --visitor eve --site 1 pixel
knows_eve() { [ "$(sqlite3 live.db "SELECT count(*) FROM visitor WHERE visitor = CAST('eve' AS BLOB)" 2>/dev/null)" = 1 ]; }
becomes_true knows_eve
refuses "a running server is named" 2 "process $server (manhattan-serv.*stop that" \
  $replay live/log --forget eve --url sqlite:///live.db
kill -TERM $server && wait $server
server=
manhattan-event --config /dev/null --ring ring --path live/log --visitor eve --site 1 goal late
manhattan-event --config /dev/null --ring no-ring --path live/log --visitor eve --site 1 goal later # spilled
manhattan-event --config /dev/null --ring ring --path live/log --visitor joe --site 1 pixel
$replay live/log --forget eve --url sqlite:///live.db 2>/dev/null
verdict "stopped, it is done"
$serve --once --ring ring --path live/log --url sqlite:///live.db 2>/dev/null
! mentions eve live/log.* live.db && mentions joe live/log.* && [ ! -e live/log.forgotten ]
verdict "what waited in the ring is gone at the next start, and so is the list"
