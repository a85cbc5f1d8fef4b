# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""End a module with its result, or with its failure and the facts of the error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .answer_shape import UnexpectedAnswer
from .errors import ShippingError
from .failure import Failure


def answer(module: Any, work: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
    """End the module with what ``work`` returns for its options."""
    try:
        result = work(module.params)
    except ShippingError as error:
        result = error.as_result()
        # It may be a defect of this collection: at -vvv Ansible shows its place.
        if isinstance(error, UnexpectedAnswer):
            result["exception"] = error
    except Exception as error:
        defect = Failure(
            event=f"internal error {type(error).__name__}",
            cause=str(error),
            hint="Report it with the output at -vvv",
        )
        module.fail_json(msg=defect.sentence(), exception=error)
    for warning in result.pop("shown_warnings", ()):
        module.warn(warning)
    # AnsibleModule._diff is private; the module has no public name for the diff mode of the task.
    if not module._diff:
        result.pop("diff", None)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)
