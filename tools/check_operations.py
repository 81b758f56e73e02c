#!/usr/bin/env python3
"""Keeps s3/OPERATIONS.md: every operation of S3, what the server makes of it, and the tests that
ask for it. `--write` writes it anew; without, it is a finding where the file is not what the table
of operations and the tests say, or where an operation is built and no test asks for it.

A test asks for an operation by the name of boto3's method (`s3.put_object(`), by that name as a
string (`get_paginator("list_parts")`, `"put-object"` of the command line), or by a comment:
    # operations: PostObject, PreflightRequest"""

import ast
import pathlib
import re
import sys

import tree

TABLE = "s3/operation_table.h"
UNSET_TABLE = "s3/handlers/unset_settings.cpp"  # what only answers that nothing is set
PAGE = "s3/OPERATIONS.md"
TESTS = ("tests/clients/", "tests/model/")
ROW = re.compile(r'^  X\((\w+), "(\w+)", .*, (\w+)\)')
MARKER = re.compile(r"#\s*operations:\s*(.*)")
UNSET_ROW = re.compile(r"Unset\{\s*Id::(\w+)")

STATES = {
    "done": "done",
    "unset": "answers that nothing is set",
    "501": "501",
}


def operations(root):
    """(identifier, name, state) of each row of the table."""
    unset = set(UNSET_ROW.findall(tree.read(root, UNSET_TABLE) or ""))
    for line in (tree.read(root, TABLE) or "").splitlines():
        match = ROW.match(line)
        if not match:
            continue
        identifier, name, state = match.groups()
        if state != "built":
            yield identifier, name, "501"
        else:
            yield identifier, name, "unset" if identifier in unset else "done"


def asked_for(text, identifiers, names):
    """The identifiers of the operations that a test's source asks for."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value.replace("-", "_"))
    for listed in MARKER.findall(text):
        found |= {names.get(name.strip(), name.strip()) for name in listed.split(",")}
    return found & identifiers


def unknown_markers(text, names):
    for number, line in enumerate(text.splitlines(), 1):
        match = MARKER.search(line)
        for name in match.group(1).split(",") if match else ():
            if name.strip() not in names:
                yield number, f"the table has no operation {name.strip()}"


def is_test(path):
    return path.startswith(TESTS) and pathlib.PurePath(path).name.startswith("test_")


def page(rows, asking):
    counts = {state: sum(row[2] == state for row in rows) for state in STATES}
    lines = [
        "# The operations of S3",
        "Made by `tools/check_operations.py --write` from the table of operations and the tests, "
        "which check it.", "",
        f"{len(rows)} operations: {counts['done']} done, {counts['unset']} answer what S3 answers "
        f"where nothing is set, {counts['501']} answer 501 NotImplemented (each by "
        "`test_operation_table`).", "",
        "| operation | | tests (`tests/clients/`, `tests/model/`) |", "|---|---|---|"]
    for identifier, name, state in sorted(rows, key=lambda row: row[1]):
        tests = "" if state == "501" else ", ".join(
            pathlib.PurePath(path).stem.removeprefix("test_") for path in asking[identifier])
        lines.append(f"| {name} | {STATES[state]} | {tests} |")
    return "\n".join(lines) + "\n"


def survey(root):
    """(text of the page, findings about what it is made of)."""
    rows = list(operations(root))
    identifiers, names = {row[0] for row in rows}, {row[1]: row[0] for row in rows}
    asking, findings = {identifier: [] for identifier in identifiers}, []
    for path in filter(is_test, tree.files(root)):
        text = tree.read(root, path) or ""
        findings += [tree.Finding(path, *found) for found in unknown_markers(text, names)]
        for identifier in asked_for(text, identifiers, names):
            asking[identifier].append(path)
    if not rows:
        findings.append(tree.Finding(TABLE, 1, "no row of the table can be read"))
    findings += [tree.Finding(TABLE, 1, f"{name} is built and no test asks for it")
                 for identifier, name, state in rows if state != "501" and not asking[identifier]]
    return page(rows, asking), findings


def check(root=tree.ROOT):
    return tree.page_findings(root, PAGE, survey, "tools/check_operations.py")


def main():
    if "--write" in sys.argv[1:]:
        tree.write_page(PAGE, survey)
    return tree.report("operations", check())


if __name__ == "__main__":
    sys.exit(main())
