#!/usr/bin/env bash
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Two programs that each prepare a version of a HAProxy map do not wait for each other, and the one
# that began first loses its entries without a word.
#
# Guess:    versions of a map are independent until the commit, and the last commit wins.
# Seen:     HAProxy 2.6.12: when the version that was begun later is committed first, the entries of
#           the earlier one are removed. `add map` for it still answers as after success, `show map
#           @1` shows what came after that alone, and only `commit map` reports an error, which is
#           "Version number out of range", on a connection that otherwise says nothing.
# So:       count a version's entries before its commit, read the map back after it, and begin again.
set -euo pipefail
shopt -s inherit_errexit
folder=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq haproxy=2.6.12-1+deb12u4 liblua5.3-0=5.3.6-2 libopentracing-c-wrapper0=1.1.3-3+b1 libopentracing1=1.6.0-4 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done
libraries=("$folder"/root/usr/lib/*-linux-gnu*)
export LD_LIBRARY_PATH="${libraries[0]}"
haproxy=root/usr/sbin/haproxy
$haproxy -v | sed -n 1p
echo "former 0" >weights.map
cat >router.cfg <<CONFIGURATION
global
  stats socket unix@$folder/control level admin
defaults
  mode http
  timeout client 1s
  timeout server 1s
  timeout connect 1s
frontend web
  bind unix@$folder/web
  http-request return status 200 if { str(former),map($folder/weights.map) -m found }
CONFIGURATION
$haproxy -f router.cfg 2>/dev/null &
pid=$!
until [ -S control ]; do sleep 0.1; done

command() { # one command of the runtime API, and its answer in one line
  python3 - "$folder/control" "${1//MAP/$folder/weights.map}" <<'PYTHON'
import socket, sys

with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(sys.argv[1])
    connection.sendall(sys.argv[2].encode() + b"\n")
    answer = b"".join(iter(lambda: connection.recv(4096), b"")).decode()
print(" ".join(line.split(" ", 1)[-1] if line.startswith("0x") else line for line in answer.split("\n") if line))
PYTHON
}

command "prepare map MAP" >/dev/null             # one program begins version 1,
command "add map @1 MAP first 1" >/dev/null
command "prepare map MAP" >/dev/null             # another begins version 2 and ends first
command "add map @2 MAP other 2" >/dev/null
command "commit map @2 MAP" >/dev/null
added=$(command "add map @1 MAP second 1")
shown=$(command "show map @1 MAP")
committed=$(command "commit map @1 MAP")
map=$(command "show map MAP")
echo "add: '$added', show @1: '$shown', commit: '$committed', map: '$map'"
if [ "$added" = "" ] && [[ $shown != *first* ]] && [[ $committed == *"out of range"* ]] && [ "$map" = "other 2" ]; then
  echo "as stated"
else
  echo "this has changed" && exit 1
fi
