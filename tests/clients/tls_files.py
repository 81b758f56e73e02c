"""Certificates for tests, made by openssl: an authority, and pairs for 127.0.0.1 and localhost
that it has signed."""

import dataclasses
import os
import pathlib
import subprocess


def openssl(*arguments, text=None):
    done = subprocess.run(["openssl", *map(str, arguments)], input=text, text=True,
                          capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr


@dataclasses.dataclass
class Pair:
    certificate: pathlib.Path
    key: pathlib.Path


class Authority:
    def __init__(self, folder):
        self.folder = folder
        self.serial = 0
        self.certificate, self.key = folder / "ca.pem", folder / "ca.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-days", "2", "-subj", "/CN=test authority", "-keyout", self.key,
                "-out", self.certificate)

    def pair(self, name):
        """A pair whose subject is `name`."""
        self.serial += 1
        made = Pair(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        request, fields = self.folder / f"{name}.csr", self.folder / "san.cnf"
        fields.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", f"/CN={name}", "-keyout", made.key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
                "-set_serial", self.serial, "-days", "2", "-extfile", fields,
                "-out", made.certificate)
        return made


def put(source, target):
    """Replaces a file whole."""
    new = target.with_suffix(".new")
    new.write_bytes(source.read_bytes())
    os.replace(new, target)
