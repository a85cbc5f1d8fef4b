# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read an index of Python packages, by the simple API.

As JSON (PEP 691), or as HTML (PEP 503) where the index has no other:
https://packaging.python.org/en/latest/specifications/simple-repository-api/
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

from ...module_utils._core.errors import NotFound, ShippingError, innermost
from ...module_utils._core.slow_calls import waiting_for
from .._catalog.open_urls import opened

PYPI = "https://pypi.org/simple"
_ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"


@dataclass(frozen=True)
class IndexFile:
    """A file of a project in an index."""

    name: str
    url: str
    sha256: str = ""
    """Empty if the index has no such checksum of it."""
    requires_python: str = ""
    yanked: bool = False


@dataclass(frozen=True)
class Login:
    """The user and password of an index."""

    user: str = ""
    password: str = field(default="", repr=False)


NO_LOGIN = Login()


@dataclass(frozen=True)
class PackageIndex:
    """An index with its login, which only servers of its own origin get."""

    url: str
    """Without a login, so that messages may have it."""
    login: Login = NO_LOGIN
    _files: dict[str, list[IndexFile]] = field(default_factory=dict, compare=False)

    @property
    def url_with_login(self) -> str:
        """Return the URL with the login, as uv takes it."""
        parts = urlsplit(self.url)
        login = f"{_quoted(self.login.user)}:{_quoted(self.login.password)}@"
        host = f"{login if self.login.user else ''}{parts.netloc}"
        return urlunsplit(parts._replace(netloc=host))

    def files(self, project: str) -> list[IndexFile]:
        """Return the files of a project, whose name is normalized here."""
        from packaging.utils import canonicalize_name

        name = str(canonicalize_name(project))
        if name not in self._files:
            page = f"{self.url.rstrip('/')}/{name}/"
            with (
                waiting_for(f"the index {self.url}"),
                self._opened(page, "the index cannot be read", {"Accept": _ACCEPT}) as got,
            ):
                media_type = str(got.headers.get("Content-Type", "")).partition(";")[0].strip()
                self._files[name] = _read(got.read(), media_type, got.geturl(), self.url)
        return self._files[name]

    def fetch(self, file: IndexFile, path: str) -> None:
        """Write a file to a path; its checksum is not verified here."""
        what = f"{file.name} cannot be downloaded"
        with (
            waiting_for(f"the download of {file.name}"),
            self._opened(file.url, what) as got,
        ):
            try:
                with open(path, "wb") as target:
                    shutil.copyfileobj(got, target)
                    os.fsync(target.fileno())
            except OSError as error:
                raise ShippingError(what, innermost(error), "Run again") from error

    def _opened(
        self, url: str, what: str, headers: dict[str, str] | None = None
    ) -> AbstractContextManager[Any]:
        login = self.login if _origin(url) == _origin(self.url) else NO_LOGIN
        return opened(
            url,
            lambda error: _failure(what, url, error),
            headers=headers,
            url_username=login.user or None,
            url_password=login.password or None,
            force_basic_auth=bool(login.user),
            use_netrc=False,
        )


def index_of(url: str, login: Login) -> PackageIndex:
    """Return the index of a URL; a login in the URL is removed from it."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    in_url = Login(unquote(parts.username or ""), unquote(parts.password or ""))
    return PackageIndex(urlunsplit(parts._replace(netloc=host)), in_url if in_url.user else login)


def _failure(what: str, url: str, error: Exception) -> ShippingError:
    from urllib.error import HTTPError

    if isinstance(error, HTTPError):
        cause = f"{url} answered with HTTP {error.code} {error.reason}"
        failure = NotFound if error.code == 404 else ShippingError
        return failure(what, cause, _hint(error.code))
    return ShippingError(
        what, f"{url} {innermost(error)}", "See whether the control node reaches it"
    )


def _hint(code: int) -> str:
    if code in (401, 403):
        return "Set index_username and index_password"
    if code == 404:
        return "Check the name of the package and the URL of the index"
    return "Run again later"


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2]


def _read(content: bytes, media_type: str, base: str, index: str) -> list[IndexFile]:
    try:
        if media_type.endswith("json"):
            return list(_of_json(json.loads(content), base))
        parser = _Anchors()
        parser.feed(content.decode("utf-8", "replace"))
        return [_of_anchor(attributes, base) for attributes in parser.anchors]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ShippingError(
            f"the index {index} cannot be read",
            f"{base} is no page of the simple API: {type(error).__name__} {error}",
            "Write the URL of the simple API, such as https://pypi.org/simple",
        ) from error


def _of_json(page: Any, base: str) -> Iterator[IndexFile]:
    for file in page["files"]:
        yield IndexFile(
            str(file["filename"]),
            urljoin(base, str(file["url"])),
            str(file["hashes"].get("sha256", "")),
            str(file.get("requires-python") or ""),
            # A text is the reason; an empty one counts as well in HTML only.
            yanked=bool(file.get("yanked")),
        )


def _of_anchor(attributes: dict[str, str | None], base: str) -> IndexFile:
    url = urljoin(base, attributes["href"] or "")
    checksum = re.search(r"sha256=([0-9a-f]{64})", urlsplit(url).fragment)
    return IndexFile(
        unquote(urlsplit(url).path.rpartition("/")[2]),
        url.partition("#")[0],
        checksum[1] if checksum else "",
        attributes.get("data-requires-python") or "",
        yanked="data-yanked" in attributes,
    )


class _Anchors(HTMLParser):
    """The attributes of all links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the links."""
        if tag == "a" and dict(attrs).get("href"):
            self.anchors.append(dict(attrs))
