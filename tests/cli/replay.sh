#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/expect.sh"

replay="manhattan-replay --config /dev/null"
printf '1\tpixel\t1\ta\t1\n' >"$tmp/log.3600"
store=sqlite:///$tmp/db

refuses "no log is wrong use" 2 "no log is named" $replay
refuses "a missing folder is named" 2 "absent" $replay "$tmp/absent/log"
refuses "a log without files is named" 2 "$tmp/other" $replay "$tmp/other"
refuses "two tasks are one too many" 2 "url and --ring" $replay "$tmp/log" --url $store --ring "$tmp/ring"
refuses "a store and a format too" 2 "url and --format" $replay "$tmp/log" --url $store --format json
refuses "an unknown format is named" 2 "xml" $replay "$tmp/log" --format xml
refuses "an unknown kind is named" 2 "click" $replay "$tmp/log" --kind click
refuses "a site that is no number is named" 2 "shop" $replay "$tmp/log" --site shop
refuses "a time that is none is named" 2 "from 'noon'" $replay "$tmp/log" --from noon
refuses "times in the wrong order are told" 2 "not after" $replay "$tmp/log" --from 2 --to 1
refuses "a speed that is none is named" 2 "fast" $replay "$tmp/log" --ring "$tmp/ring" --speed fast
refuses "a check takes no filter" 2 "check takes all" $replay "$tmp/log" --check --site 1
refuses "a speed goes with a ring" 2 "speed goes with --ring" $replay "$tmp/log" --speed 3
refuses "not with a store" 2 "speed goes with --ring" $replay "$tmp/log" --url $store --speed max
refuses "who is forgotten is not masked" 2 "anonymize goes with printing" $replay "$tmp/log" --forget a --anonymize
refuses "a check masks nothing" 2 "anonymize goes with" $replay "$tmp/log" --check --anonymize
for option in "--rollup day" "--complex a|b" "--timezone UTC" "--threads 2" "--flush-every 5" "--cache-size 5" "--robots none"; do
  # shellcheck disable=SC2086
  refuses "$option goes with a store" 2 "${option%% *} goes with --url" $replay "$tmp/log" $option
done
refuses "a password goes with a store" 2 "password-file goes with --url" $replay "$tmp/log" --forget a --password-file x
printf '[manhattan-replay]\nspeed = 3\nrollup = day\nthreads = 2\n' >"$tmp/all.conf"
prints "the config file may have them for other tasks" "^1	pixel" manhattan-replay --config "$tmp/all.conf" "$tmp/log"
refuses "a store is not followed into" 2 "f goes with printing" $replay "$tmp/log" -f --url $store
refuses "a malformed store is named" 2 "oracle" $replay "$tmp/log" --url oracle://h/d
refuses "a malformed rollup is named" 2 "fortnight" $replay "$tmp/log" --url $store --rollup fortnight
[ ! -e "$tmp/db" ]
verdict "and no store is made"
$replay "$tmp/log" --ring "$tmp/ring" >"$tmp/out" 2>"$tmp/err"
[ $? -ne 0 ] && grep -q "$tmp/ring" "$tmp/err" && [ ! -e "$tmp/ring" ]
verdict "a ring that is not there is named, and not made"
prints "a record is printed as it stands" "^1	pixel	1	a	1$" $replay "$tmp/log"
prints "or as an object" '"kind": "pixel"' $replay "$tmp/log" --format json
prints "or as a row under a header" "^1970-01-01T00:00:01.0000Z	pixel	a	1" $replay "$tmp/log" --format tsv

# Web servers' logs are read in the order of their first pages.
page='192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] "GET /pie HTTP/1.0" 200 1 "-" "Mozilla/4.08"'
printf 'no page\n%s\n' "$page" >"$tmp/late" && echo "no page at all" >"$tmp/none"
prints "a web server's log may begin with what is no page" "/pie" $replay --combined "$tmp/late" "$tmp/none"

# As the server's section of a config file says.
printf '[manhattan-replay]\nspeed = max\n[manhattan-server]\npath = %s\nurl = sqlite:///%s\nrollup = day\ncomplex = Both|a,b\n' \
  "$tmp/log" "$tmp/as.db" >"$tmp/conf"
again="manhattan-replay --config $tmp/conf --as-server"
refuses "options beside --as-server are refused" 2 "as-server and --speed: the section \[manhattan-server\]" \
  $again --speed max
refuses "a prefix, too" 2 "as-server and PREFIX" $again "$tmp/log"
refuses "and a rollup" 2 "as-server and --rollup" $again --rollup hour
run $again
[ "$code" -eq 0 ] && grep -q "counted 1 records into 'sqlite:///$tmp/as.db'" "$tmp/err"
verdict "a store is counted as the server would"
manhattan-server --config "$tmp/conf" --once 2>"$tmp/err" && [ ! -s "$tmp/err" ]
verdict "which goes on with it"
run $again --url "sqlite:///$tmp/as2.db"
[ "$code" -eq 0 ] && manhattan-server --config "$tmp/conf" --url "sqlite:///$tmp/as2.db" --once 2>"$tmp/err"
verdict "and another with --url, which it takes as well"
