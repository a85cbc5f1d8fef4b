#!/usr/bin/env bash
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# run.sh               measures this collection and its peers, part after part, and writes each into docs/benchmarks.md
# run.sh --only PART   measures that part alone: swarm, ship, kubernetes, directory, delivery, delivery-many, delivery-scale, events, seen, router, experiments; --quick tries it with little, and prints it
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=$(tests/testbed/setup.sh python tests/benchmarks/requirements.txt)
PATH="$bin:$PATH" PYTHONPATH=.collections:. exec "$bin/python" -m tests.benchmarks "$@"
