# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX by its official client, awxkit.

One method for each thing that is asked of it, and its errors in words.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .._core.errors import Denied, NotFound, PlatformError, Unreachable, innermost

Object = Mapping[str, Any]


class Busy(PlatformError):
    """Jobs that run use the object."""


def connect(url: str, token: str, verify: bool | str, timeout: float) -> Awx:
    """AWX at an address, as whoever has the token."""
    try:
        from awxkit.api.client import Connection
        from awxkit.api.pages.api import ApiV2
        from awxkit.config import config
        from requests.adapters import HTTPAdapter
    except ImportError as error:
        raise PlatformError(
            "awxkit cannot be imported",
            str(error),
            "Install awxkit for the Python that runs this module",
        ) from error

    class Patient(HTTPAdapter):
        def send(self, *words: Any, **options: Any) -> Any:
            return super().send(*words, **{**options, "timeout": timeout})

    config.client_connection_attempts = 1
    connection = Connection(url.rstrip("/"), verify=verify)
    for scheme in ("http://", "https://"):
        connection.session.mount(scheme, Patient())
    connection.login(token=token)
    with _in_words(f"AWX at {url}"):
        return Awx(connection, ApiV2(connection).get().json)


class Awx:
    """The lists of objects by name, as AWX itself says where they are."""

    def __init__(self, connection: Any, places: Mapping[str, str]) -> None:
        self._connection = connection
        self._places = places

    def find(self, kind: str, **query: Any) -> Object | None:
        """The object that a query finds; None where there is none."""
        found = self.all(self._place(kind), **query)
        return found[0] if found else None

    def names(self, kind: str) -> list[str]:
        """What all objects of a kind are called."""
        return [str(one["name"]) for one in self.all(self._place(kind))]

    def all(self, place: str, **query: Any) -> list[Object]:
        """All objects of a list, from all of its pages."""
        with _in_words(place):
            return list(
                self._page(place).get(all_pages=True, page_size=100, **query).json["results"]
            )

    def count(self, place: str) -> int:
        """How many objects a list has."""
        with _in_words(place):
            return int(self._page(place).get(page_size=1).json["count"])

    def get(self, place: str) -> Object:
        """One object."""
        with _in_words(place):
            return dict(self._page(place).get().json)

    def make(self, kind: str, what: str, sent: Mapping[str, Any]) -> Object:
        """Make an object."""
        with _in_words(f"{what} could not be made"):
            return dict(self._page(self._place(kind)).post(dict(sent)).json)

    def change(self, one: Object, what: str, sent: Mapping[str, Any]) -> Object:
        """Change fields of an object."""
        with _in_words(f"{what} could not be changed"):
            return dict(self._page(one["url"]).patch(**sent).json)

    def post(self, place: str, what: str, sent: Mapping[str, Any]) -> None:
        """Ask for something that has no answer of its own."""
        with _in_words(f"{what} could not be changed"), _no_content():
            self._page(place).post(dict(sent))

    def remove(self, one: Object, what: str) -> None:
        """Remove an object; AWX may do so later."""
        with (
            _in_words(f"{what} could not be removed"),
            contextlib.suppress(NotFound),
            _no_content(),
        ):
            self._page(one["url"]).delete()

    def _place(self, kind: str) -> str:
        return self._places[kind]

    def _page(self, place: str) -> Any:
        from awxkit.api.pages.base import Base

        return Base(self._connection, endpoint=place)


@contextlib.contextmanager
def _no_content() -> Iterator[None]:
    """To awxkit, an answer without content is an error."""
    from awxkit.exceptions import NoContent

    with contextlib.suppress(NoContent):
        yield


@contextlib.contextmanager
def _in_words(what: str) -> Iterator[None]:
    """What went wrong, in words."""
    from awxkit.exceptions import Common, Conflict, Forbidden, Unauthorized
    from awxkit.exceptions import NotFound as Missing
    from requests import RequestException

    kinds: dict[type[Exception], Callable[..., PlatformError]] = {
        Unauthorized: Denied,
        Forbidden: Denied,
        Conflict: Busy,
        Missing: NotFound,
    }
    remedies = {
        Unauthorized: "Give a token that is valid",
        Forbidden: "Give a token of somebody who may do this",
    }
    try:
        yield
    except Common as error:
        if type(error).__name__ == "NoContent":
            raise
        kind = kinds.get(type(error), PlatformError)
        raise kind(
            what, words(error.msg) or str(error.status_string), remedies.get(type(error), "")
        ) from error
    except RequestException as error:
        raise Unreachable(
            what,
            f"no answer: {innermost(error)}",
            "Look at url, validate_certs and ca_file, and whether AWX runs",
        ) from error


def words(said: Any) -> str:
    """What AWX says of a request, in one line."""
    if isinstance(said, Mapping):
        plain = ("detail", "error", "msg", "__all__", "non_field_errors")
        return "; ".join(
            words(value) if name in plain else f"{name}: {words(value)}"
            for name, value in said.items()
        )
    if isinstance(said, (list, tuple)):
        return ", ".join(map(words, said))
    return str(said).rstrip(".")
