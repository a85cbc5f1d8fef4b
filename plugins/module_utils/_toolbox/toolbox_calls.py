# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a call of the modules, and return its result."""

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
    """Run the same call without a module, and return the result that a module would return."""
    try:
        result = toolbox(options, check_mode=dry)
    except ShippingError as error:
        return error.as_result()
    hidden = ("shown_warnings",) if diff else ("shown_warnings", "diff")
    shown = {name: value for name, value in result.items() if name not in hidden}
    return {**shown, "warnings": result.get("shown_warnings", [])}


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
    # Imported where it is used: most calls have a host assignment, and the import takes time.
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
    """Return the bundle, if its checksum is right."""
    about = options["_bundle"]
    if not about:
        return Bundle()
    bundle = Bundle(
        # Small content is part of the call, which saves a round trip. Larger content is in a file.
        str(about["path"]) if "path" in about else base64.b64decode(options["_content"])
    )
    bundle.verify(about["sha256"])
    return bundle


def _result(report: dict[str, Any], *, may_fail: bool, is_unfinished: bool) -> dict[str, Any]:
    """Return the result of the module; a tool that is not ready fails the call.

    A call that blocks removals does not fail: the play continues, so that other users' tools are
    removed. The role then reports errors of the catalog, once for all workstations.
    """
    failures = report.pop("failure_texts")
    # The controller sends missing content first: the next call reports the errors.
    if may_fail and not is_unfinished:
        failures += [error["reason"] for error in report["catalog_errors"]]
    if failures and may_fail:
        rest = (
            "Users keep the versions that they had"
            if report["generation"]
            else "All other tools were installed"
        )
        message = f"not all tools are ready: {'; '.join(failures)}. {rest}"
        return {**report, "failed": True, "msg": message}
    return {
        **report,
        "shown_warnings": [
            *(f"not ready: {text}" for text in failures),
            *report["notes"],
            *_unknown(report["unknown"]),
        ],
    }


def _unknown(names: list[str]) -> list[str]:
    return [f"{name} has no account on this host and gets no tools" for name in names]


def _cannot_write(root: str, error: OSError) -> DeliveryError:
    # Before the switch, users keep what they had: a full disk does not affect them.
    hint = (
        "Free space there, then run again"
        if error.errno in (errno.ENOSPC, errno.EDQUOT)
        else "Check that path, then run again"
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
