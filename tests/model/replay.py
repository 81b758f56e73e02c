#!/usr/bin/env python3
"""Runs operations (one JSON object a line, from standard input) or seeds against a server of its
own and the model, outside the test runner:
    build/venv/bin/python tests/model/replay.py < FILE
    build/venv/bin/python tests/model/replay.py FIRST_SEED COUNT [LENGTH]
Every difference of the seeds is printed, one of each kind."""

import json
import pathlib
import sys
import tempfile

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent / "clients")]

import comparison  # noqa: E402
import features  # noqa: E402
import sequences  # noqa: E402
import server as servers  # noqa: E402


def replay(server):
    sequence = [json.loads(line) for line in sys.stdin if line.strip()]
    found = comparison.run(sequence, server)
    print(found.text() if found else "no difference")
    return 1 if found else 0


def search(server, first, count, length=sequences.LENGTH):
    built, kinds = features.probe(server), set()
    print("built:", " ".join(sorted(built)))
    for seed in range(first, first + count):
        sequence = sequences.Draw(seed, built, length).sequence()
        found = comparison.run(sequence, server)
        if found and found.kind not in kinds:
            kinds.add(found.kind)
            print(comparison.report(seed, *comparison.shrink(sequence, found, server)), flush=True)
    print(f"{count} seeds, {len(kinds)} kinds of difference")
    return 1 if kinds else 0


def main():
    with tempfile.TemporaryDirectory(prefix="millrace-model-") as folder:
        server = servers.Millrace.start(pathlib.Path(folder), "--durability", "none")
        try:
            numbers = [int(text) for text in sys.argv[1:]]
            return search(server, *numbers) if numbers else replay(server)
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
