# SPDX-License-Identifier: MIT
# Sourced by the tests that run the demo: BUILD_DIR is their first argument.
scripts=$(cd "$(dirname "$0")/../../scripts" && pwd)
build=$(cd "$1" && pwd) || exit 2
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/mh-XXXXXX") || exit 2 # short: sockets' paths have 107 bytes
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 130' INT TERM

# No process of the demo's may outlive it: each has the demo's folder on its command line.
remains() { [ -n "$(ls -A "$TMPDIR")" ] || pgrep -f "$TMPDIR/manhattan-demo-" >/dev/null; }

# demo WHAT OPTION...: equal on every row, and nothing left behind.
demo() {
  what=$1
  shift
  if "$scripts/demo" --build "$build" "$@"; then echo "ok - $what"; else echo "not ok - $what"; fi
  if remains; then echo "not ok - nothing remains of it"; else echo "ok - nothing remains of it"; fi
}
