# SPDX-License-Identifier: MIT
# Runs as root on a booted machine that has the packages and what packages_booted.sh has set up, after
# that. Beside it lie older.deb, newer.deb and newest.deb: the package manhattan with other versions, the
# first of them without the report's units.
# Prints `ok - ...` and `not ok - ...` lines.
cd /var/tmp

verdict() {
  if [ "$?" -eq 0 ]; then echo "ok - $1"; else
    echo "not ok - $1"
    { cat dpkg.log; systemctl list-units --all "manhattan*"; journalctl --no-pager -n 60; } 2>&1 | sed 's/^/  | /'
  fi
}
until_true() { timeout 60 sh -c "until $1; do sleep 0.05; done" 2>/dev/null; }
property() { systemctl show --value -p "$1" "$2"; }
install() { dpkg --no-triggers -i "$1" >dpkg.log 2>&1; }
wrappers='manhattan-fcgi@manhattan.service manhattan-fcgi@shop.service'
sockets='manhattan-fcgi.socket manhattan-fcgi@shop.socket'

pids() { for unit in $wrappers manhattan-server.service; do property MainPID $unit; done; }
# Each unit's process is another one than before, and of the program that is installed now.
are_new() {
  for unit in $wrappers manhattan-server.service; do
    pid=$(property MainPID "$unit")
    ! grep -qx "$pid" pids && cmp -s "/proc/$pid/exe" "/usr/bin/$(basename "$(readlink "/proc/$pid/exe")")" || return 1
  done
}
states() { systemctl is-active "$@" | sort -u | tr '\n' ' '; }
count() { manhattan-query count "Began Checkout"; }

ip link set lo up
cat >/srv/cgi/slow <<'PROGRAM'
#!/bin/sh
printf 'Content-Type: text/plain\n\nbegun\n'
read x </srv/cgi/go
echo ended
PROGRAM
chmod 755 /srv/cgi/slow
cat >nginx.conf <<'NGINX'
daemon off; pid /run/nginx.pid; error_log /var/tmp/nginx.log; user www-data; worker_rlimit_nofile 4096;
events {}
http {
  access_log off;
  upstream kept { server unix:/run/manhattan/fcgi.sock; keepalive 4; }
  server {
    listen 127.0.0.1:80;
    include /etc/manhattan/nginx-manhattan.conf;
    location / { root /srv/cgi; fastcgi_pass unix:/run/manhattan/fcgi.sock; }
    location /wrapped { fastcgi_pass unix:/run/manhattan/shop.sock; }
    location /shop { root /srv/cgi; fastcgi_pass kept; }
  }
}
NGINX
mkfifo /srv/cgi/go
chmod 666 /srv/cgi/go
systemctl enable -q manhattan-fcgi@shop.socket
systemctl start manhattan-server $sockets && install older.deb
verdict "a downgrade"
nginx -c /var/tmp/nginx.conf &
until_true "curl -so /dev/null http://localhost/none"
curl -so /dev/null http://localhost/wrapped
until_true "manhattan-query status >status"
before=$(count)
python3 packages_visitors.py begun http://localhost/wrapped http://localhost/shop >visitors 2>&1 &
visitors=$!
until_true "[ -e begun ]"
verdict "visitors come"

# begin_slow: a request that is answered when go() lets its program go on.
begin_slow() {
  curl -sN http://localhost/slow >slow &
  slow=$!
  until_true "grep -q begun slow"
}
go() { echo >/srv/cgi/go && wait $slow && grep -q ended slow; }

begin_slow
pids >pids
install newer.deb &
upgrade=$!
until_true '[ "$(systemctl show --value -p ActiveState manhattan-fcgi@manhattan)" = deactivating ]' &&
  kill -0 $upgrade && go
verdict "an upgrade lets a request end that it meets"
wait $upgrade && are_new
verdict "and then the new programs run"
[ "$(states $sockets)" = "active " ]
verdict "while the sockets stay"
[ "$(states manhattan-report.socket)" = "active " ]
verdict "and a socket that the earlier version did not have is opened"

pids >pids
install newest.deb &
upgrade=$!
systemctl daemon-reexec
systemctl restart manhattan-server
wait $upgrade && are_new && [ "$(states $sockets $wrappers manhattan-server)" = "active " ]
verdict "a second one does so while systemd itself and the server are restarted"
pids >pids
install newest.deb && are_new && install older.deb && are_new && [ "$(states $sockets)" = "active " ]
verdict "the same version again does so, and an earlier one"

cp /etc/manhattan/shop.conf shop.conf
echo 'nonsense = 1' >>/etc/manhattan/shop.conf
shop=$(property MainPID manhattan-fcgi@shop)
install newer.deb && [ "$(property MainPID manhattan-fcgi@shop)" = "$shop" ] &&
  grep -q "manhattan-fcgi@shop.service goes on.*/etc/manhattan/shop.conf" dpkg.log
verdict "a wrapper whose configuration is wrong goes on as it was, and the upgrade says so"
cp shop.conf /etc/manhattan/shop.conf
systemctl restart manhattan-fcgi@shop && cmp -s "/proc/$(property MainPID manhattan-fcgi@shop)/exe" /usr/bin/manhattan-fcgi
verdict "until it is mended"

kill -TERM $visitors
wait $visitors
tail -1 visitors | grep -q ' 0 failures$' || { cat visitors nginx.log; false; }
verdict "no request has failed"
come=$(tail -1 visitors | cut -d' ' -f1)
until_true "manhattan-query status >status"
until_true '[ "$(manhattan-query count "Began Checkout")" -ge '"$((before + come)) ]"
[ "$(count)" -eq $((before + come)) ] || { echo "$before and $come are not $(count)"; false; }
verdict "and each visitor was counted once"

systemctl stop manhattan-server manhattan-fcgi.socket manhattan-fcgi@manhattan
install newest.deb && [ "$(states manhattan-server manhattan-fcgi.socket manhattan-fcgi@manhattan)" = "inactive " ]
verdict "what the administrator has stopped stays so"
systemctl disable -q manhattan-server && systemctl mask -q manhattan-fcgi.socket
install older.deb && [ "$(states manhattan-server manhattan-fcgi.socket)" = "inactive " ] &&
  ! systemctl is-enabled -q manhattan-server && [ "$(systemctl is-enabled manhattan-fcgi.socket)" = masked ]
verdict "and disabled or masked"
systemctl start manhattan-server
pids >pids
install newest.deb && [ "$(states manhattan-server)" = "active " ] && ! grep -qx "$(property MainPID manhattan-server)" pids &&
  ! systemctl is-enabled -q manhattan-server
verdict "a disabled server that runs is restarted"
systemctl enable -q manhattan-server && systemctl unmask -q manhattan-fcgi.socket && systemctl start manhattan-fcgi.socket

begin_slow
dpkg --no-triggers --remove manhattan >dpkg.log 2>&1 &
removal=$!
until_true '[ "$(systemctl show --value -p ActiveState manhattan-fcgi@manhattan)" = deactivating ]' &&
  kill -0 $removal && go && wait $removal
verdict "a removal lets a request end"
[ -z "$(systemctl list-units --all --plain --no-legend 'manhattan-*.service' 'manhattan-*.socket' | grep -v ' not-found ')" ] &&
  ! ls /run/manhattan/*.sock 2>/dev/null && ! pgrep -f '^/usr/bin/manhattan-'
verdict "after which nothing runs and no socket is there"
[ -s /etc/manhattan/manhattan.conf ] && [ -s /etc/manhattan/secret ] && [ -s /var/lib/manhattan/manhattan.db ] &&
  ls /var/log/manhattan/log.[0-9]* >/dev/null
verdict "while configuration, secret, log and store are kept"
kept=$(sha256sum /etc/manhattan/secret)
install newest.deb && [ "$(states manhattan-server manhattan-fcgi.socket)" = "active " ] &&
  [ "$(sha256sum /etc/manhattan/secret)" = "$kept" ] && until_true "manhattan-query status >status" &&
  [ "$(count)" -eq $((before + come)) ]
verdict "installed again, all starts, with what was counted"
dpkg --no-triggers --purge manhattan >dpkg.log 2>&1
# What the administrator has made in /etc/manhattan is no package's to remove.
rm /etc/manhattan/*.conf /etc/manhattan/*.env
rmdir /etc/manhattan
find /etc /run /lib/systemd /usr/bin /usr/lib/*.d /usr/share/doc /usr/share/man /var/lib /var/log \
  -name '*manhattan*' ! -path '*libmanhattan*' >left
[ ! -s left ] || { cat left; false; }
verdict "purged while all runs, it leaves nothing"
! pgrep -f '^/usr/bin/manhattan-' && [ -z "$(systemctl list-units --all --plain --no-legend 'manhattan-*.service' 'manhattan-*.socket')" ]
verdict "and nothing runs"
echo "the end"
