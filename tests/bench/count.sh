#!/bin/bash
# SPDX-License-Identifier: MIT
# Events a second from a text log into SQLite and MariaDB, whether that falls as the log grows, and
# what an event costs where one visitor asks for as many pages as all others do, beside what it costs
# without that one: tests/bench/count.sh BUILD_DIR [EVENTS] [MORE_EVENTS]. On one pinned core, medians
# of 3, beside GoAccess over the pages among them where it is installed. `make bench-count`.
set -eu
build=$(realpath "$1") events=${2:-1000000} more=${3:-10000000}
folder=$(mktemp -d "${TMPDIR:-/var/tmp}/manhattan-bench-XXXXXX")
mariadb=
trap '[ -z "$mariadb" ] || { kill "$mariadb"; wait "$mariadb" || :; }; rm -rf "$folder"' EXIT
rollups=(--rollup hour --rollup day --rollup week)  # and `all`
core=$(($(nproc) - 1))

start_mariadb() {
  command -v mariadbd >/dev/null || return 1
  mariadb-install-db --no-defaults --force --datadir="$folder/data" --skip-test-db --skip-name-resolve \
    --auth-root-authentication-method=normal --user="$(id -un)" >"$folder/install" 2>&1
  mariadbd --no-defaults --datadir="$folder/data" --socket="$folder/s" --skip-networking \
    --user="$(id -un)" --innodb-buffer-pool-size=512M --log-error="$folder/mariadb.log" 2>/dev/null &
  mariadb=$!
  until mariadb-admin --no-defaults -uroot -S "$folder/s" ping >/dev/null 2>&1; do
    kill -0 "$mariadb"
  done
}

# Prints seconds and peak KiB of a command.
cost_of() {
  /usr/bin/python3 - "$core" "$@" <<'END'
import os, resource, subprocess, sys, time
start = time.monotonic()
subprocess.run(["taskset", "-c", *sys.argv[1:]], check=True, stdout=subprocess.DEVNULL)
print(time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
END
}

count() { # PREFIX URL [OPTION ...]
  cost_of "$build/manhattan-server" --once --cache-size 1000000 --path "$1" --url "$2" \
    "${rollups[@]}" "${@:3}"
}

report() { # name, events, "seconds KiB"
  awk -v name="$1" -v events="$2" \
    '{ printf "%-28s %9d events %9.0f/s %7.0f MiB\n", name, events, events / $1, $2 / 1024 }' <<<"$3"
}

new_store() { # kind, name: its URL
  if [ "$1" = sqlite ]; then
    echo "sqlite:///$folder/$2.db"
  else
    mariadb --no-defaults -uroot -S "$folder/s" -e "CREATE DATABASE $2"
    echo "mysql://root@localhost/$2?unix_socket=$folder/s"
  fi
}

make_log() { # PREFIX EVENTS ...: on disk, or the server would wait for what the generator wrote
  "$build/clickstream" "$@"
  sync -f "$folder"
}

make_log "$folder/log" "$events"
for kind in sqlite mysql; do
  [ $kind = sqlite ] || start_mariadb || continue
  middle=$(for run in 1 2 3; do count "$folder/log" "$(new_store $kind run$run)"; done | sort -n | sed -n 2p)
  report "text log to $kind" "$events" "$middle"
done
if command -v goaccess >/dev/null; then
  awk -F'\t' '$2 == "page" { printf "%s - - [21/Nov/2026:00:00:00 +0000] \"GET %s HTTP/1.1\" 200 1000 \"%s\" \"%s\"\n", $6, $8, $10, $9 }' \
    "$folder"/log.* >"$folder/access.log"
  middle=$(for run in 1 2 3; do cost_of goaccess "$folder/access.log" --log-format=COMBINED --no-progress -o "$folder/out.json"; done |
    sort -n | sed -n 2p)
  report "GoAccess, the pages of it" "$(wc -l <"$folder/access.log")" "$middle"
fi
mkdir "$folder/heavy"
make_log "$folder/heavy/log" "$events" $((events / 20)) "$events"
for kind in sqlite ${mariadb:+mysql}; do
  light='' heavy=''
  for run in 1 2 3; do # in turns, for a machine is not always as fast
    light+=$(count "$folder/log" "$(new_store "$kind" "light$run")" --rollup path)$'\n'
    heavy+=$(count "$folder/heavy/log" "$(new_store "$kind" "heavy$run")" --rollup path)$'\n'
  done
  light=$(sort -n <<<"${light%?}" | sed -n 2p) heavy=$(sort -n <<<"${heavy%?}" | sed -n 2p)
  report "by path to $kind" "$events" "$light"
  report "and one heavy visitor" $((2 * events)) "$heavy"
  awk -v light="${light% *}" -v heavy="${heavy% *}" \
    'BEGIN { printf "%-28s %9.2f x what it costs without the heavy one\n", "an event", heavy / 2 / light }'
done
mkdir "$folder/more"
make_log "$folder/more/log" "$more"
for kind in sqlite ${mariadb:+mysql}; do
  report "longer log to $kind" "$more" "$(count "$folder/more/log" "$(new_store $kind more)")"
done
