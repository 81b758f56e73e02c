"""The runner counts right: what JUnit files say, what skips do in CI, and that a suite that
dies, hangs or reports nothing is a failure."""

import json
import sys

import run


def junit(tmp_path, cases):
    path = tmp_path / "junit.xml"
    path.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    return path


def test_reads_passed_failed_skipped(tmp_path):
    outcome = run.read_junit(junit(tmp_path, """
        <testcase classname="tests.clients.test_a" name="one"/>
        <testcase classname="tests.clients.test_a" name="two"><failure message="no">x</failure></testcase>
        <testcase classname="tests.clients.test_a" name="three"><error message="oh"/></testcase>
        <testcase classname="tests.clients.test_a" name="four"><skipped message="why"/></testcase>
        <testcase classname="sigv4_test.cpp" name="five"/>"""))
    assert outcome.passed == ["test_a.one", "five"]
    assert outcome.failed == [("test_a.two", "no"), ("test_a.three", "oh")]
    assert outcome.skipped == [("test_a.four", "why")]


def test_a_torn_report_is_no_report(tmp_path):
    path = tmp_path / "junit.xml"
    path.write_text("<testsuites><testsuite>")
    assert run.read_junit(path) is None
    assert run.read_junit(tmp_path / "absent.xml") is None


def test_settle_only_makes_things_worse():
    assert len(run.settle(None, 0, 5).failed) == 1
    assert len(run.settle(None, -6, 5).failed) == 1
    assert len(run.settle(None, None, 5).failed) == 1
    assert run.settle(run.Outcome(passed=["a"]), 0, 5).failed == []
    assert len(run.settle(run.Outcome(passed=["a"]), 23, 5).failed) == 1
    assert len(run.settle(run.Outcome(failed=[("a", "b")]), 1, 5).failed) == 1


def test_doctest_skips_move_from_passed(tmp_path):
    skips = tmp_path / "skips"
    skips.write_text("SKIPPED: needs: a thing: no such thing\nSKIPPED: b: why\nnoise\n")
    outcome = run.Outcome(passed=["a", "needs: a thing", "b/sub", "c"])
    run.take_doctest_skips(outcome, skips)
    assert outcome.passed == ["a", "c"]
    assert outcome.skipped == [("needs: a thing", "no such thing"), ("b", "why")]


def test_unlisted_skips_fail():
    outcome = run.Outcome(skipped=[("a", ""), ("b[1]", ""), ("c", "gone")])
    run.refuse_unlisted_skips("s", outcome, ["s::a", "s::b*", "t::c"])
    assert [name for name, _ in outcome.skipped] == ["a", "b[1]"]
    assert [name for name, _ in outcome.failed] == ["c"]


def test_a_command_past_its_deadline_is_ended(tmp_path):
    log = tmp_path / "log"
    assert run.run_logged([sys.executable, "-c", "import time; time.sleep(60)"], log, 1, {}) is None
    assert run.run_logged([sys.executable, "-c", "print('x'); raise SystemExit(3)"], log, 9, {}) == 3
    assert "x" in log.read_text()


def test_an_executable_that_no_suite_runs_is_found(tmp_path):
    info = tmp_path / "asan" / "meson-info"
    info.mkdir(parents=True)
    made_by = str(run.ROOT / "tests" / "meson.build")
    targets = [{"name": name, "type": kind, "defined_in": where}
               for name, kind, where in (("unit-tests", "executable", made_by),
                                         ("forgotten", "executable", made_by),
                                         ("a-library", "static library", made_by),
                                         ("server", "executable", "elsewhere"))]
    (info / "intro-targets.json").write_text(json.dumps(targets))
    assert run.unlisted_executables(run.SUITES, tmp_path) == ["forgotten"]


def test_the_table_names_each_suite_once():
    names = [suite.name for suite in run.SUITES]
    assert len(set(names)) == len(names)
    assert all(suite.kind in run.RUNNERS for suite in run.SUITES)
