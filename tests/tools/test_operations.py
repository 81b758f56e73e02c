"""The page of operations is what the table and the tests make of it, and nothing older."""

import check_operations
import pytest
import tree

TABLE = """// The table.
#define OPERATIONS(X) \\
  X(get_thing, "GetThing", get, bucket, "thing", plain, "s3:GetThing", "", built) \\
  X(put_thing, "PutThing", put, bucket, "thing", plain, "s3:PutThing", "", planned) \\
  X(get_empty, "GetEmpty", get, bucket, "empty", plain, "s3:GetEmpty", "", built)
"""
UNSET = """// Settings that are never set.
constexpr std::array unset = {
    Unset{
        Id::get_empty, {}, "Empty"},
};
"""
ASKING = {"tests/clients/test_a.py": '"""A."""\ns3.get_thing()\n',
          "tests/clients/test_b.py": '"""B."""\n# operations: GetEmpty, GetThing\n'}


@pytest.fixture
def tree_of(tmp_path):
    def make(tests, written=True):
        files = {check_operations.TABLE: TABLE, check_operations.UNSET_TABLE: UNSET, **tests}
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        if written:
            (tmp_path / check_operations.PAGE).write_text(check_operations.survey(tmp_path)[0])
        return tmp_path

    return make


def findings(root):
    return [finding.text for finding in check_operations.check(root)]


def test_states_and_tests(tree_of):
    root = tree_of(ASKING)
    assert findings(root) == []
    rows = tree.read(root, check_operations.PAGE).splitlines()[-3:]
    assert rows == ["| GetEmpty | answers that nothing is set | b |",
                    "| GetThing | done | a, b |", "| PutThing | 501 |  |"]


def test_a_page_that_is_missing_or_old(tree_of):
    assert "out of date" in findings(tree_of(ASKING, written=False))[0]
    root = tree_of(ASKING)
    (root / "tests/clients/test_c.py").write_text('"""C."""\nrun("get-thing")\n')
    assert "out of date" in findings(root)[0]


def test_built_and_never_asked_for(tree_of):
    root = tree_of({"tests/clients/test_a.py": '"""A."""\ns3.get_thing()\ns3.get_thingy()\n'})
    assert findings(root) == ["GetEmpty is built and no test asks for it"]


def test_a_marker_for_what_there_is_not(tree_of):
    root = tree_of({**ASKING, "tests/model/test_d.py": '"""D."""\n# operations: GetTing\n'})
    assert findings(root) == ["the table has no operation GetTing"]


def test_a_table_that_cannot_be_read(tree_of):
    root = tree_of(ASKING)
    (root / check_operations.TABLE).write_text("// Something else.\n")
    assert "no row of the table can be read" in findings(root)
