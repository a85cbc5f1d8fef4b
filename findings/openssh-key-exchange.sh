#!/usr/bin/env bash
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Most of what a short command by SSH takes of the controller's processor is the key exchange that
# OpenSSH prefers by default; for a fleet that is asked one short question each, it is nearly all.
#
# Guess:    a connection takes some milliseconds, and starting ssh is most of it.
# Seen:     OpenSSH 9.2p1 (Debian 12): the client takes 60 to 80 ms of a processor with
#           sntrup761x25519-sha512, its first choice, and 10 to 15 with curve25519-sha256;
#           the server as much again. 2,000 hosts, one connection each: two minutes of a processor.
# So:       keep connections open (ControlPersist); for test beds, choose the exchange. The default
#           withstands quantum computers: do not give that up where secrets must stay secret for long.
# Needs:    root, and Debian's openssh-client and openssh-server.
set -euo pipefail
shopt -s inherit_errexit
folder=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$folder"' EXIT
ssh -V
for name in host user; do ssh-keygen -q -t ed25519 -N '' -f "$folder/$name"; done
mkdir -p /run/sshd
port=22422
/usr/sbin/sshd -D -f /dev/null -p $port -o ListenAddress=127.0.0.1 -o HostKey="$folder/host" -o PidFile=none \
  -o AuthorizedKeysFile="$folder/user.pub" -o StrictModes=no -o UsePAM=no -o PermitRootLogin=yes 2>"$folder/log" &
server=$!
until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do sleep 0.1; done

# The client's processor time for ten connections, in milliseconds.
used() {
  python3 - "$@" <<'PYTHON'
import os, subprocess, sys

for _number in range(10):
    subprocess.run(sys.argv[1:], check=True, stdin=subprocess.DEVNULL)
found = os.times()
print(round(1000 * (found.children_user + found.children_system)))
PYTHON
}

connect() {
  used ssh -F none -p $port -i "$folder/user" -o KexAlgorithms="$1" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    -o LogLevel=ERROR -o BatchMode=yes root@127.0.0.1 true
}

first=$(ssh -F none -G localhost </dev/null 2>/dev/null | sed -n 's/^kexalgorithms \([^,]*\).*/\1/p')
default=$(connect "$first")
plain=$(connect curve25519-sha256)
echo "ten connections take $default ms with $first, $plain ms with curve25519-sha256"
if [[ "$first" == sntrup761x25519-sha512* ]] && ((default > 3 * plain)); then echo "as stated"; else echo "this has changed" && exit 1; fi
