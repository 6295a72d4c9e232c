#!/bin/bash
# SPDX-License-Identifier: MIT
# Records a second of manhattan-replay and of a server's compressing, beside `wc -l` and `zstd -d` over
# the same log in the same run: tests/bench/replay.sh BUILD_DIR [EVENTS]. A second is one of the
# processor's, on one pinned core, so that neighbours disturb less; the best of 3. `make bench-replay`.
set -eu
build=$(realpath "$1") events=${2:-2000000}
folder=$(mktemp -d "${TMPDIR:-/var/tmp}/manhattan-bench-XXXXXX")
trap 'rm -rf "$folder"' EXIT
replay="$build/manhattan-replay --config /dev/null"
core=$(($(nproc) - 1))

# seconds COMMAND: of the processor, for the fastest of 3 runs; COMMAND's output goes nowhere.
seconds() {
  /usr/bin/python3 - "$core" "$1" "${runs:-3}" <<'END'
import resource, subprocess, sys
def used():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
best = 1e9
for _ in range(int(sys.argv[3])):
    start = used()
    subprocess.run(["taskset", "-c", sys.argv[1], "sh", "-c", sys.argv[2]], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    best = min(best, used() - start)
print(best)
END
}

report() { # name, COMMAND
  awk -v name="$1" -v records="$records" -v took="$(seconds "$2")" -v wc="$wc_s" -v zstd="$zstd_s" \
    'BEGIN { printf "%-34s %10.0f records/s  %6.2f x wc -l  %6.2f x zstd -d\n", name, records / took, took / wc, took / zstd }'
}

"$build/clickstream" "$folder/log" "$events"
records=$(cat "$folder"/log.* | wc -l)
mkdir "$folder/zst" && cp "$folder"/log.* "$folder/zst" && zstd -q --rm "$folder"/zst/log.*
visitor=$(head -n 1 "$(ls "$folder"/log.* | head -n 1)" | cut -f 4)
wc_s=$(seconds "cat $folder/log.* | wc -l")
zstd_s=$(seconds "zstd -q -d -c $folder/zst/log.*")
awk -v records="$records" -v wc="$wc_s" -v zstd="$zstd_s" \
  'BEGIN { printf "%d records; wc -l %.0f records/s, zstd -d %.0f records/s\n", records, records / wc, records / zstd }'
report "printing text" "$replay $folder/log"
report "printing tsv" "$replay $folder/log --format tsv"
report "printing json" "$replay $folder/log --format json"
report "printing tsv of zstd files" "$replay $folder/zst/log --format tsv"
report "filtering, one visitor" "$replay $folder/log --visitor $visitor"
report "filtering, one kind" "$replay $folder/log --kind goal"
report "anonymizing" "$replay $folder/log --anonymize"
report "checking" "$replay $folder/log --check"
report "rebuilding into sqlite" "rm -f $folder/db*; $replay $folder/log --url sqlite:///$folder/db --cache-size 1000000 --rollup day"
wall_of() { # THREADS: seconds on the wall of a rebuild, the best of 3
  local TIMEFORMAT=%R
  for _ in 1 2 3; do
    rm -f "$folder"/db*
    { time $replay "$folder/log" --url "sqlite:///$folder/db" --cache-size 1000000 --rollup day \
      --threads "$1" >"$folder/out" 2>&1; } 2>&1
  done | sort -n | head -n 1
}
awk -v one="$(wall_of 1)" -v two="$(wall_of 2)" -v records="$records" \
  'BEGIN { printf "rebuilding, on the wall: %.0f records/s with one thread, %.0f with two: %.2f x\n", records / one, records / two, one / two }'
report "forgetting a visitor, plain" "$replay $folder/log --forget nobody"
report "forgetting a visitor, zstd" "$replay $folder/zst/log --forget nobody"
$replay "$folder/log" --url "sqlite:///$folder/kept" 2>/dev/null
serve="$build/manhattan-server --config /dev/null --once --path $folder/log --url sqlite:///$folder/kept"
$serve 2>/dev/null
runs=1 report "compressing, by a server" "$serve --compress yes"
