#!/usr/bin/env bash
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# A play that only waits keeps a processor busy: Ansible asks its workers a thousand times a second
# whether they have ended. The interval can be set in ansible.cfg alone: there is no variable for it.
#
# Guess:    a play that waits 20 s for a command takes as much processor time as one that waits 0 s.
# Seen:     ansible-core 2.19.2 (and 2.21.5) takes 0.5 to 1.3 s more for it, the more the less else
#           the machine does: up to 7 % of a processor for each play; with internal_poll_interval =
#           0.05 a tenth of that. ANSIBLE_INTERNAL_POLL_INTERVAL is ignored (base.yml has `env: []`).
# So:       on a controller that runs many plays side by side, set it in ansible.cfg.
set -euo pipefail
shopt -s inherit_errexit
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ansible-core==2.19.2 # of Python 3.11 to 3.13
venv/bin/ansible --version | head -1
for seconds in 0 20; do
  printf '[{"hosts": "localhost", "connection": "local", "gather_facts": false, "tasks": [{"command": "sleep %s"}]}]' $seconds >"wait-$seconds.yml"
done
export HOME="$folder" ANSIBLE_LOCALHOST_WARNING=0 ANSIBLE_PYTHON_INTERPRETER="$folder/venv/bin/python"

# The processor time of a play and all that it starts, in milliseconds.
used() {
  python3 - "$@" <<'PYTHON'
import os, subprocess, sys

subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
found = os.times()
print(round(1000 * (found.children_user + found.children_system)))
PYTHON
}

more() { # what 20 s of waiting take
  local none waiting
  used venv/bin/ansible-playbook -i localhost, wait-0.yml >/dev/null
  none=$(used venv/bin/ansible-playbook -i localhost, wait-0.yml)
  waiting=$(used venv/bin/ansible-playbook -i localhost, wait-20.yml)
  echo $((waiting - none))
}

default=$(more)
variable=$(ANSIBLE_INTERNAL_POLL_INTERVAL=0.05 more)
printf '[defaults]\ninternal_poll_interval = 0.05\n' >ansible.cfg
file=$(more)
echo "20 s of waiting take: by default $default ms, with the variable $variable ms, with ansible.cfg $file ms"
if ((default > 4 * file && variable > 4 * file)); then echo "as stated"; else echo "this has changed" && exit 1; fi
