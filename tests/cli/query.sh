#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/expect.sh"

query="manhattan-query --config /dev/null --connect ipc://$tmp/nobody --wait 100"
refuses "nobody answering is a time-out" 4 "nobody" $query count goal
refuses "an unknown command is named" 2 "cuont" $query cuont goal
refuses "with the one that was meant" 2 "did you mean 'count'" $query cuont goal
refuses "an unknown option is named with the one that was meant" 2 "'--formt'; did you mean '--format'" $query --formt tsv goals
refuses "a missing goal is named" 2 "missing GOAL .*for 'series'" $query series
refuses "a missing goal of a value, too" 2 "missing GOAL for 'value'" $query value
refuses "a missing test, too" 2 "missing TEST for 'results'" $query results
refuses "a missing method, too" 2 "missing METHOD for 'call'" $query call
refuses "missing arms, too" 2 "missing CONVERTED/VISITORS for 'compare'" $query compare 1/2
refuses "a word too many is named" 2 "'placed' is one argument too many for 'count'; a name with blanks" $query count order placed
refuses "a site where it would say nothing is refused" 2 "'tests' takes no --site" $query tests --site 3
refuses "an endpoint that is none is named" 2 "nonsense" \
  manhattan-query --config /dev/null --connect nonsense count goal
refuses "an endpoint that no socket can have is named" 2 "cannot connect to 'ipc://" \
  manhattan-query --config /dev/null --connect "ipc://$tmp/$(printf %0200d 0)" count goal
refuses "an unknown format is named" 2 "xml" $query --format xml count goal
refuses "a variant without a population is named" 2 "Blue" $query count goal --variant Blue
refuses "a site that is no number is named" 2 "site" $query count goal --site x
refuses "no largest buckets are refused" 2 "largest" $query series goal --largest 0
refuses "largest and bounds are refused" 2 "from" $query series goal --largest 5 --from 2026
refuses "a count of nothing is refused" 2 "" $query count
refuses "a name that begins with a dash is told where to stand" 2 \
  "'-foo'; what begins with a dash and is no option stands after --$" $query count -foo
run sh -c "echo count --foo | $query"
[ "$code" -eq 2 ] && grep -q "'--foo'; what begins with a dash and is no option stands after --$" "$tmp/err"
verdict "in the shell, too"
refuses "and there it is a name" 4 "nobody answers at .*: is manhattan-server running?" $query count -- -foo
for endpoint in tcp://127.0.0.1:1 "tcp://[::1]:1" tcp://localhost:1; do
  refuses "nobody at $endpoint is told" 4 "nobody answers at '.*:1': is manhattan-server running?" \
    manhattan-query --config /dev/null --wait 50 --connect "$endpoint" status
done
python3 -c 'import socket, sys, time
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
time.sleep(600)' >"$tmp/port" &
silent=$!
until [ -s "$tmp/port" ]; do :; done
refuses "somebody who listens and says nothing is told apart" 4 "no answer from .* though somebody listens" \
  manhattan-query --config /dev/null --wait 50 --connect "tcp://127.0.0.1:$(cat "$tmp/port")" status
kill $silent
[ ! -e "$tmp/nobody" ]
verdict "and nothing is half-created"
