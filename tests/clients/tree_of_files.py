"""A tree of real files for the command-line clients: small and large, odd names, empty ones.
MILLRACE_LONG=1 adds files of over 100 MiB."""

import hashlib
import os
import random

MIB = 1024 * 1024
SIZES = {
    "small.txt": 11,
    "empty": 0,
    "page": 4096,
    "dir/nested/deep/file.bin": 100_000,
    "dir/also here.txt": 17,
    "with space/and more space.txt": 5,
    "plus+plus.txt": 7,
    "per%cent %20.txt": 8,
    "hash#and&amp;.txt": 9,
    "ünïcödé/日本語.txt": 10,
    "quote's (1) [2] {3}.txt": 12,
    ".hidden": 13,
    "twenty.bin": 20 * MIB,
}
LONG_SIZES = {"hundred.bin": 101 * MIB + 1, "dir/more.bin": 128 * MIB}


def make(folder):
    """The files below `folder`; their contents as contents_of gives them."""
    sizes = {**SIZES, **(LONG_SIZES if os.environ.get("MILLRACE_LONG") == "1" else {})}
    for name, size in sizes.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(random.Random(name).randbytes(size))
    return contents_of(folder)


def contents_of(folder):
    """{relative name: (size, SHA-256)} of every file below."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_size, sha256(path))
        for path in sorted(folder.rglob("*")) if path.is_file()
    }


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
