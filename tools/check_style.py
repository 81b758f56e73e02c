#!/usr/bin/env python3
"""Checks of the house style that need no compiler: opening comments, sizes of files and
functions, telling names, no tabs, and no path that exists on one machine only."""

import ast
import pathlib
import re
import sys

import tree

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
CODE = (".cpp", ".h", ".py", ".sh")
TABBED = (".go", "go.mod")  # whose own formatters want tabs
VAGUE = {"utils", "util", "common", "helpers", "helper", "misc", "manager"}
# Taken apart, so that this file passes its own check.
LOCAL_PATHS = tuple(f"/{folder}/" for folder in ("work", "root"))
NOT_A_FUNCTION = re.compile(r"^(namespace|struct|class|enum|union|extern|using|static_assert|#|//)")


def is_code(path, text):
    return path.endswith(CODE) or text.startswith("#!")


def has_opening_comment(path, text):
    lines = text.splitlines()
    first = next((line for line in lines if line.strip() and not line.startswith("#!")), "")
    if path.endswith((".cpp", ".h")):
        return first.startswith("//")
    return first.startswith(("#", '"""'))


def cpp_functions(text):
    """(first line, length) of each function, by clang-format's habit of closing with a brace
    in column 0. What ends with `};` is a type or a table."""
    start, opened = None, False
    for number, line in enumerate(text.splitlines(), 1):
        if line == "}" and start is not None:
            yield start, number - start + 1
        if line.startswith("}"):
            start = None
        elif start is None and line and not line[0].isspace():
            start = None if NOT_A_FUNCTION.match(line) else number
            opened = False
        opened = opened or line.endswith("{")
        if not opened and line.endswith(";"):
            start = None


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1


def shell_functions(text):
    start = None
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"^\w+\(\) [{(]$", line):
            start = number
        elif line in ("}", ")") and start is not None:
            yield start, number - start + 1
            start = None


def functions(path, text):
    if path.endswith((".cpp", ".h")):
        return cpp_functions(text)
    if path.endswith(".py"):
        return python_functions(text)
    return shell_functions(text)


def check_code(path, text):
    count = text.count("\n")
    if count > FILE_LINES_MAX:
        yield 1, f"{count} lines, more than {FILE_LINES_MAX}: is there a second room in it?"
    if text.strip() and not has_opening_comment(path, text):
        yield 1, "no opening comment (purpose, owner, invariant)"
    for line, length in functions(path, text):
        if length > FUNCTION_LINES_MAX:
            yield line, f"a function of {length} lines, more than {FUNCTION_LINES_MAX}"


def check_text(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if "\t" in line and not path.endswith(TABBED):
            yield number, "a tab"
        for local in LOCAL_PATHS:
            if local in line:
                yield number, f"{local} is a path of one machine"


def check(root=tree.ROOT):
    findings = []
    for path in tree.files(root):
        text = tree.read(root, path)
        if text is None:
            continue
        if pathlib.PurePath(path).name.split(".")[0].lower() in VAGUE:
            findings.append(tree.Finding(path, 1, "a name that tells a newcomer nothing"))
        found = list(check_text(path, text))
        if is_code(path, text):
            found += check_code(path, text)
        findings += [tree.Finding(path, line, what) for line, what in found]
    return findings


if __name__ == "__main__":
    sys.exit(tree.report("style", check()))
