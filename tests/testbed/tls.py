# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of a small authority of the test bed's own, made by openssl."""

from __future__ import annotations

from pathlib import Path

from .machine import run


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate = folder / "ca.pem"
        if not self.certificate.exists():
            constraints = (
                "-addext",
                "basicConstraints=critical,CA:TRUE",
                "-addext",
                "keyUsage=critical,keyCertSign,cRLSign",
            )
            self._request(
                "-x509",
                "-days",
                "30",
                "-subj",
                "/CN=test authority",
                "-keyout",
                folder / "ca-key.pem",
                "-out",
                self.certificate,
                *constraints,
            )

    def issue(self, name: str, *alternatives: str, days: int = 30) -> tuple[Path, Path]:
        """Return a certificate for a name and its alternatives (``IP:10.0.0.1``), and its key."""
        certificate, key, request, extensions = (
            self.folder / f"{name}{end}" for end in (".pem", "-key.pem", ".csr", ".ext")
        )
        self._request("-subj", f"/CN={name}", "-keyout", key, "-out", request)
        names = ",".join([f"DNS:{name}", *alternatives])
        extensions.write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth,clientAuth\n")
        run(
            "openssl",
            "x509",
            "-req",
            "-days",
            str(days),
            "-in",
            request,
            "-CA",
            self.certificate,
            "-CAkey",
            self.folder / "ca-key.pem",
            "-CAcreateserial",
            "-extfile",
            extensions,
            "-out",
            certificate,
        )
        return certificate, key

    def _request(self, *words: str | Path) -> None:
        run(
            "openssl",
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            *words,
        )
