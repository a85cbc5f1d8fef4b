# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes when a play begins, and when its first task does."""

from __future__ import annotations

import os
import time

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: moments
type: aggregate
short_description: Writes when a play begins
description:
  - Writes the second at which a playbook begins, and that at which its first task begins,
    to the file that the variable MOMENTS names.
"""


class CallbackModule(CallbackBase):
    """Two lines a playbook."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "moments"
    CALLBACK_NEEDS_ENABLED = True
    first = True

    def v2_playbook_on_start(self, playbook: object) -> None:
        """Record that the playbook begins; the inventory is read."""
        self._write()

    def v2_playbook_on_task_start(self, *_arguments: object, **_named: object) -> None:
        """Record that a task begins."""
        if self.first:
            self._write()
        self.first = False

    def _write(self) -> None:
        with open(os.environ["MOMENTS"], "a", encoding="utf-8") as stream:
            stream.write(f"{time.time()}\n")
