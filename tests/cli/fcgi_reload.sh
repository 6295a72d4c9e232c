#!/bin/sh
# SPDX-License-Identifier: MIT
# A mistake in a file that is read anew at SIGHUP leaves the wrapper as it was.
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/../e2e/patience.sh"

cd "$tmp" || exit 2
(umask 077; echo "a secret of the tests" >secret)
printf '[manhattan-fcgi]\nsocket = ./socket\nring = none\npath = log\nsecret-file = secret\n' >sound
cp sound config
manhattan-fcgi --config config 2>said &
wrapper=$!
trap 'kill -9 $wrapper 2>/dev/null; rm -rf "$tmp"; [ "$failures" -eq 0 ] || exit 1' EXIT
becomes_true [ -S socket ]

# after_hup PATTERN: says so after another SIGHUP.
after_hup() {
  : >said
  kill -HUP $wrapper && becomes_true grep -q -e "$1" said
}
echo 'no-such-key = 1' >>config
after_hup "not reloaded: .*no-such-key"
verdict "an unknown key is named"
printf '[manhattan-fcgi]\njobs = many\n' >config
after_hup "not reloaded: .*many"
verdict "a number that is none, too"
rm config
after_hup "not reloaded: cannot open"
verdict "a file that is gone, too"
cp sound config && chmod 644 secret
after_hup "not reloaded: 'secret' can be read by everyone"
verdict "a secret that is none any more, too"
chmod 600 secret && cp secret good && echo x >secret
after_hup "not reloaded: .*openssl rand"
verdict "a secret that is too short, too"
cat good >secret
for line in 'goal = A; path=/a' 'cookie = other' 'site = a=1' 'trusted-proxy = 192.0.2.1' 'pixel = none' 'respect = dnt' \
  'anonymize = true' 'split = S; path=/s' 'verbose = true'; do
  cp sound config && echo "$line" >>config
  after_hup "reloaded: ${line%% *} changed and takes effect"
  verdict "${line%% *} takes effect"
  cp sound config && after_hup "reloaded: ${line%% *} changed"
done
for line in "socket = $tmp/else" 'jobs = 3' 'timeout = 5' "root = $tmp" 'search-words = true' 'socket-mode = 0600' 'ring = /elsewhere' \
  'path = elsewhere' 'socket-owner = 0' 'upstream = /run/php.sock'; do
  sed "/^${line%% *} = /d" sound >config && echo "$line" >>config
  after_hup "warning: ${line%% *} changed and needs a restart of manhattan-fcgi"
  verdict "${line%% *} needs a restart"
done
printf '[manhattan-fcgi]\nring = none\npath = log\nsecret-file = secret\ngoal = X; pth=/x\n' >config
after_hup "not reloaded: .*config:5: .*did you mean 'path'"
verdict "a rule that is wrong is told with its line"
kill -TERM $wrapper && wait $wrapper
verdict "and the wrapper goes on until it is told to end"
