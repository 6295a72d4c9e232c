#!/bin/sh
# SPDX-License-Identifier: MIT
# systemd's own judgement of the units. packages.py starts them. Usage: units.sh BUILD_DIR
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(realpath "$1")
tmp=$(mktemp -d "${TMPDIR:-/tmp}/manhattan-units-XXXXXX") || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

verdict() { if [ "$?" -eq 0 ]; then echo "ok - $1"; else echo "not ok - $1"; fi; }

mkdir "$tmp/units"
for unit in "$root"/etc/systemd/*; do
  sed "s|/usr/bin/manhattan|$build/manhattan|" "$unit" >"$tmp/units/${unit##*/}"
done
cd "$tmp/units" || exit 2
for unit in manhattan-server.service manhattan-fcgi.socket manhattan-fcgi@.service manhattan-fcgi@.socket \
  manhattan-report.socket manhattan-report.service; do
  SYSTEMD_UNIT_PATH="$tmp/units:" systemd-analyze verify --man=no --recursive-errors=no "./$unit" \
    >"$tmp/said" 2>&1 && [ ! -s "$tmp/said" ] || { cat "$tmp/said"; false; }
  verdict "systemd finds nothing wrong with $unit"
done
for unit in manhattan-server.service manhattan-fcgi@.service manhattan-report.service; do
  systemd-analyze security --offline=true --threshold=20 --no-pager "./$unit" >"$tmp/said" 2>&1 ||
    { tail -3 "$tmp/said"; false; }
  verdict "$unit is exposed by at most 2.0"
done
