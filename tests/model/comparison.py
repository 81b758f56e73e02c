"""Runs a sequence against the model and a server, finds the first answer that differs, and makes
the sequence as short as can be by leaving operations out (delta debugging, after Zeller)."""

import dataclasses
import itertools
import json

import model_uploads
import wire_uploads

RUN_NUMBERS = itertools.count(1)
SHRINK_RUNS_MAX = 400


@dataclasses.dataclass
class Difference:
    at: int
    op: dict
    expected: dict
    answered: dict

    @property
    def kind(self):
        """What must stay the same while the sequence shrinks."""
        differing = {name for name in {*self.expected, *self.answered}
                     if self.expected.get(name) != self.answered.get(name)}
        return self.op["op"], frozenset(differing), self.answered.get("status")

    def text(self):
        def shown(answer):
            short = {name: value for name, value in answer.items() if name != "body"}
            if "body" in answer:
                short["body"] = f"{len(answer['body'])} bytes"
            return json.dumps(short, ensure_ascii=True)

        return (f"operation {self.at}: {json.dumps(self.op)}\n"
                f"  expected {shown(self.expected)}\n  answered {shown(self.answered)}")


def run(sequence, server):
    """The first Difference, or None. Every run has buckets of its own."""
    model = model_uploads.Model()
    wire = wire_uploads.Wire(server.endpoint, server.access_key, server.secret_key,
                             f"model-{next(RUN_NUMBERS)}-")
    try:
        for at, op in enumerate(sequence):
            op = model.resolve(op)
            expected, answered = model.answer(op), wire.answer(op)
            if op["op"] == "append" and expected["status"] == 200:
                expected = model.learn(op, answered)
            if expected != answered:
                return Difference(at, op, expected, answered)
    finally:
        wire.close()
    return None


def shrink(sequence, found, server):
    """(shorter sequence, its Difference), of the same kind as `found`."""
    sequence, runs = sequence[: found.at + 1], 0
    chunk = max(1, len(sequence) // 2)
    while True:
        at, shorter = 0, False
        while at < len(sequence) - 1 and runs < SHRINK_RUNS_MAX:
            candidate = sequence[:at] + sequence[min(at + chunk, len(sequence) - 1):]
            runs += 1
            difference = run(candidate, server)
            if difference and difference.kind == found.kind:
                sequence, found, shorter = candidate[: difference.at + 1], difference, True
            else:
                at += chunk
        if runs >= SHRINK_RUNS_MAX or (chunk == 1 and not shorter):
            return sequence, found
        chunk = max(1, chunk // 2)


def report(seed, sequence, found):
    """What a reader needs to see it again: tests/model/replay.py runs just these operations."""
    lines = "\n".join(json.dumps(op) for op in sequence)
    return (f"seed {seed}, {found.text()}\nTo run it again:\n"
            f"build/venv/bin/python tests/model/replay.py <<'END'\n{lines}\nEND")
