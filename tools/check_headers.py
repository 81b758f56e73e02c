#!/usr/bin/env python3
"""Checks that every header compiles alone. The release build, which has no precompiled header,
shows that of each header that one of its sources includes first; the others are compiled here.
What compiled is remembered in build/ by the hash of the header, of all project headers under it
and of the flags, so a second run is quick."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

import tree

CACHE = "build/headers-checked.json"
COMMANDS = tuple(f"build/{kind}/compile_commands.json" for kind in ("asan", "debug", "release"))
FLAGS = ("-std=c++23", "-fno-rtti", "-D_GNU_SOURCE", '-DMILLRACE_VERSION="0"', "-Wall", "-Wextra",
         "-Wshadow")
PARALLEL = 2
BUILT = ("engine/", "http/", "s3/", "health/", "tools/")


def flags(root):
    """Language, macros and include folders as the build has them, else FLAGS; always ours last."""
    for name in COMMANDS:
        path = pathlib.Path(root) / name
        entries = json.loads(path.read_text()) if path.exists() else []
        entry = next((e for e in entries if e["file"].endswith(".cpp")), None)
        if entry is None:
            continue
        kept, words = [], iter(shlex.split(entry["command"]))
        for word in words:
            if word == "-isystem":
                kept += [word, next(words)]
            elif word == "-Xclang":
                next(words)  # of precompiled headers
            elif word.startswith("-I"):
                kept.append("-I" + os.path.normpath(os.path.join(entry["directory"], word[2:])))
            elif word.startswith(("-D", "-std=", "-fno-", "-W")) and not word.startswith("-Wl"):
                kept.append(word)
        return kept
    return list(FLAGS)


def fingerprint(root, header, options, memo):
    """A hash of the header and everything of the project that it includes."""
    seen, queue = set(), [header]
    while queue:
        path = queue.pop()
        if path in seen:
            continue
        seen.add(path)
        if path not in memo:
            text = tree.read(root, path) or ""
            memo[path] = (hashlib.sha256(text.encode()).hexdigest(),
                          [name for _, name, quoted in tree.includes(text) if quoted])
        queue += [name for name in memo[path][1] if (pathlib.Path(root) / name).exists()]
    parts = [memo[path][0] for path in sorted(seen)] + [header, *options]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def compile_alone(root, header, options):
    """The compiler's first words against it; None where it compiles."""
    compiler = shlex.split(os.environ.get("CXX", "clang++-19"))
    command = [*compiler, *options, f"-I{root}", "-Werror", "-Wno-pragma-once-outside-header",
               "-fsyntax-only", "-x", "c++", "-"]
    done = subprocess.run(command, input=f'#include "{header}"\n', text=True, capture_output=True)
    if done.returncode == 0:
        return None
    wrong = [line for line in done.stderr.splitlines() if "error" in line]
    return wrong[0] if wrong else f"exit status {done.returncode}"


def included_first(root):
    """The headers that a source of the product includes before anything else."""
    for path in tree.cpp_files(root):
        if path.startswith(BUILT) and path.endswith(".cpp"):
            first = next(tree.includes(tree.read(root, path) or ""), None)
            if first is not None and first[2]:
                yield first[1]


def check(root=tree.ROOT):
    options, memo = flags(root), {}
    cache = pathlib.Path(root) / CACHE
    good = set(json.loads(cache.read_text())) if cache.exists() else set()
    shown = set(included_first(root))
    headers = [path for path in tree.cpp_files(root) if path.endswith(".h") and path not in shown]
    marks = {header: fingerprint(root, header, options, memo) for header in headers}
    stale = [header for header in headers if marks[header] not in good]
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        answers = list(pool.map(lambda header: compile_alone(root, header, options), stale))
    wrong = {header: answer for header, answer in zip(stale, answers) if answer}
    cache.parent.mkdir(exist_ok=True)
    cache.write_text(json.dumps(sorted(marks[h] for h in headers if h not in wrong)))
    return [tree.Finding(header, 1, f"does not compile alone: {answer}")
            for header, answer in wrong.items()]


if __name__ == "__main__":
    sys.exit(tree.report("headers", check()))
