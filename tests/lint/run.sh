#!/usr/bin/env bash
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# run.sh            checks the code and the documentation
# run.sh NAME ...   only these checks
set -euo pipefail
cd "$(dirname "$0")/../.."

bin=$(tests/testbed/setup.sh python tests/lint/requirements.txt)

# ansible-test takes the Pythons that it finds on the PATH, also a version manager's stand-ins for absent ones.
pythons="${XDG_CACHE_HOME:-$HOME/.cache}/shipping.code/pythons"
mkdir -p "$pythons"
for version in 3.9 3.10 3.11 3.12 3.13 3.14; do
  if python=$(tests/testbed/setup.sh find "$version"); then ln -sfn "$python" "$pythons/python$version"; else rm -f "$pythons/python$version"; fi
done

PATH="$bin:$pythons:$PATH" exec "$bin/python" -m tests.lint "$@"
