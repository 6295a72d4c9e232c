# SPDX-License-Identifier: MIT
# Sourced by the tests of command lines: BUILD_DIR is their first argument. Sets `tmp`, a folder that
# goes when the test ends; programs are found by name.
build=$(cd "$1" && pwd) || exit 2
PATH=$build:$PATH
tmp=$(mktemp -d "${TMPDIR:-/tmp}/manhattan-cli-XXXXXX") || exit 2
failures=0
trap 'rm -rf "$tmp"; [ "$failures" -eq 0 ] || exit 1' EXIT
trap 'exit 130' INT TERM
unset MANHATTAN_RING MANHATTAN_PATH MANHATTAN_VISITOR MANHATTAN_SITE MANHATTAN_PASSWORD

# verdict WHAT: ok if the command just before succeeded.
verdict() {
  if [ "$?" -eq 0 ]; then
    echo "ok - $1"
  else
    echo "not ok - $1"
    failures=$((failures + 1))
  fi
}

# run COMMAND...: at most PATIENCE_S, see scripts/check; its exit code in `code`, what it printed in $tmp/out and $tmp/err.
run() {
  code=0
  timeout -k 1 "${PATIENCE_S:-60}" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || code=$?
}

# refuses WHAT CODE PATTERN COMMAND...: exit code CODE, nothing on standard output, on standard error
# one line with PATTERN and, for wrong use (2), the pointer to --help.
refuses() {
  what=$1 due=$2 pattern=$3
  shift 3
  run "$@"
  lines=1
  [ "$due" -eq 2 ] && lines=2
  [ "$code" -eq "$due" ] && [ ! -s "$tmp/out" ] && [ "$(wc -l <"$tmp/err")" -eq "$lines" ] &&
    head -n 1 "$tmp/err" | grep -q -e "$pattern"
  verdict "$what"
  if ! { [ "$code" -eq "$due" ] && head -n 1 "$tmp/err" | grep -q -e "$pattern"; }; then
    echo "  $*: exit code $code, should be $due with '$pattern'"
  fi
  sed 's/^/  | /' "$tmp/err" | head -n 5
}

# prints WHAT PATTERN COMMAND...: exit code 0, PATTERN on standard output.
prints() {
  what=$1 pattern=$2
  shift 2
  run "$@"
  [ "$code" -eq 0 ] && grep -q -e "$pattern" "$tmp/out"
  verdict "$what"
  [ "$code" -eq 0 ] || sed 's/^/  | /' "$tmp/err"
}
