# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._directory.connection import (
    LdapSession,
    connect,
)
from ansible_collections.shipping.code.plugins.plugin_utils._directory.directory_errors import (
    DirectoryError,
    Inaccessible,
    Incomplete,
    Unanswered,
)
from ansible_collections.shipping.code.plugins.plugin_utils._directory.search import (
    Entry,
    Query,
    read_all,
)
from ansible_collections.shipping.code.plugins.plugin_utils._directory.settings import (
    ConnectionSettings,
    Server,
)

from .ldap_server import Answer, Asked, serving

QUERY = Query("dc=x", "(objectClass=*)", ("member",))


def session(uri: str, timeout: int = 5) -> LdapSession:
    host, port = uri.removeprefix("ldap://").split(":")
    return connect(
        ConnectionSettings((Server(uri, "ldap", host, int(port)),), timeout=timeout, page_size=2)
    )


def read(answer: object, query: Query = QUERY, timeout: int = 5) -> list[Entry]:
    with serving(answer) as uri, session(uri, timeout) as connected:
        return list(read_all(connected, query, ("member",)))


def refusal(answer: object, timeout: int = 5) -> DirectoryError:
    with pytest.raises(DirectoryError) as caught:
        read(answer, timeout=timeout)
    return caught.value


def pages(count: int):
    """So many pages of two entries each."""

    def answer(asked: Asked) -> Answer:
        page = int(asked.cookie or b"0")
        entries = [(f"cn={page}-{number},dc=x", {"member": ["a"]}) for number in range(2)]
        return Answer(entries, cookie=b"" if page == count - 1 else str(page + 1).encode())

    return answer


@pytest.mark.parametrize("count", [1, 2, 7])
def test_all_pages_are_read(count):
    assert len(read(pages(count))) == 2 * count


def test_a_server_without_paging_gives_everything_at_once():
    assert [
        entry.dn for entry in read(lambda _asked: Answer([("cn=1,dc=x", {"member": ["a"]})]))
    ] == ["cn=1,dc=x"]


def test_a_cookie_may_stay_the_same_while_the_pages_go_on():
    """389-ds numbers its searches, not its pages."""
    given = iter([["cn=1"], ["cn=2"], ["cn=3"]])

    def answer(_asked: Asked) -> Answer:
        entries = [(dn, {}) for dn in next(given)]
        return Answer(entries, cookie=b"" if entries[0][0] == "cn=3" else b"0")

    assert len(read(answer)) == 3


def test_a_cookie_that_does_not_advance():
    error = refusal(lambda _asked: Answer([("cn=1,dc=x", {})], cookie=b"for ever"))
    assert isinstance(error, Incomplete)
    assert "does not end: page 2 has cn=1,dc=x a second time" in str(error)


def test_empty_pages_for_ever():
    number = iter(range(1, 1_000_000))
    error = refusal(lambda _asked: Answer((), cookie=str(next(number)).encode()))
    assert isinstance(error, Incomplete)
    assert "is empty and promises another one" in str(error)


def test_some_empty_pages_are_none_of_our_business():
    given = iter(
        [Answer((), cookie=b"1"), Answer((), cookie=b"2"), Answer([("cn=1", {})], cookie=b"")]
    )
    assert len(read(lambda _asked: next(given))) == 1


@pytest.mark.parametrize("entries", [[], [("cn=1-0,dc=x", {"member": ["a"]})]])
def test_a_connection_that_is_cut_between_pages(entries):
    def answer(asked: Asked) -> Answer:
        return Answer(entries, cut=True) if asked.cookie else pages(3)(asked)

    error = refusal(answer)
    assert isinstance(error, Incomplete)
    assert "broke off at page 2" in error.what


def test_a_connection_that_is_cut_at_once():
    assert isinstance(refusal(lambda _asked: Answer([("cn=1", {})], cut=True)), Unanswered)


def test_a_server_that_falls_silent():
    def answer(asked: Asked) -> Answer:
        time.sleep(3 if asked.cookie else 0)
        return pages(2)(asked)

    error = refusal(answer, timeout=1)
    assert isinstance(error, Incomplete)
    assert "it did not answer in time" in error.why


def test_a_server_that_is_never_silent_and_never_done():
    """Each byte comes in time."""
    with (
        serving(lambda _asked: Answer([("cn=1,dc=x", {"member": ["a" * 500]})], pause=0.02)) as uri,
        session(uri) as connected,
    ):
        connected.limit(1)
        begun = time.monotonic()
        with pytest.raises(Unanswered) as caught:
            list(read_all(connected, QUERY, ("member",)))
    assert time.monotonic() - begun < 3
    assert caught.value.why == "it did not end within 1 s"
    assert caught.value.hint == "Run again, or raise total_timeout"


def test_pages_for_longer_than_everything_may_take():
    with serving(pages(1_000_000)) as uri, session(uri) as connected:
        connected.limit(1)
        with pytest.raises(Incomplete, match=r"broke off at page .* did not end within 1 s"):
            list(read_all(connected, QUERY, ("member",)))


@contextlib.contextmanager
def trickling() -> Iterator[str]:
    """A server that begins a long answer to whatever it hears, and sends it byte by byte."""

    def serve(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.recv(100)
            client.sendall(b"\x30\x84\x00\xff\xff\xff")
            while True:
                time.sleep(0.1)
                client.sendall(b"\x02")

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, daemon=True).start()
        yield f"ldap://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("start_tls", [False, True])
def test_the_next_server_where_one_trickles(start_tls):
    with trickling() as slow:
        host, port = slow.removeprefix("ldap://").split(":")
        begun = time.monotonic()
        with pytest.raises(Unanswered) as caught:
            connect(
                ConnectionSettings(
                    (Server(slow, "ldap", host, int(port)),), timeout=1, start_tls=start_tls
                )
            )
    assert time.monotonic() - begun < 3
    assert "it did not end within 1 s" in caught.value.why


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        (3, Incomplete, "was cut short: timeLimitExceeded (3)"),
        (4, Incomplete, "was cut short: sizeLimitExceeded (4)"),
        (11, Incomplete, "was cut short: adminLimitExceeded (11)"),
        (10, Incomplete, "left out a part of the tree"),
        (1, Inaccessible, "was rejected: operationsError (1): bind first"),
        (50, Inaccessible, "was rejected: insufficientAccessRights (50)"),
        (32, Inaccessible, "the base dc=x does not exist"),
        (51, Incomplete, "was not answered: busy (51)"),
        (80, DirectoryError, "failed: other (80)"),
    ],
)
@pytest.mark.parametrize("page", [1, 2])
def test_every_result_but_success_is_an_error(code, kind, text, page):
    def answer(asked: Asked) -> Answer:
        return (
            Answer([("cn=1,dc=x", {})], code, "bind first")
            if page == 1 or asked.cookie
            else pages(2)(asked)
        )

    error = refusal(answer)
    assert error.__class__ is kind
    assert text in str(error)


def test_an_unfollowed_referral():
    error = refusal(
        lambda _asked: Answer([("cn=1", {})], references=["ldap://abroad.example.com/dc=x"])
    )
    assert isinstance(error, Incomplete)
    assert "it is at ldap://abroad.example.com/dc=x" in error.why


@pytest.mark.parametrize("base", [Answer(code=32), Answer()])
def test_nothing_below_a_base_that_is_not_there(base):
    """389-ds answers a paged search there with success."""
    error = refusal(lambda asked: base if asked.scope == 0 else Answer(cookie=b""))
    assert isinstance(error, Inaccessible)
    assert "the base dc=x does not exist" in error.what


def test_nothing_below_a_base_that_is_there():
    assert (
        read(lambda asked: Answer([("dc=x", {})]) if asked.scope == 0 else Answer(cookie=b"")) == []
    )


# Ranges, as Active Directory gives more than 1,500 values

GROUP = "cn=group,dc=x"


def ranges(total: int, step: int = 1500, fault: str = ""):
    members = [f"cn={number},dc=x" for number in range(total)]

    def answer(asked: Asked) -> Answer:
        wanted = re.fullmatch(r"member;range=(\d+)-\*", asked.attributes[0])
        first = int(wanted[1]) if wanted else 0
        if fault and first == step:
            return {
                "nothing": Answer([(GROUP, {})]),
                "gone": Answer(),
                "again": Answer([(GROUP, {f"member;range=0-{step - 1}": members[:step]})]),
                "short": Answer(
                    [
                        (
                            GROUP,
                            {
                                f"member;range={first}-{first + step - 1}": members[
                                    first : first + step - 1
                                ]
                            },
                        )
                    ]
                ),
                "no member": Answer([(GROUP, {f"member;range={first}-*": []})]),
                "refused": Answer(code=50),
                "cut": Answer(cut=True),
            }[fault]
        if total <= step:
            return Answer([(GROUP, {"member": members})])
        last = "*" if first + step >= total else str(first + step - 1)
        return Answer(
            [(GROUP, {"member": [], f"member;range={first}-{last}": members[first : first + step]})]
        )

    return answer


@pytest.mark.parametrize("total", [1, 1499, 1500, 1501, 3000, 50_000])
def test_all_values_of_a_large_group(total):
    (entry,) = read(ranges(total))
    assert len(set(entry.texts("member"))) == total


@pytest.mark.parametrize(
    "fault", ["nothing", "gone", "again", "short", "no member", "refused", "cut"]
)
def test_a_range_with_a_gap(fault):
    with pytest.raises(DirectoryError) as caught:
        read(ranges(4000, fault=fault))
    assert GROUP in str(caught.value)
