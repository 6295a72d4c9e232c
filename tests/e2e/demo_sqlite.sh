#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/demo.sh"
copy=$(mktemp -d /tmp/mh-XXXXXX) || exit 2
trap 'rm -rf "$TMPDIR" "$copy"' EXIT
demo "what visitors did is what is counted, in SQLite" --visitors 100 --copy "$copy"
. "$scripts/../tests/e2e/demo_again.sh"
demo "also with manhattan-server killed three times in the traffic" --visitors 100 --kill-server 3 \
  --seed 2
