#!/usr/bin/env python3
"""Checks that includes only look down the layers, that siblings never meet, and that each
third-party header stays in the one place that is allowed to know it."""

import fnmatch
import sys

import tree

# Folder -> the folders that it may include.
LAYERS = {
    "engine": {"engine"},
    "http": {"engine", "http"},
    "s3": {"engine", "http", "s3"},
    "health": {"engine", "http", "health"},
    "tools": {"engine", "http", "s3", "health", "tools"},
    "bench": {"engine", "http", "s3", "health", "tools", "bench"},
    "tests": {"engine", "http", "s3", "health", "tools", "bench", "tests"},
}

# Header pattern -> the files that may include it. Tests may include everything.
CONFINED = {
    "liburing*": ("engine/ring*", "bench/ring_floor.cpp"),
    "llhttp*": ("http/parser.cpp",),
    "openssl/*": ("engine/tls*", "s3/digest/*", "health/cluster/datagram_key.cpp"),
    "pugi*": ("s3/xml/*",),
    "CLI/*": ("tools/*", "bench/load/options.cpp"),
    "nlohmann/*": ("health/cluster/*", "s3/policy/*", "s3/post/*", "tools/cluster/*",
                   "bench/load/*"),
    "toml++/*": ("tools/*",),
    "httplib.h": ("tools/cluster/remote.cpp",),
    "doctest/*": ("tests/*",),
    "benchmark/*": ("bench/*",),
}


def check_file(path, text, findings):
    layer = path.split("/", 1)[0]
    if layer not in LAYERS:
        findings.append(tree.Finding(path, 1, "C++ outside the folders of the house plan"))
        return
    for line, name, quoted in tree.includes(text):
        for pattern, places in CONFINED.items():
            if fnmatch.fnmatch(name, pattern) and layer != "tests" and not any(
                    fnmatch.fnmatch(path, place) for place in places):
                findings.append(tree.Finding(path, line, f"<{name}> belongs to "
                                             f"{' and '.join(places)} only"))
        if not quoted or any(fnmatch.fnmatch(name, pattern) for pattern in CONFINED):
            continue
        target = name.split("/", 1)[0]
        if "/" not in name or target not in LAYERS:
            findings.append(tree.Finding(path, line, f'"{name}": write it from the root of the '
                                         'tree, as "engine/error.h"'))
        elif target not in LAYERS[layer]:
            findings.append(tree.Finding(path, line, f"{layer}/ may not include {target}/"))


def check(root=tree.ROOT):
    findings = []
    for path in tree.cpp_files(root):
        check_file(path, tree.read(root, path) or "", findings)
    return findings


if __name__ == "__main__":
    sys.exit(tree.report("layers", check()))
