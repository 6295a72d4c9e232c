#!/bin/sh
# SPDX-License-Identifier: MIT
# Names in questions that come near those that a server has; all others count 0, as ever.
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/../e2e/patience.sh"

cd "$tmp" || exit 2
{
  printf '1\tpage\t1\tv\t1\t192.0.2.1\tGET\thttp://a/\tMozilla/5.0\thttps://news.example/x\n'
  printf '1\tpixel\t2\tv\t1\n1\tsplit\t3\tv\t1\tBlue Button\tcontrol\n1\tgoal\t4\tv\t1\tOrder Placed\t12.5\tS\tC\n'
  printf '1\tgoal\t5\tv\t1\tStep 1\t\t\t\n1\tgoal\t5\tv\t1\tcaf\351\t\t\t\n'
} >log.0
manhattan-server --config /dev/null --ring none --path log --url sqlite:///db --bind "ipc://$tmp/query" \
  --rollup where=referrer 2>said &
server=$!
trap 'kill -9 $server 2>/dev/null; rm -rf "$tmp"; [ "$failures" -eq 0 ] || exit 1' EXIT
query="manhattan-query --config /dev/null --connect ipc://$tmp/query"
is_counted() { [ "$($query count 'Order Placed' 2>/dev/null)" = 1 ]; }
becomes_true is_counted
verdict "a goal is counted"

# is_slip WHAT MEANT WORD...: exit code 1, and what was meant.
is_slip() {
  what=$1 meant=$2
  shift 2
  refuses "$what is told with what was meant" 1 "no such .*; did you mean '$meant'?" $query "$@"
}
is_slip "another case of a goal" "Order Placed" count "order placed"
is_slip "a letter left out of a goal" "Order Placed" value "Order Plced"
is_slip "an accent left out" "caf.*" count cafe
is_slip "a goal of a series" "Order Placed" series "Order placed" --rollup where
is_slip "a goal of results" "Order Placed" results "Blue Button" "order-placed"
is_slip "a test of results" "Blue Button" results "blue button"
is_slip "a test of a variant" "Blue Button" count "Order Placed" --variant "Blue Buton=control"
is_slip "a population" "control" count "Order Placed" --variant "Blue Button=contrl"
is_slip "a bucket" "news.example" count "Order Placed" --rollup where --bucket news.exampel
refuses "a rollup, too" 2 "no rollup 'were', it has .*did you mean 'where'?" $query count "Order Placed" --rollup were --bucket x
refuses "a command, too" 2 "did you mean 'series'?" $query seires "Order Placed"
for goal in "Step 2" nonsense "Something else"; do
  prints "what comes near nothing, or is another number, counts 0: $goal" "^0$" $query count "$goal"
done
prints "and so does a population that nobody met" "^0$" $query count "Order Placed" --variant "Blue Button=green"
run sh -c "printf 'count \"order placed\"\ncount \"Order Placed\"\n' | $query"
[ "$code" -eq 1 ] && grep -qx 1 out && grep -q "did you mean 'Order Placed'" err
verdict "a script goes on, and ends with 1"
kill $server && wait $server
verdict "the server ends as it should"
