#!/bin/sh
# SPDX-License-Identifier: MIT
# The demo reads no configuration of the machine that it runs on: neither a file that would end every
# program nor variables that would lead its records elsewhere. Usage: demo_config.sh BUILD_DIR
if [ "$1" != --inside ]; then
  own_user=
  [ "$(id -u)" -eq 0 ] || own_user="--user --map-root-user"
  exec unshare $own_user --mount --propagation private "$0" --inside "$@"
fi
shift
mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work &&
  mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work /etc &&
  mkdir -p /etc/manhattan || exit 2
for program in fcgi server query event log replay report; do
  printf '[manhattan-%s]\nnonsense = 1\n' $program
done >/etc/manhattan/manhattan.conf
export MANHATTAN_RING=/nowhere/ring MANHATTAN_PATH=/nowhere/log MANHATTAN_SITE=77 MANHATTAN_VISITOR=-
. "$(dirname "$0")/demo.sh"
demo "the demo counts the same where Manhattan is configured for something else" --visitors 30
