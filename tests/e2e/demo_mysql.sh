#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/demo.sh"
demo "what visitors did is what is counted, in MariaDB" --store mysql --visitors 60
demo "also with manhattan-server killed twice in the traffic" --store mysql --visitors 60 \
  --kill-server 2 --seed 2
