#!/bin/sh
# SPDX-License-Identifier: MIT
# A server whose log, ring or store is out of reach for a while says so, and goes on when it is back.
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/../e2e/patience.sh"

cd "$tmp" || exit 2
server=
trap '[ -z "$server" ] || kill -9 $server 2>/dev/null; rm -rf "$tmp"; [ "$failures" -eq 0 ] || exit 1' EXIT

# starts OPTION...: a server in the background, in `server`. What it says goes through a pipe, for it
# may not be able to write files.
trap '' XFSZ # a file too large is an error then, and no end
mkfifo said
starts() {
  cat said >server.err &
  manhattan-server --config /dev/null --bind "ipc://$tmp/query" "$@" 2>said &
  server=$!
}
says() { becomes_true grep -q -e "$1" server.err; }
ends_well() {
  kill -TERM $server && wait $server
  code=$?
  server=
  [ "$code" -eq 0 ]
}
pixel() { manhattan-event --config /dev/null --ring ring --path log --visitor "$1" pixel; }

starts --ring ring --path log --url sqlite:///db
# A file may not grow any more, as on a full disk.
becomes_true [ -e ring ] && becomes_true [ -S query ] && prlimit --pid $server --fsize=0: &&
  pixel ann && says "cannot write '.*log.*'.*; records wait in the ring"
verdict "a log that can't be written is told"
prlimit --pid $server --fsize=unlimited: && says "the log can be written again" &&
  becomes_true grep -q "ann" log.*00
verdict "and written when it can be, with what has waited"

echo "no ring" >other && mv other ring && says "cannot use ring 'ring': too short"
verdict "what is no ring and takes the ring's place is told"
rm ring && becomes_true [ -e ring ] && pixel bob && becomes_true grep -q "bob" log.*00
verdict "and another ring is made when it is gone"
ends_well
verdict "it ends well after all of this"

printf '1\tpixel\t1\tv\t1\n' >old.0
starts --ring other-ring --path old --url mysql://user@127.0.0.1:1/database --compress yes
says "Can't connect.*; records wait in the log" && ends_well
verdict "a store that does not answer at the start is told, and ends nobody"
[ -e old.0 ]
verdict "and no hour is compressed of which is not known that it is counted"
