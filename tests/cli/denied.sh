#!/bin/sh
# SPDX-License-Identifier: MIT
# A user who is in no group of Manhattan's is told which one to join. Only root can be another user.
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/../e2e/patience.sh"
[ "$(id -u)" -eq 0 ] || exit 0

cd "$tmp" || exit 2
chmod 755 .
mkdir programs run && cp "$build"/manhattan-event "$build"/manhattan-log "$build"/manhattan-query "$build"/manhattan-replay \
  "$build"/manhattan-report programs
stranger="setpriv --reuid=nobody --regid=nogroup --clear-groups env PATH=$tmp/programs:$PATH"
manhattan-server --config /dev/null --ring ring --ring-mib 1 --path run/log --url sqlite:///db --bind "ipc://$tmp/query" 2>said &
server=$!
trap 'kill -9 $server 2>/dev/null; rm -rf "$tmp"; [ "$failures" -eq 0 ] || exit 1' EXIT
becomes_true manhattan-query --config /dev/null --connect "ipc://$tmp/query" status >/dev/null
chgrp adm ring run query && chmod 660 ring query && chmod 750 run
printf '1\tpixel\t1\ta\t1\n' >log.0

advice="permission denied on '$tmp/ring': join group adm (usermod -aG adm nobody)"
refuses "an event that can't be written is told with the group to join" 1 "record dropped: $advice" \
  $stranger manhattan-event --config /dev/null --ring "$tmp/ring" --visitor v goal x
refuses "where the spill log is out of reach, too" 1 "; permission denied on '$tmp/run.*join group adm" \
  $stranger manhattan-event --config /dev/null --ring "$tmp/ring" --path "$tmp/run/log" --visitor v goal x
refuses "so is a log that is to be written" 1 "permission denied on '$tmp/run" \
  $stranger manhattan-event --config /dev/null --ring none --path "$tmp/run/log" --visitor v goal x
refuses "a ring that can't be watched" 1 "$advice" $stranger manhattan-log --config /dev/null --ring "$tmp/ring"
refuses "one that can't be played into" 1 "$advice" \
  $stranger manhattan-replay --config /dev/null "$tmp/log" --ring "$tmp/ring"
refuses "an endpoint that may not be connected to" 1 "permission denied on '$tmp/query': join group adm" \
  $stranger manhattan-query --config /dev/null --connect "ipc://$tmp/query" status
cp --preserve=all ring run/ring
refuses "a folder that may not be gone through" 1 \
  "permission denied on '$tmp/run/ring', which is in '$tmp/run': join group adm" \
  $stranger manhattan-event --config /dev/null --ring "$tmp/run/ring" --visitor v goal x
chmod 600 ring
refuses "a file that no group helps with" 1 "denied on '$tmp/ring': it is of mode 0600 and belongs to root:adm" \
  $stranger manhattan-log --config /dev/null --ring "$tmp/ring"
refuses "a ring that is not there is told apart" 1 "there is no ring '$tmp/absent': is manhattan-server running?" \
  $stranger manhattan-log --config /dev/null --ring "$tmp/absent"
kill $server && wait $server
verdict "the server never minds"
