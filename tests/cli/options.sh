#!/bin/sh
# SPDX-License-Identifier: MIT
# Options that no other test gives, most of them wrong ones: these are named in one line.
. "$(dirname "$0")/expect.sh"

cd "$tmp" || exit 2
(umask 077; echo "a secret of the tests" >secret)
: >file
server="manhattan-server --config /dev/null --once --ring none --url sqlite:///db --path log"
refuses "two rollups of one name are refused" 2 "named 'day'" $server --rollup day --rollup day
refuses "a log below what is no folder is refused" 2 "is no folder" \
  manhattan-server --config /dev/null --once --ring none --url sqlite:///db --path file/log
refuses "a password's file that is not there is named" 2 "absent" $server --password-file absent
[ ! -e db ]
verdict "and no store is made by any of them"

fcgi="manhattan-fcgi --config /dev/null --ring none --path log --secret-file secret"
refuses "a signal to be respected that is none is named" 2 "'please'" $fcgi --socket ./s --respect please
refuses "a cookie's name with a space is named" 2 "'a b'" $fcgi --socket ./s --cookie "a b"
refuses "a mode of no socket is refused" 2 "socket-mode goes with --socket" $fcgi --socket-mode 0600
refuses "a goal that nobody would record, too" 2 "goal goes with --ring or --path" \
  manhattan-fcgi --config /dev/null --ring none --socket ./s --goal "G; path=/x"
refuses "and the size of no ring" 2 "ring-mib goes with --ring" $server --ring-mib 8
refuses "no jobs at all are refused" 2 "jobs must be from" $fcgi --socket ./s --jobs 0
refuses "without a socket it is said who could give one" 2 "no socket to serve" $fcgi
refuses "without a secret it is said what it is for" 2 "signs the visitors' cookies" \
  manhattan-fcgi --config /dev/null --ring none --path log --socket ./socket

printf 'a body' | GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=POST CONTENT_LENGTH=6 REQUEST_URI=/ $fcgi -- \
  /bin/sh -c 'printf "Content-Type: text/plain\n\n%s, %s" "$REQUEST_METHOD" "$(cat)"' >answer
tr -d '\r' <answer | tail -n 1 | grep -qx 'POST, a body' && grep -qi '^Set-Cookie: manhattan=' answer
verdict "started as a plain CGI program it serves that one request"

query="manhattan-query --config /dev/null --connect ipc://$tmp/nobody"
refuses "a wait of no time is refused" 2 "wait must be from" $query --wait 0 status
run $query sample-size --rate 0.05 --lift 0.1 --visitors 1000
[ "$code" -eq 0 ] && grep -q "1,000 visitors for the control show a lift of" "$tmp/out"
verdict "what a number of visitors can show is told"
refuses "only status has Prometheus' format" 2 "no format prometheus" $query --format prometheus goals

replay="manhattan-replay --config /dev/null"
mkdir one two
for folder in one two; do printf '1\tpixel\t1\tv\t1\n' >$folder/log.0; done
refuses "logs of two folders can't be followed" 2 "is not in" $replay one/log two/log -f
refuses "a visitor is forgotten in all of a log or not at all" 2 "forget takes all" \
  $replay one/log --forget v --site 1
refuses "a web server's log that is not there is named" 2 "absent" $replay --combined absent
