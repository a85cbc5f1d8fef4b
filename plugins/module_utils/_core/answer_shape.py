# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of a platform that have another shape than its API promises."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import PlatformError

# What reading other JSON than was expected ends with.
_DEFECTS = (LookupError, TypeError, AttributeError, ValueError)


class UnexpectedAnswer(PlatformError):
    """An answer of another shape than the API promises."""


@contextmanager
def reading_answers_of(platform: str) -> Iterator[None]:
    """Raise PlatformError if an answer of ``platform`` has an unexpected shape.

    Also a decorator. The place of the error is in the message, since the shape may be of an object
    that only this user has.
    """
    try:
        yield
    except _DEFECTS as error:
        place = traceback.extract_tb(error.__traceback__)[-1].name
        raise UnexpectedAnswer(
            f"an answer of {platform} cannot be read",
            f"it has another shape than expected ({type(error).__name__}: {error}, in {place})",
            f"Check that it is {platform} that answers, in a supported version; if it is, please"
            " report it with the output at -vvv",
        ) from error
