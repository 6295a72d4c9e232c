# SPDX-License-Identifier: MIT
# Runs as root on a booted machine that has just installed the packages; tests/e2e/packages.py made
# it. Prints `ok - ...` and `not ok - ...` lines.
cd /var/tmp

verdict() {
  if [ "$?" -eq 0 ]; then echo "ok - $1"; else
    echo "not ok - $1"
    systemctl status --no-pager -l "manhattan*" 2>&1 | sed 's/^/  | /'
    journalctl --no-pager -n 50 2>&1 | sed 's/^/  | /'
  fi
}

until_true() { timeout 20 sh -c "until $1; do sleep 0.05; done" 2>/dev/null; }
property() { systemctl show --value -p "$1" "$2"; }

ip link set lo up
systemctl start manhattan-server
verdict "manhattan-server says that it is ready"
manhattan-query status >status && [ -s status ]
verdict "and answers, by the packaged config"
[ "$(journalctl -o cat -u manhattan-server _COMM=manhattan-serve)" = "manhattan-server: \
$(manhattan-server --version | cut -d' ' -f2) answers at tcp://127.0.0.1:5555; log '/var/log/manhattan/log', \
store 'sqlite:////var/lib/manhattan/manhattan.db', ring '/run/manhattan/ring'" ]
verdict "it tells the journal in one line what it works with"
grep -q "^rollup.*day" status && grep -q "^rollup.*browser" status
verdict "and counts by day and browser"
[ "$(stat -c %U:%G:%a /run/manhattan/ring)" = manhattan:manhattan:660 ]
verdict "its ring is the group's to write"
systemctl show -p NoNewPrivileges -p ProtectSystem -p PrivateTmp -p PrivateDevices manhattan-server |
  sort | tr '\n' ' ' | grep -q '^NoNewPrivileges=yes PrivateDevices=yes PrivateTmp=yes ProtectSystem=strict '
verdict "and it is shut in"
pid=$(property MainPID manhattan-server)
grep -q "^Seccomp:.2$" "/proc/$pid/status" && grep -q "^CapEff:.0*$" "/proc/$pid/status"
verdict "with a filter of its system calls and no capability"
# A machine in a container may have no limits to give.
case $(awk '/^Max nice priority/ { print $4 }' "/proc/$pid/limits") in 30) better=10 ;; *) better=0 ;; esac
[ "$(awk '{ nice[$2] = $19 } END { print nice["(count)"] - nice["(answer)"] }' /proc/"$pid"/task/*/stat)" = $better ] &&
  [ "$(property LimitNICE manhattan-server)" = 30 ]
verdict "and yet it answers before it counts, where the machine allows that"

mkdir -p /srv/cgi
cat >/srv/cgi/shop <<'PROGRAM'
#!/bin/sh
echo "Content-Type: text/html"
echo "Manhattan-Goal: Began Checkout"
echo
echo "<html><body>$(id -un) $0 $PATH_INFO</body></html>"
PROGRAM
chmod 755 /srv /srv/cgi /srv/cgi/shop
printf '[manhattan-fcgi]\npath = /var/log/manhattan/log\nsite = localhost=7\n' >/etc/manhattan/shop.conf
echo PROGRAM=/srv/cgi/shop >/etc/manhattan/shop.env
cat >nginx.conf <<'NGINX'
daemon off; pid /run/nginx.pid; error_log /var/tmp/nginx.log; user www-data;
events {}
http {
  access_log off;
  server {
    listen 127.0.0.1:80;
    root /srv/cgi;
    include /etc/manhattan/nginx-manhattan-server.conf;
    location / { fastcgi_pass $manhattan_socket; }
    location /report { include /etc/nginx/fastcgi_params; fastcgi_pass unix:/run/manhattan/report.sock; }
    location /git/ { fastcgi_split_path_info ^(/git)(/.*)$; fastcgi_pass unix:/run/manhattan/cgit.sock; }
    location /wrapped { fastcgi_pass unix:/run/manhattan/shop.sock; }
  }
}
NGINX
systemctl start manhattan-fcgi.socket manhattan-fcgi@shop.socket manhattan-report.socket
verdict "the sockets listen"
nginx -c /var/tmp/nginx.conf &
until_true "curl -so /dev/null http://127.0.0.1/none"

visit() { # PATH: its page, and then its pixel
  curl -s -c jar -b jar "http://localhost$1" >page
  curl -s -c jar -b jar http://localhost/vpixel.gif >pixel
}
visit /shop
grep -q "www-data /srv/cgi/shop" page
verdict "a request starts manhattan-fcgi, which runs what the request names"
visit /wrapped/a%20b
grep -q "www-data /srv/cgi/shop /wrapped/a b<" page
verdict "an instance runs the program that it wraps, which finds the path"
until_true '[ "$(manhattan-query count "Began Checkout" --site 7)" = 1 ]' &&
  [ "$(manhattan-query count "Began Checkout")" = 1 ]
verdict "both instances know the visitor by the machine's secret, and the server counts"
! grep -q "$(cat /etc/manhattan/secret)" /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null
verdict "the secret is on no command line and in no environment"

# A program that was taken over, under the unit's hardening: what manhattan(7) says that it can't do.
cat >/srv/cgi/taken <<'PROGRAM'
#!/bin/sh
echo "Content-Type: text/plain"
echo
server=$(pgrep -x manhattan-serve)
for act in "cat /etc/manhattan/secret" "ls /var/lib/manhattan" "cat /var/lib/manhattan/manhattan.db" "touch /etc/x" \
  "touch /usr/x" "touch /srv/cgi/x" "touch /run/x" "rm /run/manhattan/ring" "touch /run/manhattan/x" "rm /etc/manhattan/manhattan.conf" \
  "kill $server" "kill -9 1" "ls /root" "unshare -r true" "mknod /var/tmp/x b 8 0" "dmesg" "sysctl -w kernel.panic=1" "su -c true"; do
  $act >/dev/null 2>&1 && echo "could: $act"
done
[ -w /run/manhattan/ring ] && echo "could only record"
PROGRAM
chmod 755 /srv/cgi/taken
visit /taken
[ "$(cat page)" = "could only record" ] || { cat page; false; }
verdict "a program that was taken over can do no more than manhattan(7) says"

cp jar before
sh ./rotate.sh
visit /wrapped
! cmp -s jar before && [ "$(grep -o '[0-9a-f]\{40\}' jar | head -1)" = "$(grep -o '[0-9a-f]\{40\}' before | head -1)" ]
verdict "a new secret before the old one signs anew and keeps the visitor"

sh ./wrap.sh 2>/dev/null && visit /git/ && grep -q cgit page
verdict "cgit is wrapped as manhattan(7) says"

curl -s http://localhost/report >page && grep -q "<title>Manhattan" page && grep -q "Began Checkout" page &&
  [ "$(stat -c %U:%G:%a /run/manhattan/report.sock)" = www-data:www-data:660 ]
verdict "the report is a page for web servers"
pid_of_report=$(property MainPID manhattan-report)
grep -q "^Seccomp:.2$" "/proc/$pid_of_report/status" && grep -q "^CapEff:.0*$" "/proc/$pid_of_report/status" &&
  [ "$(stat -c %u "/proc/$pid_of_report")" -ne 0 ]
verdict "which is shut in, too"

kill -9 "$pid"
until_true '[ "$(systemctl show --value -p NRestarts manhattan-server)" = 1 ]' &&
  until_true "manhattan-query status >status"
verdict "killed, the server is started again"
mkdir -p /run/systemd/system/manhattan-server.service.d
printf '[Service]\nWatchdogSec=2\n' >/run/systemd/system/manhattan-server.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart manhattan-server
kill -STOP "$(property MainPID manhattan-server)"
until_true '[ "$(systemctl show --value -p NRestarts manhattan-server)" -ge 1 ]' &&
  until_true "manhattan-query status >status"
verdict "hung, the watchdog does so"
systemctl reload manhattan-server manhattan-fcgi@shop.service && manhattan-query status >status
verdict "both reload"

# README.md's way to count again, and what goes wrong with it.
cp -p /etc/manhattan/manhattan.conf manhattan.conf
counted=$(manhattan-query count "Began Checkout")
sed -i 's|^url = .*|url = sqlite:////var/lib/manhattan/new.db|; s|^rollup = day|&\nrollup = hour|' /etc/manhattan/manhattan.conf
sh ./again.sh >again 2>&1 && [ "$(manhattan-query count "Began Checkout")" = "$counted" ] &&
  [ "$(manhattan-query series "Began Checkout" --rollup hour --format tsv | tail -1 | cut -f2)" = "$counted" ]
verdict "README.md's commands count again, and the server goes on with it"
[ "$(stat -c %U:%G /var/lib/manhattan/new.db)" = manhattan:manhattan ] && grep -q "counted .* records into" again
verdict "in a store of its own user"
sed -i '/^rollup = hour/d' /etc/manhattan/manhattan.conf
! systemctl restart manhattan-server 2>restart && [ "$(property NRestarts manhattan-server)" = 0 ] &&
  journalctl -o cat -n 20 -u manhattan-server | grep -q "was counted with rollup hour"
verdict "a rollup that is taken away fails the restart, once, and says why"
sed -i 's|^url = .*|url = sqlite:////var/lib/manhattan/root.db|' /etc/manhattan/manhattan.conf
manhattan-replay --as-server 2>again
systemctl reset-failed manhattan-server
! systemctl restart manhattan-server 2>restart && [ "$(property NRestarts manhattan-server)" = 0 ] &&
  journalctl -o cat -n 20 -u manhattan-server | grep -q "root.db': .*the file and its folder must be writable"
verdict "so does a store that root has made"
cp -p manhattan.conf /etc/manhattan/manhattan.conf
systemctl reset-failed manhattan-server && systemctl start manhattan-server &&
  [ "$(manhattan-query count "Began Checkout")" = "$counted" ]
verdict "and the first store is as it was"

# A store's password, as the unit's own comment says.
install -d -o mysql /run/db
mariadb-install-db --no-defaults --datadir=/run/db/data --user=mysql --skip-test-db >db.log 2>&1
mariadbd --no-defaults --datadir=/run/db/data --user=mysql --socket=/run/db/sock --skip-networking \
  >>db.log 2>&1 &
db=$!
password=$(openssl rand -hex 16)
until_true "mariadb --no-defaults -S /run/db/sock -e 'CREATE DATABASE manhattan'" &&
  mariadb --no-defaults -S /run/db/sock \
    -e "GRANT ALL ON manhattan.* TO manhattan@localhost IDENTIFIED BY '$password'"
verdict "a MariaDB lets in who knows a password"
(umask 077; echo "$password" >/etc/manhattan/password)
unit=$(systemctl show --value -p FragmentPath manhattan-server)
sed -n '/^#     \[Service\]/,/^# and to/s/^#     //p' "$unit" \
  >/run/systemd/system/manhattan-server.service.d/password.conf
cp -p /etc/manhattan/manhattan.conf manhattan.conf
sed -i "s|^url = .*|url = mysql://manhattan@localhost/manhattan?unix_socket=/run/db/sock|
  /^\[manhattan-server\]/a $(sed -n 's/^#     \(password-file\)/\1/p' "$unit")" /etc/manhattan/manhattan.conf
counted=$(manhattan-query count "Began Checkout" --site 7)
systemctl daemon-reload
systemctl restart manhattan-server
until_true '[ "$(manhattan-query count "Began Checkout" --site 7)" = '"$counted ]" &&
  [ "$(mariadb --no-defaults -NS /run/db/sock manhattan -e "SELECT count FROM conversion_counts
    WHERE name = 'Began Checkout' AND rollup_key = 'all' AND site_id = 7")" = "$counted" ]
verdict "the server gets a store's password as a credential, and counts there"
! grep -q "$password" /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null
verdict "which is on no command line and in no environment"
cp -p manhattan.conf /etc/manhattan/manhattan.conf
rm /etc/manhattan/password /run/systemd/system/manhattan-server.service.d/password.conf
systemctl daemon-reload
systemctl restart manhattan-server
kill $db
systemctl stop manhattan-server && [ "$(property Result manhattan-server)" = success ] &&
  [ "$(property ExecMainStatus manhattan-server)" = 0 ]
verdict "stopped, the server ends by itself"
echo "the end"
