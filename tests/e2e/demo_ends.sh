#!/bin/sh
# SPDX-License-Identifier: MIT
# The demo, ended in the middle, leaves nothing.
. "$(dirname "$0")/demo.sh"
. "$(dirname "$0")/patience.sh"

is_at_work() { ls "$TMPDIR"/manhattan-demo-*/log.[0-9]* >/dev/null 2>&1 || ! kill -0 $pid 2>/dev/null; }
# ends SIGNAL EXIT_CODE: sends it while visitors are at work.
ends() {
  "$scripts/demo" --build "$build" --visitors 100000 2>"$TMPDIR.err" &
  pid=$!
  becomes_true is_at_work
  kill -"$1" $pid
  wait $pid
  code=$?
  [ $code -eq "$2" ] && echo "ok - SIG$1 ends it with $2" || {
    echo "not ok - SIG$1 ends it with $2, not $code"
    cat "$TMPDIR.err"
  }
  rm -f "$TMPDIR.err"
  if remains; then echo "not ok - nothing remains of it"; else echo "ok - nothing remains of it"; fi
}

ends TERM 130
ends INT 130
