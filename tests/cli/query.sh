#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/expect.sh"

query="manhattan-query --config /dev/null --connect ipc://$tmp/nobody --wait 100"
refuses "nobody answering is a time-out" 4 "nobody" $query count goal
refuses "an unknown command is named" 2 "cuont" $query cuont goal
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
refuses "and there it is a name" 4 "no answer" $query count -- -foo
[ ! -e "$tmp/nobody" ]
verdict "and nothing is half-created"
