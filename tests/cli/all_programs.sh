#!/bin/sh
# SPDX-License-Identifier: MIT
# What every program does alike.
. "$(dirname "$0")/expect.sh"

for program in "$build"/manhattan-*; do
  case $program in *.*) continue ;; esac
  name=${program##*/}
  prints "$name --help is on stdout" "^Usage: $name" "$name" --help
  [ ! -s "$tmp/err" ]
  verdict "$name --help says nothing on stderr"
  prints "$name --version has a number" "^$name [0-9]*\.[0-9]" "$name" --version
  refuses "$name names an unknown option" 2 "no-such-option" "$name" --no-such-option
  refuses "$name takes no abbreviated option" 2 "vers" "$name" --vers

  printf '[%s]\nno-such-key = 1\n' "$name" >"$tmp/unknown.conf"
  refuses "$name names an unknown key" 2 "unknown.conf.*no-such-key" \
    "$name" --config "$tmp/unknown.conf"
  printf '[somebody-else]\nno-such-key = 1\n' >"$tmp/other.conf"
  prints "$name reads no other program's section" "^\[$name\]" \
    "$name" --config "$tmp/other.conf" --check-config
  refuses "$name names a config file that is not there" 1 "absent.conf" \
    "$name" --config "$tmp/absent.conf"
done
