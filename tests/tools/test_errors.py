"""The page of errors is what the table of codes and the tests make of it; what is written by hand in
it stays."""

import check_errors
import pytest
import tree

TABLE = """// The table.
#define CODES(X) \\
  X(access_denied, "AccessDenied", 403, "Access Denied") \\
  X(not_modified, "NotModified", 304, "Not Modified") \\
  X(slow_down, "SlowDown", 503, "Slower")
"""
PAGE = """| AccessDenied | 1 | all |  |
| NotModified | 1 | GetObject |  |
| SlowDown | 1 | all |  |
## Codes that cannot occur
| code | why |
|---|---|
| InvalidPayer | there is no billing |
"""
TESTS = {"tests/clients/test_a.py": '"""A."""\n# errors: NotModified\nok = b"<Code>AccessDenied<"\n',
         "tests/s3/overload_test.cpp": '// B.\nCHECK(code == "SlowDown");\n',
         "tests/s3/error_test.cpp": '// C.\nCHECK(text == "NotModified");\n'}


@pytest.fixture
def tree_of(tmp_path):
    def make(tests=TESTS, page=PAGE, written=True):
        for name, text in {check_errors.TABLE: TABLE, check_errors.PAGE: page, **tests}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        if written:
            (tmp_path / check_errors.PAGE).write_text(check_errors.survey(tmp_path)[0])
        return tmp_path

    return make


def findings(root):
    return [finding.text for finding in check_errors.check(root)]


def test_codes_and_tests(tree_of):
    root = tree_of()
    assert findings(root) == []
    text = tree.read(root, check_errors.PAGE)
    for row in ("| AccessDenied | 403 | all | a |", "| NotModified | 304 | GetObject | a |",
                "| SlowDown | 503 | all | overload_test |",
                "| InvalidPayer | there is no billing |"):
        assert row in text.splitlines()
    assert check_errors.survey(root)[0] == text


def test_a_code_that_no_test_provokes(tree_of):
    root = tree_of({**TESTS, "tests/s3/overload_test.cpp": "// B.\n"})
    assert findings(root) == ["no test provokes SlowDown"]


def test_a_page_that_is_old(tree_of):
    assert "out of date" in findings(tree_of(written=False))[-1]


def test_what_is_missing_by_hand(tree_of):
    root = tree_of(page=PAGE.replace("| 1 | GetObject |", "| 1 |  |").replace(
        "there is no billing", ""))
    assert findings(root) == ["NotModified has no operations", "InvalidPayer has no reason"]


def test_a_code_in_both_tables(tree_of):
    root = tree_of(page=PAGE + "| SlowDown | never |\n")
    assert findings(root) == ["SlowDown is answered, and said to be never"]


def test_a_table_that_cannot_be_read(tree_of):
    root = tree_of()
    (root / check_errors.TABLE).write_text("// Something else.\n")
    assert "no row of the table can be read" in findings(root)
