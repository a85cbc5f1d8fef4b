# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pin images to digests, as their registries have them now."""

from __future__ import annotations

from collections.abc import Sequence

from ..._core.cause import Cause
from ..._core.errors import PlanError
from ..._core.image_references import Reference
from ..._core.parallel import side_by_side
from ..._deploy.failure_kinds import hint
from ..._registry.registries import Registries


def resolve(registries: Registries, references: Sequence[str], mode: str) -> dict[str, str]:
    """Return each reference with its digest, by one registry call for each distinct image."""
    if mode == "never":
        return {reference: reference for reference in references}
    answers = side_by_side(lambda reference: _resolve(registries, reference), references)
    unresolved = [answer for answer in answers if isinstance(answer, Cause)]
    if unresolved:
        hints = sorted({hint(cause.kind) for cause in unresolved})
        images = "an image" if len(unresolved) == 1 else f"{len(unresolved)} images"
        raise PlanError(
            f"cannot resolve {images}",
            "; ".join(cause.text for cause in unresolved),
            ". ".join(hints),
            failures=[{"kind": cause.kind, "cause": cause.text} for cause in unresolved],
        )
    return dict(zip(references, map(str, answers)))


def _resolve(registries: Registries, text: str) -> str | Cause:
    reference = Reference.parse(text)
    if reference.digest:
        return reference.pinned(reference.digest)
    answer = registries.digest(text)
    return answer if isinstance(answer, Cause) else reference.pinned(answer)
