# SPDX-License-Identifier: MIT
# Sourced by tests of a log that is counted: `root` is the tree's, `tmp` is where they are; the
# process in `server` ends with them.
. "${0%/*}/../cli/expect.sh"
root=$(cd "${0%/*}/../.." && pwd)
server=
trap '[ -z "$server" ] || kill -9 $server 2>/dev/null; rm -rf "$tmp"; [ "$failures" -eq 0 ] || exit 1' EXIT
cd "$tmp" || exit 2
. "$root/tests/e2e/rows.sh"
. "$root/tests/e2e/patience.sh"
replay="manhattan-replay --config /dev/null"
serve="manhattan-server --config /dev/null --bind ipc://$tmp/query"

# killed_again_and_again COMMAND...: runs it anew until it ends by itself, killed after another time
# each time; `kills` says how often. How far it gets is any: the result must not depend on it. The
# longest of the times grows, and the steps with it, or a slow machine would never come to an end.
killed_again_and_again() {
  kills=0 after_ms=1 longest_ms=60
  while :; do
    "$@" &
    server=$!
    sleep "$((after_ms / 1000)).$(printf %03d $((after_ms % 1000)))"
    kill -9 $server 2>/dev/null
    wait $server 2>/dev/null && break
    [ $? -eq 137 ] || return 1
    kills=$((kills + 1)) longest_ms=$((longest_ms + longest_ms / 20))
    after_ms=$(((after_ms + longest_ms / 9) % longest_ms + 1))
  done
  server=
}
