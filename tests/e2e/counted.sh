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
