#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/expect.sh"

mkdir "$tmp/empty"
server="manhattan-server --config /dev/null --ring none --path $tmp/empty/log --bind ipc://$tmp/query"
nothing_made() {
  [ -z "$(ls -A "$tmp/empty")" ] && [ ! -e "$tmp/query" ]
  verdict "and nothing is half-created"
  rm -rf "$tmp/empty" "$tmp/query" && mkdir "$tmp/empty"
}

refuses "a store of another kind is named" 2 "oracle" $server --url oracle://host/database
refuses "a store without a scheme is refused" 2 "malformed store" $server --url test.db
refuses "a port that is no number is refused" 2 "port\|mysql" $server --url mysql://u:secret@host:port/database
! grep -q secret "$tmp/err"
verdict "and the password is not shown"
echo secret >"$tmp/password" && chmod 644 "$tmp/password"
refuses "a password that everyone can read is refused" 2 "password' can be read by everyone" \
  $server --url mysql://u@host/database --password-file "$tmp/password"
refuses "an endpoint that is none is named" 2 "nonsense" \
  manhattan-server --config /dev/null --ring none --path "$tmp/empty/log" \
  --url "sqlite:///$tmp/empty/db" --bind nonsense
nothing_made
refuses "more threads than any machine needs are refused" 2 "threads must be from 1 to 64, not 65" \
  $server --url "sqlite:///$tmp/empty/db" --threads 65
refuses "no thread at all, too" 2 "threads must be from 1 to 64, not 0" \
  $server --url "sqlite:///$tmp/empty/db" --threads 0
nothing_made
refuses "a missing log folder is named" 2 "absent" \
  manhattan-server --config /dev/null --ring none --path "$tmp/absent/log" \
  --url "sqlite:///$tmp/empty/db" --bind "ipc://$tmp/query"
nothing_made
printf 'MANHATTAN of another time, and longer than any header would be.' >"$tmp/foreign"
refuses "a ring of another version is named" 2 "foreign" \
  manhattan-server --config /dev/null --ring "$tmp/foreign" --path "$tmp/empty/log" \
  --url "sqlite:///$tmp/empty/db" --bind "ipc://$tmp/query"
nothing_made
[ "$(wc -c <"$tmp/foreign")" -eq 63 ]
verdict "and it is left as it was"

refuses "a port in use is named" 1 "127.0.0.1" \
  /usr/bin/python3 "$(dirname "$0")/port_taken.py" manhattan-server --config /dev/null --ring none \
  --path "$tmp/empty/log" --url "sqlite:///$tmp/empty/db" --bind tcp://127.0.0.1:PORT
[ ! -e "$tmp/query" ]
verdict "and nothing is half-created"
