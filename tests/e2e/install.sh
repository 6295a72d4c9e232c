#!/bin/sh
# SPDX-License-Identifier: MIT
# What `make install` puts there is enough to build a program with, and nothing of the tree is
# needed to run it. Usage: install.sh BUILD_DIR
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(realpath --relative-to="$root" "$1")
tmp=$(mktemp -d "${TMPDIR:-/tmp}/manhattan-install-XXXXXX") || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
# This make is none of the one that may have called us.
unset MAKEFLAGS MAKELEVEL

verdict() { if [ "$?" -eq 0 ]; then echo "ok - $1"; else echo "not ok - $1"; fi; }

make -C "$root" --no-print-directory OUT="$build" DESTDIR="$tmp" PREFIX=/opt/m install >"$tmp/out" 2>&1 ||
  { cat "$tmp/out"; false; }
verdict "make install takes DESTDIR and PREFIX"
rm "$tmp/out"
there=$tmp/opt/m
[ -d "$there" ] || exit 1
[ "$(ls "$tmp")" = opt ] && [ "$(ls "$tmp/opt")" = m ]
verdict "and puts nothing elsewhere"
for program in "$root/$build"/manhattan-*; do
  name=${program##*/}
  [ -x "$there/bin/$name" ] && [ -n "$(ls "$there"/share/man/man[18]/"$name".[18])" ] &&
    [ -s "$there/share/bash-completion/completions/$name" ]
  verdict "$name has its man page and completion"
done

export PKG_CONFIG_PATH="$there/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$tmp"
for header in $(cd "$there/include/manhattan" && find . -name '*.h' | sed 's|^\./||'); do
  echo "#include \"$header\"" | g++ -x c++ -fsyntax-only -Wall -Wextra -Werror \
    $(pkg-config --cflags libmanhattan) -
  verdict "$header needs no header that is not installed"
done

cat >"$tmp/program.cc" <<'PROGRAM'
#include <log/time_rotating_log.h>
#include <visitor/visitor.h>

int main(int, char** argv) {
  manhattan::base::SystemFiles files;
  manhattan::base::SystemClock clock;
  manhattan::TimeRotatingLog log(argv[1], files, clock);
  manhattan::Visitor visitor("v1", log, 1);
  return visitor.goal("pie accomplished") != manhattan::Append::written;
}
PROGRAM
g++ ${SAN:+-fsanitize=$SAN} -o "$tmp/program" "$tmp/program.cc" \
  $(pkg-config --cflags --libs libmanhattan) &&
  LD_LIBRARY_PATH="$there/lib" "$tmp/program" "$tmp/log" && grep -q "pie accomplished" "$tmp"/log.[0-9]*
verdict "a program builds with pkg-config and records a goal"
g++ ${SAN:+-fsanitize=$SAN} -o "$tmp/static" "$tmp/program.cc" \
  $(pkg-config --cflags --libs --static libmanhattan | sed 's/-lmanhattan /-l:libmanhattan.a /') &&
  "$tmp/static" "$tmp/log" && [ "$(cat "$tmp"/log.[0-9]* | wc -l)" -eq 2 ]
verdict "also with the static library"
