#!/bin/sh
# SPDX-License-Identifier: MIT
# Under a load that never pauses the store is committed to each half minute, or when somebody asks.
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/../e2e/patience.sh"

cd "$tmp" || exit 2
export MANHATTAN_RING="$tmp/ring" MANHATTAN_PATH="$tmp/log"
manhattan-server --config /dev/null --ring ring --path log --url sqlite:///db --bind "ipc://$tmp/query" 2>err &
server=$!
writes_without_pause() {
  while manhattan-event --config /dev/null --visitor $$ pixel; do :; done
}
writer=
trap 'kill $writer 2>/dev/null; kill -9 $server 2>/dev/null; rm -rf "$tmp"; [ "$failures" -eq 0 ] || exit 1' EXIT
becomes_true [ -e ring ] && becomes_true [ -S query ]
verdict "a server starts"
writes_without_pause &
writer=$!

# Each half minute, five commits would take longer than anybody waits here.
has_committed_five_times() {
  manhattan-query --config /dev/null --connect "ipc://$tmp/query" status >status 2>/dev/null &&
    grep -q "worker_flushes *\([5-9]\|[1-9][0-9]\)" status
}
becomes_true has_committed_five_times
verdict "who asks gets what is a second old"
kill $writer && kill $server && wait $server
verdict "and it ends when it is told"
