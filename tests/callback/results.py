# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the result of each of the collection's tasks on each host to a file, for the tests."""

from __future__ import annotations

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: results
type: aggregate
short_description: Writes results to a file
description:
  - Writes each result of a module of this collection as a line of JSON, with its host and its
    action.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "results"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result):
        self._write(result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._write(result)

    def v2_runner_on_unreachable(self, result):
        self._write(result)

    def _write(self, result):
        if "shipping.code." in result.task.action:
            line = {
                "host": result.host.get_name(),
                "action": result.task.action,
                "result": result.result,
            }
            with open(os.environ["SHIPPING_TEST_RESULTS"], "a", encoding="utf-8") as stream:
                stream.write(json.dumps(line, default=str) + "\n")
