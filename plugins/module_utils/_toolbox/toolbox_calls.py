# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call of a module comes to."""

from __future__ import annotations

import base64
import errno
from typing import Any

from .._core.errors import ShippingError, innermost
from . import deliver
from .bundle_reader import Bundle
from .delivery_errors import DeliveryError
from .toolbox_options import Options, check


def toolbox(options: Options, dry: bool) -> dict[str, Any]:
    """One call of the module ``toolbox``."""
    check(options)
    try:
        return _toolbox(options, dry)
    except OSError as error:
        raise _cannot_write(options["path"], error) from error


def directly(options: Options, dry: bool, diff: bool) -> dict[str, Any]:
    """The same where no module is around it, told as a module tells it."""
    try:
        answer = toolbox(options, dry)
    except ShippingError as error:
        return {"failed": True, "msg": str(error), **error.facts}
    kept = {
        name: value for name, value in answer.items() if name != "told" and (diff or name != "diff")
    }
    return {**kept, "warnings": answer.get("told", [])}


def _toolbox(options: Options, dry: bool) -> dict[str, Any]:
    if options["state"] == "absent" or options["generation"] is not None:
        return _without_record(options, dry)
    request = deliver.Request(
        options["path"],
        options["record"],
        options["_projects"] or [],
        options["removals"] == "hold",
        frozenset((one["id"], one["project"]) for one in options["may_remove"]),
        options["keep"],
        options["grace"],
        options["accept_older"],
        options["enrol"],
        options["test_timeout"],
        options["lock_timeout"],
        options["_uv"] or "",
        _bundle(options),
        (options["_bundle"] or {}).get("unsent", {}),
        dry,
    )
    return _judged(deliver.deliver(request), request.hold)


def _without_record(options: Options, dry: bool) -> dict[str, Any]:
    from . import maintenance

    root, timeout = options["path"], options["lock_timeout"]
    if options["state"] == "absent":
        return maintenance.absent(root, "/etc", timeout, dry)
    return maintenance.back(root, options["generation"], options["keep"], timeout, dry)


def _bundle(options: Options) -> Bundle:
    """What was sent, if it arrived as it was sent."""
    about = options["_bundle"]
    if not about:
        return Bundle()
    bundle = Bundle(
        str(about["path"]) if "path" in about else base64.b64decode(options["_content"])
    )
    bundle.verify(about["sha256"])
    return bundle


def _judged(answer: dict[str, Any], hold: bool) -> dict[str, Any]:
    """A tool that is not ready fails the call.

    One that only holds lets the play go on, so that others can leave.
    """
    failures = answer["failures"]
    if failures and not hold:
        said = "; ".join(answer.pop("told"))
        left = (
            "What was there before is still there"
            if answer["generation"]
            else "Nothing else was left out"
        )
        return {**answer, "failed": True, "msg": f"not everything is ready: {said}. {left}"}
    return {
        **answer,
        "told": [
            *(f"not ready: {text}" for text in answer["told"]),
            *answer["notes"],
            *_unknown(answer["unknown"]),
        ],
    }


def _unknown(names: list[str]) -> list[str]:
    return [f"{name} is not known to this machine and gets nothing" for name in names]


def _cannot_write(root: str, error: OSError) -> DeliveryError:
    remedy = (
        "Make room there, then run again"
        if error.errno in (errno.ENOSPC, errno.EDQUOT)
        else "Look at that path, then run again"
    )
    where = error.filename or root
    return DeliveryError(
        f"{where} cannot be read or written",
        innermost(error),
        f"What was there before still works. {remedy}",
    )


def info(options: Options) -> dict[str, Any]:
    """One call of the module ``toolbox_info``."""
    from . import maintenance

    return maintenance.info(options["path"])
