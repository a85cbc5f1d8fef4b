# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call of a module comes to."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any

from .._app.errors import innermost
from . import deliver, other
from .errors import Damaged, DeliveryError
from .kinds.kind import sha256_of
from .options import Options, check


def toolbox(options: Options, dry: bool) -> dict[str, Any]:
    """One call of the module ``toolbox``."""
    check(options)
    try:
        return _toolbox(options, dry)
    except OSError as error:
        raise _cannot_write(options["path"], error) from error


def _toolbox(options: Options, dry: bool) -> dict[str, Any]:
    root, timeout = options["path"], options["lock_timeout"]
    if options["state"] == "absent":
        return other.absent(root, "/etc", timeout, dry)
    if options["generation"] is not None:
        return other.back(root, options["generation"], options["keep"], timeout, dry)
    request = deliver.Request(
        root,
        options["record"],
        options["_projects"] or [],
        options["removals"] == "hold",
        options["keep"],
        options["grace"],
        options["accept_older"],
        options["enrol"],
        options["test_timeout"],
        timeout,
        options["_uv"] or "",
        _verified(options["_bundle"]),
        (options["_bundle"] or {}).get("unsent", {}),
        dry,
    )
    return _judged(deliver.deliver(request), request.hold)


def _verified(bundle: Mapping[str, Any] | None) -> str:
    """The path of what was sent, if it arrived as it was sent."""
    if not bundle:
        return ""
    if sha256_of(bundle["path"]) != bundle["sha256"]:
        raise Damaged("what the control machine sent did not arrive whole", "its checksum differs", "Run again")
    return str(bundle["path"])


def _judged(answer: dict[str, Any], hold: bool) -> dict[str, Any]:
    """A tool that is not ready fails the call; one that only holds lets the play go on, so that others can leave."""
    failures = answer["failures"]
    if failures and not hold:
        said = "; ".join(answer.pop("told"))
        left = "What was there before is still there" if answer["generation"] else "Nothing else was left out"
        return {**answer, "failed": True, "msg": f"not everything is ready: {said}. {left}"}
    return {**answer, "told": [*(f"not ready: {text}" for text in answer["told"]), *answer["notes"], *_unknown(answer["unknown"])]}


def _unknown(names: list[str]) -> list[str]:
    return [f"{name} is not known to this machine and gets nothing" for name in names]


def _cannot_write(root: str, error: OSError) -> DeliveryError:
    remedy = "Make room there, then run again" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Look at that path, then run again"
    where = error.filename or root
    return DeliveryError(f"{where} cannot be read or written", innermost(error), f"What was there before still works. {remedy}")


def info(options: Options) -> dict[str, Any]:
    """One call of the module ``toolbox_info``."""
    return other.info(options["path"])
