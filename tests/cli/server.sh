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

# A store that is no good is refused before the server is ready, so that a failed start shows.
store="$server --url sqlite:///$tmp/db"
printf '1\tpixel\t1\tv\t1\n' >"$tmp/empty/log.0"
$store --rollup day --once 2>"$tmp/err"
refuses "a rollup that is missing is named" 2 "was counted with rollup day" \
  manhattan-server --config /dev/null --path "$tmp/empty/log" --bind "ipc://$tmp/query" --url "sqlite:///$tmp/db"
echo "no database at all" >"$tmp/text"
refuses "a file that is no store is named" 2 "text': not an SQLite database" $server --url "sqlite:///$tmp/text"
if [ "$(id -u)" -eq 0 ]; then other="setpriv --reuid=65534 --regid=65534 --clear-groups"; else other=; fi
chmod 711 "$tmp" && chmod 777 "$tmp/empty" && rm -f "$tmp/empty/log.lock" && mkdir "$tmp/closed" "$tmp/open"
mv "$tmp/db" "$tmp/open/db" && chmod 777 "$tmp/open" && chmod 444 "$tmp/open/db" && chmod 555 "$tmp/closed"
as_other="$other manhattan-server --config /dev/null --path $tmp/empty/log --bind ipc://$tmp/open/query --rollup day"
refuses "a store that can't be written is named, with what is to be done" 2 \
  "open/db': attempt to write a readonly database; the file and its folder must be writable" \
  $as_other --url "sqlite:///$tmp/open/db"
refuses "a folder that can't be written is, too" 2 "closed/db': unable to open database file: " \
  $as_other --url "sqlite:///$tmp/closed/db"

# The journal is another user's by now, who could have laid it out.
[ -z "$other" ] || refuses "a journal that another user may have laid out is named" 1 "empty/log.lock': it belongs to user 65534" \
  manhattan-server --config /dev/null --ring none --path "$tmp/empty/log" --url "sqlite:///$tmp/new.db" \
  --bind "ipc://$tmp/query"
chmod 755 "$tmp/empty"

# What it says to the journal as it is ready.
. "$(dirname "$0")/../e2e/patience.sh"
manhattan-server --config /dev/null --ring "$tmp/ring" --path "$tmp/empty/log" --url "sqlite:///$tmp/new.db" \
  --bind "ipc://$tmp/query" --bind tcp://127.0.0.1:0 2>"$tmp/said" &
pid=$!
becomes_true [ -s "$tmp/said" ]
[ "$(cat "$tmp/said")" = "manhattan-server: $(manhattan-server --version | cut -d' ' -f2) answers at ipc://$tmp/query, \
tcp://127.0.0.1:0; log '$tmp/empty/log', store 'sqlite:///$tmp/new.db', ring '$tmp/ring'" ]
verdict "as it is ready, a server says in one line what it works with"
kill -TERM $pid && wait $pid
verdict "and ends when it is told to"
