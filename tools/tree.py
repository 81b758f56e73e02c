"""The project's files as the house checks see them, and the includes in them.
Shared by the tools/check_*.py; standard library only."""

import dataclasses
import os
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
SKIPPED_FOLDERS = {".git", "build", "data", "shared", "__pycache__", ".venv"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


@dataclasses.dataclass(frozen=True)
class Finding:
    path: str
    line: int
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}"


def files(root=ROOT):
    """Every file of the tree, as sorted paths relative to the root. It walks rather than asks
    git, so that an unpacked archive is checked too."""
    found = []
    for folder, names, leaves in os.walk(root):
        names[:] = [name for name in names if name not in SKIPPED_FOLDERS]
        found += [pathlib.Path(folder, leaf).relative_to(root).as_posix() for leaf in leaves]
    return sorted(found)


def cpp_files(root=ROOT):
    return [path for path in files(root) if path.endswith((".cpp", ".h"))]


def read(root, path):
    """The text of a file; None where it is not text."""
    try:
        return (pathlib.Path(root) / path).read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError):
        return None


def includes(text):
    """(line number, name, is it in quotes) of each include directive."""
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(2), match.group(1) == '"'


def report(name, findings):
    """Prints findings as compilers do; the exit status of the check."""
    for finding in findings:
        print(finding)
    print(f"{name}: {len(findings) or 'no'} findings")
    return 1 if findings else 0


def page_findings(root, page, survey, tool):
    """Of a page that is made: what `survey(root)` finds, and whether the page is its text."""
    text, findings = survey(root)
    if read(root, page) != text:
        findings.append(Finding(page, 1, f"out of date: {tool} --write"))
    return findings


def write_page(page, survey):
    text, _ = survey(ROOT)
    (ROOT / page).write_text(text, encoding="utf-8")
