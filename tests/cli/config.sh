#!/bin/sh
# SPDX-License-Identifier: MIT
# The config file: what --check-config finds in it, and where a comment begins.
. "$(dirname "$0")/expect.sh"

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$tmp" || exit 2

# finds WHAT PATTERN LINE: in a section [manhattan-fcgi], LINE is a fault that is told with its number, by
# the check of the program that it is for, of another one, and at the start.
finds() {
  printf '[manhattan-fcgi]\nring = none\n%s\n' "$3" >faulty
  refuses "$1" 2 "faulty:3: .*$2" manhattan-fcgi --config faulty --check-config
  refuses "and another program's check finds it, too" 2 "manhattan-fcgi: faulty:3: .*$2" \
    manhattan-query --config faulty --check-config
  refuses "and so does the start" 2 "faulty:3: .*$2" manhattan-fcgi --config faulty
}
finds "a site without a number is found" "'foo' is not HOST=NUMBER" "site = foo"
finds "no jobs at all are found" "jobs must be from 1" "jobs = 0"
finds "a misspelt place of a rule is found" "'pth'.*did you mean 'path'" "goal = X; pth=/x"
finds "a misspelt key is found" "'trusted-prxy'; did you mean 'trusted-proxy'" "trusted-prxy = 10.0.0.0/8"
finds "a network that is none is found" "'10.0.0.0/99'" "trusted-proxy = 10.0.0.0/99"
finds "an address without a port is found" "neither a path nor HOST:PORT" "socket = localhost"
finds "a cookie's name with a blank is found" "'a b'" "cookie = a b"
finds "a mode that is none is found" "'0999'" "socket-mode = 0999"
finds "a wish that is none is found" "'dtn'" "respect = dtn"
finds "a comment behind a number is found" "write 'jobs = 4', and '# four' on a line" "jobs = 4 # four"
finds "and behind a path" "write 'path = /var/log/x'" "path = /var/log/x	# where"
finds "and behind a switch" "write 'anonymize = true'" "anonymize = true # yes"
finds "and behind a rule's path" "'#' begins a comment only at the start" "goal = Order; path=/x # note"
finds "a key of the command line is found" "belongs on the command line" "help = true"
finds "a line without an equals sign is found" "has no '='" "anonymize"

# of_server WHAT PATTERN LINE: the same by the check of manhattan-server alone.
of_server() {
  printf '[manhattan-server]\n%s\n' "$3" >faulty
  refuses "$1" 2 "faulty:2: .*$2" manhattan-server --config faulty --check-config
}
of_server "a misspelt rollup is found" "'dy'.*did you mean 'day'" "rollup = dy"
of_server "a time zone that is none is found" "no time zone 'Europe/Brelin'" "timezone = Europe/Brelin"
of_server "a regular expression that is none is found" "path:(" "rollup = p=path:("
of_server "a store of another kind is found" "unknown kind of store 'oracle'" "url = oracle://x"
of_server "a complex goal that includes nothing is found" "includes nothing" "complex = a|"
of_server "an endpoint that is none is found" "endpoint 'localhost:5555'" "bind = localhost:5555"
of_server "a word that is none of three is found" "'atuo'.*did you mean 'auto'" "compress = atuo"
of_server "a number below zero is found" "keep-days must be at least 0" "keep-days = -1"
of_server "a number with a unit is found" "ring-mib" "ring-mib = 64M"
of_server "too many threads are found" "threads must be from 1 to 64" "threads = 65"

printf '[manhatan-server]\nrollup = day\n' >faulty
refuses "a section with a near name is found" 2 "faulty:1: .*'manhatan-server'.*did you mean 'manhattan-server'" \
  manhattan-log --config faulty --check-config
refuses "and its program does not start" 2 "faulty:1: " \
  manhattan-server --config faulty --once --path log --url sqlite:///db
printf '[elsewhere]\nrollup = dy\n' >sound
run manhattan-server --config sound --check-config
[ "$code" -eq 0 ] && grep -q "sound:1: warning: there is no program 'elsewhere'" err
verdict "a section of nobody is told, and is no fault"
printf '[manhattan-event]\nsite = x\n[manhattan-fcgi]\njobs = 0\nsite = foo\n' >faulty
run manhattan-fcgi --config faulty --check-config
[ "$code" -eq 2 ] && grep -q 'faulty:2: .*site' err && grep -q 'faulty:4: .*jobs' err && grep -q 'faulty:5: .*foo' err
verdict "every fault is told, those of other programs' sections too"
printf '[manhattan-server]\nkeep-mib = 1\nkeep-mib = 2\n' >faulty
refuses "a second value where one counts is found" 2 "faulty:3: 'keep-mib' has a value in line 2" \
  manhattan-server --config faulty --check-config
printf '[manhattan-server]\nrollup = day\nrollup = day\n' >faulty
refuses "two rollups of one name are found" 2 "faulty:3: rollup 'day' is in line 2 already" manhattan-server --config faulty --check-config
echo public >secret && chmod 644 secret
printf '[manhattan-fcgi]\nsecret-file = secret\n' >faulty
refuses "a secret that everyone can read is found" 2 "faulty:2: 'secret' can be read by everyone" \
  manhattan-fcgi --config faulty --check-config
for line in "root = $tmp/absent" 'socket-owner = no-such-user' 'socket = no.such.host.invalid:80'; do
  printf '[manhattan-fcgi]\n%s\n' "$line" >faulty
  refuses "what the machine does not have is found: ${line%% *}" 2 "faulty:2: " manhattan-fcgi --config faulty --check-config
done
for line in "robots = absent" "path = secret/log" "complex = a|b
complex = a|c"; do
  printf '[manhattan-server]\ntimezone = UTC\n%s\n' "$line" >faulty
  refuses "what the start would refuse is found: ${line%% *}" 2 "faulty:[34]: " manhattan-server --config faulty --check-config
done
printf '[manhattan-server]\npath = absent/log\npassword-file = absent/password\nurl = sqlite:///db\n' >sound
prints "a folder that is not there yet is no fault" "^path = absent/log" manhattan-server --config sound --check-config
printf '[manhattan-fcgi]\nupstream = /x\nsearch-words = true\n' >faulty
refuses "what does not go together is found" 2 "exclude each other" manhattan-fcgi --config faulty --check-config

printf '\357\273\277[ manhattan-fcgi ]\r\ngoal = Plan #1; path=/x\r\n  # a comment\r\nsplit = Two #2; path=/y' >sound
run manhattan-fcgi --config sound --check-config
[ "$code" -eq 0 ] && grep -qx 'goal = Plan #1; path=/x' out && grep -qx 'split = Two #2; path=/y' out
verdict "a number sign within a line is part of the value"
printf '[manhattan-fcgi]\ngoal = Plan # one; path=/x\n' >sound
run manhattan-fcgi --config sound --check-config
[ "$code" -eq 0 ] && grep -qx 'goal = Plan # one; path=/x' out && grep -q 'sound:2: warning: .#. is part' err
verdict "with a warning where it looks like a comment"
for program in $(cd "$build" && ls | grep '^manhattan-[a-z]*$'); do
  run "$program" --config "$root/etc/manhattan.conf" --check-config
  [ "$code" -eq 0 ] && [ ! -s err ]
  verdict "$program finds nothing in the file that is shipped"
done

for mib in 64 48 100 1 3; do
  run manhattan-server --config /dev/null --once --ring "ring.$mib" --ring-mib $mib --path "log$mib" --url "sqlite:///db$mib"
  [ "$code" -eq 0 ] && [ "$(stat -c %s "ring.$mib")" -eq $((mib * 1048576 + 20480)) ]
  verdict "a ring of $mib MiB has them, beside its header"
  rm -f "ring.$mib"
done
