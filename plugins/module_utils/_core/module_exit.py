# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module ends: its result, or its failure with the facts of the error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .errors import ShippingError


def answer(module: Any, work: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
    """End the module with what ``work`` makes of its options."""
    try:
        result = work(module.params)
    except ShippingError as error:
        module.fail_json(msg=str(error), **error.facts)
    except Exception as error:
        module.fail_json(
            msg=(
                f"an error that should not happen, {type(error).__name__}: {error}. Please report"
                " it with the output at -vvv"
            ),
            exception=error,
        )
    if not module.params.get("_job"):
        for warning in result.pop("told", ()):
            module.warn(warning)
    if not module._diff:
        result.pop("diff", None)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)
