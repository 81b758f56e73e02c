#!/usr/bin/env python3
"""One fault after the other, each on a bed of its own, under load, for a time; then the counts.
Exit status 1 where an acknowledged object was lost, a read was stale or a request failed for good."""

import argparse
import collections
import pathlib
import random
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "clients"), str(HERE.parent / "fault")]

import server as servers  # noqa: E402

import bed as beds  # noqa: E402
from bed import faults  # noqa: E402
from bed.bed import temporary  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=10)
    minutes = parser.parse_args().minutes
    if (why := beds.missing()) is not None:
        sys.exit(f"soak: {why}")
    counts, times, wrong = collections.Counter(), collections.defaultdict(list), []
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end and not wrong:
        fault, victim = random.choice(faults.ALL), random.randrange(3)
        with temporary(servers.binary().resolve().parent) as bed, bed.switch.inside():
            load, figures = faults.under_load(bed, fault, victim)
        counts.update(load.counts)
        for name, seconds in figures.items():
            times[f"{fault.__name__}, {name}"].append(seconds)
        wrong += load.faults
        print(fault.__name__, figures, dict(load.counts), flush=True)
    for name in ("acknowledged", "checks", "stale or lost", "late", "failed", "unanswered"):
        print(f"{name:28}{counts[name]:8}")
    for name, seconds in sorted(times.items()):
        print(f"{name:28}{max(seconds):8.1f} s at most of {len(seconds)}")
    for line in wrong[:20]:
        print(line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
