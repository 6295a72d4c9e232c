#!/bin/sh
# SPDX-License-Identifier: MIT
# README.md's commands to start server and wrapper by hand, as they stand there. Usage: by_hand.sh BUILD_DIR
. "$(dirname "$0")/patience.sh"
readme=$(cd "$(dirname "$0")/../.." && pwd)/README.md
PATH=$(cd "$1" && pwd):$PATH
tmp=$(mktemp -d "${TMPDIR:-/tmp}/mh-XXXXXX") || exit 2
server='' wrapper=''
trap 'kill -9 $server $wrapper 2>/dev/null; rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
cd "$tmp" || exit 2

verdict() { if [ "$?" -eq 0 ]; then echo "ok - $1"; else echo "not ok - $1"; fi; }

sed -n '/^### By hand/,/^## /{/^    /s/^    \(\$ \)\{0,1\}//p}' "$readme" |
  sed "s/^manhattan-query/becomes_true [ -S query ]; &/" >commands
sed -i '/--bind ipc:.*&$/s/$/ server=$!/; /--secret-file .*&$/s/$/ wrapper=$!/' commands
. ./commands >"$tmp/status"
verdict "the commands run"
grep -q "^version" "$tmp/status"
verdict "the server answers"
becomes_true [ -S fcgi.sock ]
verdict "the wrapper listens"
kill $wrapper && wait $wrapper && kill $server && wait $server
verdict "and both end with 0"
server='' wrapper=''
