#!/usr/bin/env python3
"""Keeps s3/ERRORS.md: every error code that the server can answer with (s3/error_codes.h), the
operations it is documented for, and the tests that provoke it; then the codes of AWS's API
reference that cannot occur here, each with its reason. `--write` renews statuses and tests, and
keeps what is written by hand: operations and reasons.

A finding is a code that no test provokes, a page that is out of date, a row without operations or
reason, and a code that stands in both tables. A test provokes a code by its text as a string, alone
or as an element (`"NoSuchKey"`, `b"<Code>NoSuchKey</Code>"`; in C++ in any test but those of the
tables themselves), or by a comment, where the answer has no text (304):
    # errors: NotModified"""

import ast
import pathlib
import re
import sys

import tree

TABLE = "s3/error_codes.h"
PAGE = "s3/ERRORS.md"
# They look at tables, and provoke nothing.
TABLE_TESTS = ("error_test.cpp", "failure_test.cpp", "error_document_test.cpp")
ROW = re.compile(r'^  X\(\w+, "(\w+)", (\d+),', re.MULTILINE)
MARKER = re.compile(r"#\s*errors:\s*(.*)")
CPP_CODE = re.compile(r'"(\w+)"|<Code>(\w+)<')
PAGE_ROW = re.compile(r"^\| (\w+) \| (\d*) ?\| (.*?) ?\| (.*?) ?\|$", re.MULTILINE)
NEVER_ROW = re.compile(r"^\| (\w+) \| (.*?) ?\|$", re.MULTILINE)
INTRODUCTION = """# The errors of S3
Made by `tools/check_errors.py --write` from the table of codes and the tests, which check it; \
operations and reasons are written by hand. Operations are those that the API reference names, \
or all of a kind.

| code | status | operations | tests |
|---|---|---|---|
"""
NEVER = """
## Codes that cannot occur
Of the codes of the API reference, for the operations that are built (`OPERATIONS.md`).

| code | why |
|---|---|
"""


def provoked(path, text):
    """The texts in a test that may be codes."""
    if path.endswith(".cpp"):
        return {code for pair in CPP_CODE.findall(text) for code in pair}
    found = set()
    for node in ast.walk(ast.parse(text)):
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        if isinstance(value, str):
            found.add(value)
            found |= set(re.findall(r"<Code>(\w+)<", value))
    for listed in MARKER.findall(text):
        found |= {name.strip() for name in listed.split(",")}
    return found


def is_test(path):
    name = pathlib.PurePath(path).name
    if not path.startswith("tests/") or path.startswith("tests/tools/test_"):
        return False
    return (path.endswith(".py") and (name.startswith("test_") or path.startswith("tests/model/"))
            ) or (name.endswith("_test.cpp") and name not in TABLE_TESTS)


def shown(path):
    return pathlib.PurePath(path).stem.removeprefix("test_")


def by_hand(text):
    """What the page says of each code: operations, and reasons."""
    head, _, tail = (text or "").partition("## Codes that cannot occur")
    operations = {code: operations for code, _, operations, _ in PAGE_ROW.findall(head)}
    reasons = {code: why for code, why in NEVER_ROW.findall(tail) if code != "code"}
    return operations, reasons


def page(codes, tests, operations, reasons):
    lines = [f"| {code} | {status} | {operations.get(code, '')} | "
             f"{', '.join(sorted(set(map(shown, tests[code]))))} |" for code, status in codes]
    never = [f"| {code} | {why} |" for code, why in sorted(reasons.items())]
    return INTRODUCTION + "\n".join(lines) + "\n" + NEVER + "\n".join(never) + "\n"


def survey(root):
    """(text of the page, findings about what it is made of)."""
    codes = ROW.findall(tree.read(root, TABLE) or "")
    operations, reasons = by_hand(tree.read(root, PAGE))
    tests = {code: [] for code, _ in codes}
    for path in filter(is_test, tree.files(root)):
        for code in provoked(path, tree.read(root, path) or "") & set(tests):
            tests[code].append(path)
    findings = []
    if not codes:
        findings.append(tree.Finding(TABLE, 1, "no row of the table can be read"))
    for code in tests:
        if not tests[code]:
            findings.append(tree.Finding(TABLE, 1, f"no test provokes {code}"))
        if not operations.get(code):
            findings.append(tree.Finding(PAGE, 1, f"{code} has no operations"))
        if code in reasons:
            findings.append(tree.Finding(PAGE, 1, f"{code} is answered, and said to be never"))
    findings += [tree.Finding(PAGE, 1, f"{code} has no reason")
                 for code, why in reasons.items() if not why]
    return page(codes, tests, operations, reasons), findings


def check(root=tree.ROOT):
    return tree.page_findings(root, PAGE, survey, "tools/check_errors.py")


def main():
    if "--write" in sys.argv[1:]:
        tree.write_page(PAGE, survey)
    return tree.report("errors", check())


if __name__ == "__main__":
    sys.exit(main())
