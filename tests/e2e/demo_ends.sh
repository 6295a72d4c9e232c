#!/bin/sh
# SPDX-License-Identifier: MIT
# The demo, ended in the middle, leaves nothing.
. "$(dirname "$0")/demo.sh"

# ends SIGNAL EXIT_CODE: sends it while visitors are at work.
ends() {
  "$scripts/demo" --build "$build" --visitors 100000 2>"$TMPDIR.err" &
  pid=$!
  tries=0
  until ls "$TMPDIR"/manhattan-demo-*/log.[0-9]* >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 6000 ] && kill -0 $pid 2>/dev/null || break
    sleep 0.01 # between two looks at the real condition
  done
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
