#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/demo.sh"
demo "what visitors did is what is counted, in SQLite" --visitors 100
demo "also with manhattan-server killed three times in the traffic" --visitors 100 --kill-server 3 \
  --seed 2
