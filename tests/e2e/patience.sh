# SPDX-License-Identifier: MIT
# For tests that wait for what another program does: `. "$(dirname "$0")/patience.sh"`.

# becomes_true COMMAND...: asks until it is; false where it is not within PATIENCE_S (see
# scripts/check), so that a hang has a name.
becomes_true() {
  patience_ends=$(($(date +%s) + ${PATIENCE_S:-60}))
  until "$@"; do
    [ "$(date +%s)" -lt "$patience_ends" ] || return 1
    sleep 0.02 # between two looks at the real condition
  done
}
