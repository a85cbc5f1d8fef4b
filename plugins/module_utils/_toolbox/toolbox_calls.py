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


def toolbox(options: Options, *, check_mode: bool) -> dict[str, Any]:
    """Return the result of one call of the module ``toolbox``."""
    check(options)
    try:
        return _toolbox(options, check_mode=check_mode)
    except OSError as error:
        raise _cannot_write(options["path"], error) from error


def directly(options: Options, *, dry: bool, diff: bool) -> dict[str, Any]:
    """Make the same call without a module around it, with the result that a module would give."""
    try:
        result = toolbox(options, check_mode=dry)
    except ShippingError as error:
        return error.as_result()
    hidden = ("told",) if diff else ("told", "diff")
    shown = {name: value for name, value in result.items() if name not in hidden}
    return {**shown, "warnings": result.get("told", [])}


def _toolbox(options: Options, *, check_mode: bool) -> dict[str, Any]:
    if options["state"] == "absent" or options["generation"] is not None:
        return _without_record(options, check_mode=check_mode)
    request = deliver.Request(
        root=options["path"],
        record=options["record"],
        manifests=options["_projects"] or [],
        block_removals=options["removals"] == "block",
        approved_removals=frozenset(
            (pair["id"], pair["project"]) for pair in options["approved_removals"]
        ),
        keep=options["keep"],
        grace=options["grace"],
        accept_older=options["accept_older"],
        integrate_shells=options["shell_integration"],
        test_timeout=options["test_timeout"],
        lock_timeout=options["lock_timeout"],
        programs=options["_programs"] or {},
        bundle=_bundle(options),
        unsent=(options["_bundle"] or {}).get("unsent", {}),
        check_mode=check_mode,
        unhold=tuple(options["unhold"]),
    )
    report = deliver.deliver(request)
    return _result(
        report,
        may_fail=not request.block_removals,
        is_unfinished=bool(report["missing"]) and not check_mode,
    )


def _without_record(options: Options, *, check_mode: bool) -> dict[str, Any]:
    # Imported where it is needed: most calls have a record, and loading takes a machine's time.
    from . import generation_rollback, uninstall

    root, timeout = options["path"], options["lock_timeout"]
    if options["state"] == "absent":
        return uninstall.uninstall(root, "/etc", timeout, check_mode=check_mode)
    return generation_rollback.roll_back(
        generation_rollback.Rollback(root, options["generation"], options["keep"], options["hold"]),
        timeout,
        check_mode=check_mode,
    )


def _bundle(options: Options) -> Bundle:
    """Return what was sent, if it arrived as it was sent."""
    about = options["_bundle"]
    if not about:
        return Bundle()
    bundle = Bundle(
        # Small content comes along with the call, which saves a round trip; more comes as a file.
        str(about["path"]) if "path" in about else base64.b64decode(options["_content"])
    )
    bundle.verify(about["sha256"])
    return bundle


def _result(report: dict[str, Any], *, may_fail: bool, is_unfinished: bool) -> dict[str, Any]:
    """Return what the module reports; a tool that is not ready fails the call.

    A call that blocks removals may not fail: the play continues, so that others can leave. The role
    then reports errors of the catalog, once for all workstations.
    """
    failures = report.pop("failure_texts")
    # What is missing is sent first: the next call reports the errors.
    if may_fail and not is_unfinished:
        failures += [error["reason"] for error in report["catalog_errors"]]
    if failures and may_fail:
        rest = (
            "What was there before is still there"
            if report["generation"]
            else "Nothing else was left out"
        )
        message = f"not everything is ready: {'; '.join(failures)}. {rest}"
        return {**report, "failed": True, "msg": message}
    return {
        **report,
        "told": [
            *(f"not ready: {text}" for text in failures),
            *report["notes"],
            *_unknown(report["unknown"]),
        ],
    }


def _unknown(names: list[str]) -> list[str]:
    return [f"{name} is not known to this machine and gets nothing" for name in names]


def _cannot_write(root: str, error: OSError) -> DeliveryError:
    # Nothing is visible before the switch, so that a full disk costs users nothing.
    hint = (
        "Make room there, then run again"
        if error.errno in (errno.ENOSPC, errno.EDQUOT)
        else "Look at that path, then run again"
    )
    where = error.filename or root
    return DeliveryError(
        f"{where} cannot be read or written",
        innermost(error),
        f"What was there before still works. {hint}",
    )


def info(options: Options) -> dict[str, Any]:
    """Return the result of one call of the module ``toolbox_info``."""
    from . import inspection

    return inspection.inspect(options["path"])
