#!/bin/sh
# SPDX-License-Identifier: MIT
# A compressed hour that is cut short is read as far as zcat reads it, and that it is cut is told.
. "$(dirname "$0")/expect.sh"

cd "$tmp" || exit 2
i=0
while [ $i -lt 600 ]; do
  i=$((i + 1))
  printf '1\tpixel\t%d.%04d\tvisitor%d\t1\n' $i $((i * 7919 % 10000)) $((i * 104729))
done >plain
server="manhattan-server --config /dev/null --once --path log --url sqlite:///db"
replay="manhattan-replay --config /dev/null log"

# cut_to PER_CENT SUFFIX COMMAND...: log.3600.SUFFIX is so much of what COMMAND makes of the records.
cut_to() {
  percent=$1 suffix=$2
  shift 2
  rm -f log.3600.* db*
  "$@" <plain >whole
  head -c $(($(wc -c <whole) * percent / 100)) whole >"log.3600.$suffix"
}

for case in "90 gz gzip -c" "50 gz gzip -1c" "99 zst zstd -qc"; do
  cut_to $case
  cat=zcat
  [ "$suffix" = gz ] || cat=zstdcat
  due=$($cat log.3600.* 2>/dev/null | head -c -1 | wc -l)
  run $replay
  got=$(wc -l <out)
  [ "$code" -eq 3 ] && [ "$got" -ge "$due" ] && [ "$got" -le $((due + 1)) ] && head -n "$got" plain | cmp -s - out
  verdict "$case: manhattan-replay gives the $due records that $cat gives, and ends with 3"
  grep -q "cannot decompress '.*log.3600.$suffix'" err && [ "$(wc -l <err)" -eq 1 ]
  verdict "$case: and says it once"
  run $server
  [ "$code" -eq 1 ] && [ "$(grep -c "cannot decompress '.*log.3600.$suffix'" err)" -eq 1 ]
  verdict "$case: manhattan-server --once says it, and ends with 1"
  counted=$(/usr/bin/python3 -c 'import sqlite3; print(*[row[0] for row in sqlite3.connect("db").execute(
    "SELECT count FROM tally WHERE name = \"record_pixel\"")])')
  [ "${counted:-0}" -eq "$got" ]
  verdict "$case: and has counted the same"
  run $server
  [ "$code" -eq 1 ]
  verdict "$case: a second time as well"
done
cut_to 90 gz gzip -c
[ "$(zcat log.3600.gz 2>/dev/null | wc -l)" -gt 450 ]
verdict "and nine tenths of the file are most of the records"
cut_to 100 gz gzip -c
run $server
[ "$code" -eq 0 ] && [ ! -s err ]
verdict "a whole one is counted without a word"
run $replay
[ "$code" -eq 0 ] && cmp -s plain out
verdict "and read without a word"
