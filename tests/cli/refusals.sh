#!/bin/sh
# SPDX-License-Identifier: MIT
# Wrong addresses, files and numbers, each named in one line; and options that change what is counted.
. "$(dirname "$0")/expect.sh"

cd "$tmp" || exit 2
(umask 077; echo "a secret of the tests" >secret)
: >file
fcgi="manhattan-fcgi --config /dev/null --ring none --path log --secret-file secret"
refuses "an owner of the socket who is no user is named" 2 "no user 'no-such-user'" \
  $fcgi --socket ./socket --socket-owner no-such-user
refuses "a group that is none, too" 2 "no group 'no-such-group'" \
  $fcgi --socket ./socket --socket-owner 0:no-such-group
refuses "a port has neither mode nor owner" 2 "neither mode nor owner" \
  $fcgi --socket 127.0.0.1:0 --socket-mode 0600
refuses "a path longer than a socket's is refused" 2 "over 107 bytes" \
  $fcgi --socket "./$(printf %0107d 0)"
refuses "a port beyond the last is refused" 2 "no port from 0 to 65535" $fcgi --socket 127.0.0.1:65536
refuses "a host whose name is none is named" 2 "'a..b:80'" $fcgi --socket a..b:80
refuses "a root that is no folder is named" 2 "'file': Not a directory" $fcgi --socket ./socket --root file
refuses "a descriptor that does not listen is no socket" 2 "does not listen" \
  sh -c "LISTEN_PID=\$\$ LISTEN_FDS=1 exec $fcgi 3</dev/null"
refuses "a pixel that is no path is named" 2 "'pixel.gif'" $fcgi --socket ./socket --pixel pixel.gif
[ ! -e socket ]
verdict "and no socket is made by any of them"

for header in DNT SEC_GPC; do
  env "HTTP_$header=1" GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=GET REQUEST_URI=/ $fcgi -v --respect dnt,gpc \
    -- /bin/sh -c 'printf "Content-Type: text/plain\n\nserved"' >answer 2>said
  tail -n 1 answer | grep -q served && grep -q "GET /: 200" said && ! grep -qi set-cookie answer && ! ls | grep -q '^log\.[0-9]'
  verdict "a visitor who sends $header is served and not recorded where that is respected"
done

refuses "a refresh in less than no time is refused" 2 "refresh must be from 0" \
  manhattan-report --config /dev/null --refresh -1
query="manhattan-query --config /dev/null"
refuses "a sum that is no number is named" 2 "sum 'x' is no number" $query compare --value 2:x:1 2:1:1
run $query compare 560/10000 600/10000 300/10000 --margin -0.1
[ "$code" -eq 0 ] && grep -q "guardrail: 'B' surely stays above" out && grep -q "guardrail: 'C' may not stay" out
verdict "a guardrail is judged for each population but the control"

server="manhattan-server --config /dev/null --once --ring none"
# Placeholders of the parser's own sentences, which replaced them for ever.
refuses "an option of a placeholder's name is refused" 2 "option '--%canonical_option%'" \
  $server --path log --url sqlite:///db --%canonical_option%
refuses "and so is such a value" 2 "('%value%') for option '--flush-every'" \
  $server --path log --url sqlite:///db --flush-every %value%
printf '[manhattan-server]\n%%original_token%% = 1\n' >placeholder.conf
refuses "and such a line of a config file" 2 "placeholder.conf.*option '%original_token%'" \
  manhattan-server --config placeholder.conf
refuses "a file of robots that is not there is named" 2 "robots: .*absent" \
  $server --path log --url sqlite:///db --robots absent
mkdir folder && chmod 750 folder
refuses "a password in a folder is refused" 2 "'folder': it is a folder" \
  $server --path log --url sqlite:///db --password-file folder
MANHATTAN_PASSWORD=hidden
export MANHATTAN_PASSWORD
refuses "a store that does not answer is named" 1 "mysql://user@127.0.0.1:1/" \
  $server --path log --url mysql://user@127.0.0.1:1/database
! grep -q hidden err
verdict "and not with the password of the environment"
unset MANHATTAN_PASSWORD

printf '1\tpage\t1\tv\t1\t\tGET\thttp://a/\tGooglebot/2.1\t\n1\tpixel\t2\tv\t1\n' >robot.0
printf 'googlebot\n' >robots
# viewers STORE ROBOTS: rows that count a page's viewers.
viewers() {
  run manhattan-replay --config /dev/null robot --url "sqlite:///$1" --robots "$2"
  [ "$code" -eq 0 ] && sqlite3 "$1" "SELECT count(*) FROM conversion_counts"
}
[ "$(viewers without robots)" = 0 ] && [ "$(viewers with none)" = 1 ]
verdict "robots are counted where none are to be left out"

# What decides what is kept and counted is a setting of the store.
printf '1\tpage\t1\tv\t1\t192.0.2.88\tGET\thttp://a/\tFirefox\t\n1\tpixel\t2\tv\t1\n' >kept.0
replay="manhattan-replay --config /dev/null kept --url"
kept_as="was counted with"
$replay sqlite:///masked --rollup ip --anonymize 2>/dev/null && $replay sqlite:///plain --rollup ip 2>/dev/null
verdict "a log is counted with --anonymize and without"
refuses "a replay without --anonymize is refused where the store has networks" 2 "$kept_as anonymize 'yes'" \
  $replay sqlite:///masked --rollup ip
refuses "and one with it where the store has addresses" 2 "$kept_as anonymize 'no'" \
  $replay sqlite:///plain --rollup ip --anonymize
refuses "and one that leaves out other robots" 2 "$kept_as robots" $replay sqlite:///plain --rollup ip --robots robots
refuses "and one of other records" 2 "$kept_as log" $replay sqlite:///plain --rollup ip --site 1
[ "$(sqlite3 masked "SELECT bucket_id FROM conversion_counts WHERE rollup_key = 'ip'")" = 192.0.2.0 ]
verdict "and the store keeps what it has"
$server --path kept --url sqlite:///served --anonymize 2>/dev/null
verdict "a server counts with --anonymize"
refuses "and is refused without" 2 "$kept_as anonymize 'yes'" $server --path kept --url sqlite:///served
