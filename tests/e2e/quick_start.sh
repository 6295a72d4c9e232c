#!/bin/sh
# SPDX-License-Identifier: MIT
# The original's quick start, its two commands as they stand in its manual, on a text log that
# neither of them wrote. Usage: quick_start.sh BUILD_DIR
. "$(dirname "$0")/patience.sh"
PATH=$(cd "$1" && pwd):$PATH
tmp=$(mktemp -d "${TMPDIR:-/tmp}/manhattan-quick-XXXXXX") || exit 2
server=
trap '[ -z "$server" ] || kill -9 $server 2>/dev/null; rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp" || exit 2

verdict() { if [ "$?" -eq 0 ]; then echo "ok - $1"; else echo "not ok - $1"; fi; }

# Its port is 5555. Where that is taken, a namespace would be needed: another port shows as much.
bind= connect=
if /usr/bin/python3 -c 'import socket; socket.socket().connect(("127.0.0.1", 5555))' 2>/dev/null; then
  bind="--bind ipc://$tmp/query" connect="--connect ipc://$tmp/query"
fi
# This machine may have a configuration, too, which those two commands would read.
config=
[ ! -e /etc/manhattan/manhattan.conf ] || config="--config /dev/null"
bind="$config $bind" connect="$config $connect"

# record VISITOR KIND FIELD...
record() {
  visitor=$1 kind=$2
  shift 2
  printf '1\t%s\t1353499200.1234\t%s\t1' "$kind" "$visitor"
  [ $# -eq 0 ] || printf '\t%s' "$@"
  printf '\n'
}
for visitor in ann bob bot; do
  record $visitor page 192.0.2.1 GET http://localhost:8000/pie Mozilla/5.0 ''
  record $visitor split 'superior dessert preference' True
  record $visitor goal 'pie accomplished' '' '' ''
  [ $visitor = bot ] || record $visitor pixel
done >manhattan.log.1353499200

# counts EXPECTED QUESTION...: asks until the server says so, or is gone.
counts() {
  becomes_true answers_or_ends "$@" && kill -0 "$server" 2>/dev/null
}
answers_or_ends() {
  due=$1
  shift
  ! kill -0 "$server" 2>/dev/null || [ "$("$@" 2>/dev/null)" = "$due" ]
}

manhattan-server --path="$tmp/manhattan.log" --url=sqlite:///test.db -v $bind 2>messages &
server=$!
counts 2 manhattan-query $connect count 'pie accomplished'
verdict "who fetched the pixel is counted"
counts 2 manhattan-query $connect count 'pie accomplished' --variant 'superior dessert preference=True'
verdict "under the variant too"
[ -s test.db ]
verdict "in the database of the quick start"
record cid pixel >>manhattan.log.1353499200
record cid goal 'pie accomplished' '' '' '' >>manhattan.log.1353499200
counts 3 manhattan-query $connect count 'pie accomplished'
verdict "what is appended later is counted too"
kill -TERM $server && wait $server
verdict "SIGTERM ends it with 0"
manhattan-server --path="$tmp/manhattan.log" --url=sqlite:///test.db -v $bind 2>>messages &
server=$!
counts 3 manhattan-query $connect count 'pie accomplished'
verdict "after a restart the counts are the same"
kill -TERM $server && wait $server
verdict "and SIGTERM ends it with 0 again"
server=
