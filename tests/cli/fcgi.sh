#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/expect.sh"

(umask 077; echo "a secret of the tests" >"$tmp/secret")
fcgi="manhattan-fcgi --config /dev/null --ring none --path $tmp/log"
socket="--socket $tmp/socket"
refuses "a secret that is not there is named" 2 "absent" $fcgi $socket --secret-file "$tmp/absent"
(umask 077; : >"$tmp/empty")
refuses "an empty secret is named" 2 "empty" $fcgi $socket --secret-file "$tmp/empty"
echo secret >"$tmp/open" && chmod 644 "$tmp/open"
refuses "a secret that all may read is named" 2 "open" $fcgi $socket --secret-file "$tmp/open"
(umask 077; echo x >"$tmp/short")
refuses "a new installation refuses a short secret, and says how to make one" 2 \
  "'$tmp/short' has 16 bytes.*(umask 077; openssl rand -hex 32 > $tmp/short)" $fcgi $socket --secret-file "$tmp/short"
printf '[manhattan-fcgi]\nring = none\npath = %s\nsecret-file = %s\n' "$tmp/log" "$tmp/short" >"$tmp/config"
refuses "and so does a check of its configuration" 2 "openssl rand" manhattan-fcgi --config "$tmp/config" --check-config
mkdir "$tmp/old" && : >"$tmp/old/log.3600"
run manhattan-fcgi --config /dev/null --ring none --path "$tmp/old/log" --secret-file "$tmp/short" --socket "$tmp/no/socket"
[ "$code" -eq 1 ] && grep -q "warning: .*openssl rand.*and no others" "$tmp/err"
verdict "where there is a log it is a warning"
(umask 077; openssl rand -hex 32 > "$tmp/short")
run $fcgi --secret-file "$tmp/short" --socket "$tmp/no/socket"
! grep -q openssl "$tmp/err"
verdict "and what the command makes is long enough"
rm -r "$tmp/old"
refuses "a site without a number is named" 2 "example.com" \
  $fcgi $socket --secret-file "$tmp/secret" --site example.com
refuses "a site's number must be one" 2 "example.com=x" \
  $fcgi $socket --secret-file "$tmp/secret" --site example.com=x
refuses "a goal's rule that is none is named" 2 "Order; pth=/a" \
  $fcgi $socket --secret-file "$tmp/secret" --goal "Order; pth=/a"
refuses "so is a split's" 2 "population 'b'" \
  $fcgi $socket --secret-file "$tmp/secret" --split "Shop; population=a; program.b=/bin/true"
refuses "two splits of one variable are named" 2 "'blue-button'.*'Blue Button'" \
  $fcgi $socket --secret-file "$tmp/secret" --split "Blue Button" --split "blue-button"
refuses "so is a split that is there twice" 2 "'Shop'.*take one of them out" \
  $fcgi $socket --secret-file "$tmp/secret" --split "Shop; path=/a" --split "Shop; path=/a"
refuses "a mode that is none is named" 2 "0999" \
  $fcgi $socket --secret-file "$tmp/secret" --socket-mode 0999
refuses "a root that is not there is named" 2 "$tmp/no" \
  $fcgi $socket --secret-file "$tmp/secret" --root "$tmp/no"
refuses "an upstream runs no program of ours" 2 "exclude" \
  $fcgi $socket --secret-file "$tmp/secret" --upstream "$tmp/up" -- /bin/true
refuses "nor one below a root" 2 "\-\-root exclude" \
  $fcgi $socket --secret-file "$tmp/secret" --upstream "$tmp/up" --root "$tmp"
refuses "nor one with search words" 2 "\-\-search-words exclude" \
  $fcgi $socket --secret-file "$tmp/secret" --upstream "$tmp/up" --search-words
refuses "an upstream's address that is none is named" 2 "'nowhere'" \
  $fcgi $socket --secret-file "$tmp/secret" --upstream nowhere
refuses "a socket in a missing folder is named" 1 "no/socket" \
  $fcgi --secret-file "$tmp/secret" --socket "$tmp/no/socket"
refuses "a port in use is named" 1 "127.0.0.1" \
  /usr/bin/python3 "$(dirname "$0")/port_taken.py" \
  $fcgi --secret-file "$tmp/secret" --socket 127.0.0.1:PORT
[ ! -e "$tmp/socket" ] && [ ! -e "$tmp/no" ] && ! ls "$tmp" | grep -q '^log'
verdict "and nothing is half-created"
