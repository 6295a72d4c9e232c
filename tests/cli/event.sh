#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/expect.sh"

visitor=0123456789abcdef0123456789abcdef01234567
event() { manhattan-event --config /dev/null --ring none --path "$tmp/log" --visitor $visitor "$@"; }
record() { tail -qn 1 "$tmp"/log.[0-9]* | cut -f "$1"; }
tab=$(printf '\t')

event goal "Order Placed" --value 12.50 --type S --format C
verdict "a goal is recorded"
[ "$(record 2,4-)" = "goal$tab$visitor${tab}0${tab}Order Placed${tab}12.5${tab}S${tab}C" ]
verdict "with name, value, type and format"
event goal --value -3 "Refund"
[ "$(record 6,7)" = "Refund$tab-3" ]
verdict "a value may be negative"
event --site 7 pixel && [ "$(record 2-5 | cut -f 1,4)" = "pixel${tab}7" ]
verdict "a pixel is recorded, on its site"
HTTP_HOST=example.com REQUEST_URI='/a?b' REQUEST_METHOD=GET REMOTE_ADDR=192.0.2.1 event page
[ "$(record 2,6-8)" = "page${tab}192.0.2.1${tab}GET${tab}http://example.com/a?b" ]
verdict "a page is recorded from the CGI environment"

chosen=$(event split "Blue Button" control blue)
[ "$(record 6,7)" = "Blue Button$tab$chosen" ]
verdict "a split prints the population that it records"
[ "$(event split "Blue Button" control blue)" = "$chosen" ]
verdict "and the same one again"
[ "$(event split t only=1 never=0)" = only ] && [ "$(event split t never=0 only)" = only ]
verdict "no visitor is in a population of no weight"
case $(event split "no populations") in True | False) ;; *) false ;; esac
verdict "without populations it is True or False"

robot() { # ID: the split of a robot whose id is another each time
  MANHATTAN_VISITOR=$1 MANHATTAN_ROBOT=googlebot manhattan-event --config /dev/null --ring none \
    --path "$tmp/log" split Colour red blue green yellow
}
before=$(cat "$tmp"/log.* | wc -l)
[ "$(for id in 1 2 3 4 5 6 7 8; do robot $id; done | sort -u | wc -l)" = 1 ] &&
  [ "$(cat "$tmp"/log.* | wc -l)" = "$before" ]
verdict "a robot has one population, and no record of it"
ahead() { # what a page does that is fetched ahead
  MANHATTAN_VISITOR=$visitor MANHATTAN_PREFETCH=1 manhattan-event --config /dev/null --ring none \
    --path "$tmp/log" "$@"
}
[ "$(ahead split "Blue Button" control blue)" = "$chosen" ] && ahead goal ahead && ahead page &&
  [ "$(cat "$tmp"/log.* | wc -l)" = "$before" ]
verdict "a page that is fetched ahead has its population, and records nothing"

MANHATTAN_VISITOR=$visitor MANHATTAN_SITE=3 MANHATTAN_RING=none MANHATTAN_PATH=$tmp/log \
  manhattan-event --config /dev/null goal environment && [ "$(record 4-6)" = "$visitor${tab}3${tab}environment" ]
verdict "ring, log, visitor and site come from the environment"
printf '[manhattan-event]\nring = /wrong\nsite = 5\npath = /wrong/log\n' >"$tmp/conf"
MANHATTAN_VISITOR=$visitor MANHATTAN_SITE=3 MANHATTAN_RING=none MANHATTAN_PATH=$tmp/log \
  manhattan-event --config "$tmp/conf" --site 4 goal layers && [ "$(record 5,6)" = "4${tab}layers" ]
verdict "command line before environment before file"

mkdir "$tmp/spill"
manhattan-event --config /dev/null --ring "$tmp/absent" --path "$tmp/spill/log" --visitor $visitor goal spilled &&
  grep -q spilled "$tmp/spill/log.spill"
verdict "a record spills where there is no ring"

before=$(cat "$tmp"/log.* | wc -l)
exe="manhattan-event --config /dev/null --ring none --path $tmp/log --visitor v"
refuses "a command that comes near one is named with it" 2 "did you mean 'goal'" $exe gaol x
refuses "a page has no value" 2 "value goes with 'goal'" $exe page --value 3
refuses "a split has no type" 2 "type goes with 'goal'" $exe split t --type S
refuses "no command is wrong use" 2 "no command" $exe
refuses "an unknown command is named" 2 "'gaol'" $exe gaol x
refuses "a goal needs a name" 2 "'goal' needs a name" $exe goal
refuses "a second name is one too many" 2 "'b' is one argument too many" $exe goal a b
refuses "a value that is no number is named" 2 "'1,50'" $exe goal a --value 1,50
refuses "an unknown type is named" 2 "'X'" $exe goal a --type X
refuses "an unknown format is named" 2 "'NN'" $exe goal a --format NN
refuses "a weight that is no number is named" 2 "'a=b'" $exe split t a=b
refuses "weights that are all zero are refused" 2 "weight" $exe split t a=0 b=0
refuses "a negative weight is refused" 2 "weight" $exe split t a=-1 b=2
refuses "a site below 0 is refused" 2 "site" $exe goal a --site=-1
refuses "a site that is no number is refused" 2 "site" $exe goal a --site x
refuses "no visitor is wrong use" 2 "no visitor" manhattan-event --ring none --path "$tmp/log" goal a
refuses "--ring none needs a log" 2 "path" manhattan-event --ring none --visitor v goal a
[ "$(cat "$tmp"/log.* | wc -l)" -eq "$before" ]
verdict "wrong use records nothing"
refuses "a record that nothing can take is an error" 1 "dropped" \
  manhattan-event --config /dev/null --ring "$tmp/absent" --path "$tmp/no/folder/log" --visitor v goal a
refuses "with the reason" 1 "there is no ring '.*absent': is manhattan-server running?; there is no folder '.*no/folder'" \
  manhattan-event --config /dev/null --ring "$tmp/absent" --path "$tmp/no/folder/log" --visitor v goal a
[ ! -e "$tmp/absent" ] && [ ! -e "$tmp/no" ]
verdict "and nothing is half-created"
