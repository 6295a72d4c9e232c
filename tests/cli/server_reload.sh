#!/bin/sh
# SPDX-License-Identifier: MIT
# What SIGHUP does with each option of manhattan-server that changed in the config file.
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/../e2e/patience.sh"

cd "$tmp" || exit 2
mkdir folder
cat >sound <<END
[manhattan-server]
ring = $tmp/ring
ring-mib = 1
path = $tmp/log
url = sqlite:///$tmp/db
bind = ipc://$tmp/query
rollup = day
END
cp sound config
: >said
manhattan-server --config config 2>said &
server=$!
trap 'kill -9 $server 2>/dev/null; rm -rf "$tmp"; [ "$failures" -eq 0 ] || exit 1' EXIT
query() { manhattan-query --config /dev/null --connect "ipc://$tmp/${endpoint:-query}" "$@"; }
event() { manhattan-event --config /dev/null --ring ring --path log --visitor v "$@"; }
becomes_true query status >/dev/null

# after_hup PATTERN [LINE]: with LINE added to the file that is sound, SIGHUP brings a message with PATTERN.
after_hup() {
  cp sound config
  [ $# -lt 2 ] || printf '%s\n' "$2" >>config
  : >said
  kill -HUP $server && becomes_true grep -q -e "$1" said
}
# is_refused WHAT PATTERN LINE
is_refused() {
  after_hup "not reloaded, and all is as it was: .*$2" "$3"
  verdict "$1 changes nothing"
}
# waits OPTION VALUE: it needs a restart, and the message says so.
waits() {
  cp sound sound.before && sed "/^$1 = /d" sound.before >sound
  after_hup "warning: $1 changed and needs a restart of manhattan-server" "$1 = $2"
  verdict "$1 needs a restart"
  mv sound.before sound
}
# takes OPTION VALUE: it takes effect, and the message says so.
takes() {
  after_hup "reloaded: $1 changed and takes effect" "$1 = $2"
  verdict "$1 takes effect"
  after_hup "reloaded: $1 changed and takes effect"
}

after_hup "reloaded: no option changed"
verdict "a file as it was changes nothing"
is_refused "an unknown key" "no option 'no-such-key'" "no-such-key = 1"
is_refused "a number out of range" "threads must be from 1 to 64" "threads = 65"
is_refused "a file of robots that is not there" "absent" "robots = absent"
is_refused "a port of somebody else" "listen" "bind = ipc://$tmp/config"
query status >status && grep -q '^rollup day' status
verdict "and the server answers as before"

for change in "compress yes" "keep-days 30" "keep-mib 100" "flush-every 1000" "cache-size 1000" "threads 2" \
  "timezone Europe/Paris" "verbose true"; do
  case $change in timezone*) continue ;; esac  # belongs to the rollup: below
  # shellcheck disable=SC2086
  takes $change
done
for change in "path $tmp/other" "url sqlite:///$tmp/else" "ring $tmp/other.ring" "ring-mib 2" "anonymize true" "once true" \
  "password-file $tmp/password"; do
  (umask 077; echo x >password)
  # shellcheck disable=SC2086
  waits $change
done
[ ! -e else ] && [ ! -e other.ring ]
verdict "and nothing of it is made"

is_refused "another list of robots" "was counted with robots 'Manhattan's own'" "robots = none"
is_refused "another zone of a rollup that was counted" "was counted with rollup day" "timezone = Europe/Paris"
after_hup "reloaded: complex changed and takes effect" "complex = both|first,second"
verdict "a complex goal takes effect"
becomes_true grep -q "complex goal both is new" said
event goal first && event goal second && event pixel
reaches_both() { [ "$(query count both)" = 1 ]; }
becomes_true reaches_both
verdict "and is counted from then on"
is_refused "a complex goal that is taken away" "was counted with complex goal both" ""
cat >>sound <<END
complex = both|first,second
END
after_hup "reloaded: rollup changed and takes effect" "rollup = hour"
becomes_true grep -q "rollup hour is new" said && query status | grep -q '^rollup hour'
verdict "a rollup takes effect"
echo 'rollup = hour' >>sound

after_hup "reloaded: bind changed and takes effect" "bind = ipc://$tmp/second"
endpoint=second becomes_true query status >/dev/null && query status >status
verdict "another endpoint answers, beside the first"
printf 'log = %s/messages\n' "$tmp" >>sound
cp sound config && kill -HUP $server && becomes_true grep -q "reloaded: .*log" messages
verdict "messages go to another file"

chmod 644 sound && rm config
: >messages
kill -HUP $server && becomes_true grep -q "not reloaded, .*cannot open" messages
verdict "a file that is gone changes nothing"
kill -TERM $server && wait $server
verdict "and the server ends as it should"
