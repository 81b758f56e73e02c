#!/usr/bin/env python3
"""Runs every test suite of the project, counts cases over all of them, and closes with the
line `N passed, N failed, N skipped`. Standard library only; called by `tools/dev test`.

To add a suite, add a row to SUITES. Nothing passes silently: a suite that reports no case, a
test executable that no row names, a crash, a timeout and a failed build each count as failed.
"""

import argparse
import concurrent.futures
import dataclasses
import itertools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
LOGS = BUILD / "logs"
VENV_PYTHON = BUILD / "venv" / "bin" / "python"
TAIL_LINES = 60
REPORTING = threading.Lock()  # suites that run together report one after the other
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1:disable_coredump=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


@dataclasses.dataclass(frozen=True)
class Suite:
    name: str
    kind: str  # doctest: an executable; pytest: a file or folder; check: exit status 0 or not
    command: tuple  # from the root; {release} and the like are build folders
    builds: tuple = ()  # what must be built first
    timeout_s: int = 600
    needs: tuple = ()  # root, fuse, loop: without it the whole suite is one skip
    env: tuple = ()  # pairs
    beside: bool = False  # one thread's work: runs together with its neighbours of the same kind
    workers: int = 1  # files of a pytest suite that run side by side, where most of it is waiting


SUITES = (
    Suite("layers", "check", ("python3", "tools/check_layers.py")),
    Suite("style", "check", ("python3", "tools/check_style.py")),
    Suite("operations", "check", ("python3", "tools/check_operations.py")),
    Suite("errors", "check", ("python3", "tools/check_errors.py")),
    Suite("headers", "check", ("python3", "tools/check_headers.py"), builds=("release",)),
    Suite("tools", "pytest", ("tests/tools",), builds=("release",),
          env=(("MILLRACE_BINARY", "build/release/millrace"),)),
    Suite("explorer", "doctest", ("build/release/tests/explorer-tests",), builds=("release",)),
    Suite("unit-ring", "doctest", ("build/asan/tests/unit-tests",), builds=("asan",), beside=True),
    # The short form: seeds 0 to 2 of each test; MILLRACE_SEEDS=200 by hand is the long one.
    Suite("unit-fake", "doctest", ("build/asan/tests/unit-tests-fake",), builds=("asan",),
          timeout_s=1200, env=(("MILLRACE_SEEDS", "3"),), beside=True),
    Suite("allocation", "doctest", ("build/release/tests/allocation-tests",),
          builds=("release",)),
    Suite("tsan", "doctest", ("build/tsan/tests/tsan-tests",), builds=("tsan",)),
    Suite("clients", "pytest", ("tests/clients",), builds=("release",), timeout_s=1200, workers=2,
          env=(("MILLRACE_BINARY", "build/release/millrace"),)),
    Suite("clients-asan", "pytest",
          ("tests/clients/test_boto3_objects.py", "tests/clients/test_boto3_multipart.py",
           "tests/clients/test_boto3_listing.py", "tests/clients/test_keys.py",
           "tests/clients/test_streamed_bodies.py", "tests/clients/test_post_forms.py",
           "tests/clients/test_settings.py", "tests/clients/test_policy.py",
           "tests/clients/test_cors.py", "tests/clients/test_copy.py",
           "tests/clients/test_append.py", "tests/clients/test_rename_object.py"),
          builds=("asan",), timeout_s=1800,
          env=(("MILLRACE_BINARY", "build/asan/millrace"),)),
    Suite("model", "pytest", ("tests/model",), builds=("release",), timeout_s=600,
          env=(("MILLRACE_BINARY", "build/release/millrace"),)),
    Suite("cluster", "pytest", ("tests/cluster",), builds=("release",), timeout_s=600, workers=3,
          env=(("MILLRACE_BINARY", "build/release/millrace"),)),
    Suite("micro-bench", "check", ("build/release/bench/micro-bench",
                                   "--benchmark_min_time=0.0001"), builds=("release",)),
    Suite("fault", "pytest", ("tests/fault",), builds=("release",), timeout_s=1200,
          env=(("MILLRACE_BINARY", "build/release/millrace"),)),
)


@dataclasses.dataclass
class Outcome:
    passed: list = dataclasses.field(default_factory=list)
    failed: list = dataclasses.field(default_factory=list)  # (name, why)
    skipped: list = dataclasses.field(default_factory=list)  # (name, why)


def available(need):
    return {
        "root": lambda: os.geteuid() == 0,
        "fuse": lambda: os.access("/dev/fuse", os.R_OK | os.W_OK),
        "loop": lambda: os.access("/dev/loop-control", os.R_OK | os.W_OK),
    }[need]()


def run_logged(command, log, timeout_s, env):
    """Exit status, or None where the deadline passed. The command gets its own process group,
    which is what is ended at the deadline."""
    with open(log, "ab") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, env=env, start_new_session=True)
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            raise


def read_junit(path):
    """Outcome of a JUnit file; None where there is no whole one (the runner died)."""
    try:
        tree = ElementTree.parse(path)
    except (OSError, ElementTree.ParseError):
        return None
    outcome = Outcome()
    for case in tree.iter("testcase"):
        scope = case.get("classname", "").rsplit(".", 1)[-1]
        is_python = not case.get("classname", "").endswith((".cpp", ".h"))
        name = f"{scope}.{case.get('name')}" if is_python else case.get("name")
        wrong = case.find("failure") if case.find("failure") is not None else case.find("error")
        if wrong is not None:
            outcome.failed.append((name, wrong.get("message", "")))
        elif case.find("skipped") is not None:
            outcome.skipped.append((name, case.find("skipped").get("message", "")))
        else:
            outcome.passed.append(name)
    return outcome


def take_doctest_skips(outcome, path):
    """Moves the cases that tests/skip.h reported from passed to skipped."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        if not line.startswith("SKIPPED: "):
            continue
        name, _, reason = line.removeprefix("SKIPPED: ").rpartition(": ")
        taken = next((p for p in outcome.passed if p == name or p.startswith(name + "/")), None)
        if taken is not None:
            outcome.passed.remove(taken)
        outcome.skipped.append((name, reason))


def append_failures(junit, log):
    """doctest prints nothing but its JUnit file: the details go to the log, to be shown."""
    with open(log, "a") as out:
        for case in ElementTree.parse(junit).iter("testcase"):
            for wrong in (*case.iter("failure"), *case.iter("error")):
                out.write(f"{case.get('name')}: {wrong.get('message')}\n{wrong.text or ''}\n")


def settle(outcome, status, timeout_s):
    """What the exit status adds to the report: it can only make things worse."""
    outcome = outcome or Outcome()
    if status is None:
        outcome.failed.append(("(whole suite)", f"still running after {timeout_s} s"))
    elif status != 0 and not outcome.failed:
        outcome.failed.append(("(whole suite)", f"exit status {status}"))
    elif not (outcome.passed or outcome.failed or outcome.skipped):
        outcome.failed.append(("(whole suite)", "reported no test"))
    return outcome


def run_doctest(suite, log, scratch, env):
    junit, skips = scratch / "junit.xml", scratch / "skips"
    command = [str(ROOT / suite.command[0]), *suite.command[1:]]
    env = {**env, "MILLRACE_SKIP_FILE": str(skips)}
    status = run_logged([*command, "-r=junit", f"-o={junit}"], log, suite.timeout_s, env)
    outcome = read_junit(junit)
    if outcome is None and status is not None:
        # It died before its report: the console form names the case that it died in.
        run_logged([*command, "-s=false"], log, suite.timeout_s, env)
    elif outcome is not None:
        append_failures(junit, log)
        take_doctest_skips(outcome, skips)
    return settle(outcome, status, suite.timeout_s)


def run_pytest(suite, log, scratch, env):
    junit = scratch / "junit.xml"
    side_by_side = ["-n", str(suite.workers), "--dist", "loadfile"] if suite.workers > 1 else []
    status = run_logged([str(VENV_PYTHON), "-m", "pytest", "-p", "no:cacheprovider", "-ra", "-v",
                         *side_by_side, f"--junitxml={junit}", *suite.command], log,
                        suite.timeout_s, env)
    return settle(read_junit(junit), status, suite.timeout_s)


def run_check(suite, log, _scratch, env):
    status = run_logged(list(suite.command), log, suite.timeout_s, env)
    return settle(Outcome(passed=[suite.name] if status == 0 else []), status, suite.timeout_s)


RUNNERS = {"doctest": run_doctest, "pytest": run_pytest, "check": run_check}


def run_suite(suite, log):
    lacking = [need for need in suite.needs if not available(need)]
    if lacking:
        return Outcome(skipped=[("(whole suite)", "needs " + ", ".join(lacking))])
    path = ROOT / suite.command[0]
    if suite.kind != "check" and not path.exists():
        return Outcome(failed=[("(whole suite)", f"{suite.command[0]} does not exist")])
    env = {**SANITIZER_ENV, **os.environ}
    symbolizer = shutil.which("llvm-symbolizer-19")
    if symbolizer:
        env.setdefault("ASAN_SYMBOLIZER_PATH", symbolizer)
    env.update((name, str(ROOT / value) if value.startswith("build/") else value)
               for name, value in suite.env)
    with tempfile.TemporaryDirectory(prefix="millrace-test-") as scratch:
        return RUNNERS[suite.kind](suite, log, pathlib.Path(scratch), env)


def allowed_skips():
    lines = (ROOT / "tests" / "allowed_skips.txt").read_text().splitlines()
    return [line.split("  ")[0].strip() for line in lines if line.strip() and line[0] != "#"]


def refuse_unlisted_skips(suite_name, outcome, allowed):
    def listed(full):
        return any(full == a or (a.endswith("*") and full.startswith(a[:-1])) for a in allowed)

    for name, why in list(outcome.skipped):
        if not listed(f"{suite_name}::{name}"):
            outcome.skipped.remove((name, why))
            outcome.failed.append((name, f"skipped, and not in tests/allowed_skips.txt: {why}"))


def tail_of(log):
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return
    for line in lines[-TAIL_LINES:]:
        print("    | " + line)


def report(name, outcome, seconds, log):
    print(f"{name:<16}{len(outcome.passed):6} passed{len(outcome.failed):5} failed"
          f"{len(outcome.skipped):5} skipped{seconds:9.1f} s", flush=True)
    for case, why in outcome.skipped:
        print(f"    skipped {name}::{case}: {why}")
    for case, why in outcome.failed:
        print(f"    FAILED {name}::{case}: {' '.join(why.split())[:300]}")
    if outcome.failed:
        print(f"    the end of {log.relative_to(ROOT)}:")
        tail_of(log)


def build(kind):
    """None where it built, else an Outcome that says it did not."""
    log = LOGS / f"build-{kind}.log"
    log.unlink(missing_ok=True)
    began = time.monotonic()
    status = run_logged([str(ROOT / "tools" / "dev"), "build", kind], log, 3600, dict(os.environ))
    seconds = time.monotonic() - began
    if status == 0:
        print(f"built {kind:<39}{seconds:18.1f} s", flush=True)
        return None
    outcome = Outcome(failed=[("(build)", f"exit status {status}")])
    report(f"build-{kind}", outcome, seconds, log)
    return outcome


def unlisted_executables(suites, build=BUILD):
    """Executables that tests/meson.build makes and that no row of the table runs."""
    listed = {pathlib.Path(s.command[0]).name for s in suites if s.kind == "doctest"}
    missing = set()
    for targets in build.glob("*/meson-info/intro-targets.json"):
        for target in json.loads(targets.read_text()):
            defined_in = pathlib.Path(target["defined_in"])
            if target["type"] == "executable" and defined_in == ROOT / "tests" / "meson.build":
                missing.update({target["name"]} - listed)
    return sorted(missing)


def choose(names):
    known = {suite.name for suite in SUITES}
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"no suite {', '.join(unknown)}; there are: {', '.join(sorted(known))}")
    return [suite for suite in SUITES if not names or suite.name in names]


def groups(suites):
    """Those that run together: neighbours in the table that say so."""
    for beside, group in itertools.groupby(suites, key=lambda suite: suite.beside):
        yield from [list(group)] if beside else ([suite] for suite in group)


def run_and_report(suite, unbuilt, in_ci):
    log = LOGS / f"{suite.name}.log"
    log.unlink(missing_ok=True)
    began = time.monotonic()
    if unbuilt.intersection(suite.builds):
        outcome = Outcome(failed=[("(whole suite)", "its build failed")])
    else:
        outcome = run_suite(suite, log)
    if in_ci:
        refuse_unlisted_skips(suite.name, outcome, allowed_skips())
    with REPORTING:
        report(suite.name, outcome, time.monotonic() - began, log)
    return outcome


def main():
    parser = argparse.ArgumentParser(description="Runs the test suites.")
    parser.add_argument("suites", nargs="*", help="only these")
    parser.add_argument("--list", action="store_true", help="name the suites")
    options = parser.parse_args()
    suites = choose(options.suites)
    if options.list:
        print("\n".join(suite.name for suite in suites))
        return 0
    LOGS.mkdir(parents=True, exist_ok=True)
    in_ci = os.environ.get("CI") == "true"
    total, unbuilt = [], set()
    for kind in dict.fromkeys(kind for suite in suites for kind in suite.builds):
        outcome = build(kind)
        if outcome:
            total.append(outcome)
            unbuilt.add(kind)
    for group in groups(suites):
        with concurrent.futures.ThreadPoolExecutor(len(group)) as pool:
            total += pool.map(lambda suite: run_and_report(suite, unbuilt, in_ci), group)
    for program in unlisted_executables(SUITES):
        print(f"FAILED {program}: made by tests/meson.build, and no row of tests/run.py runs it")
        total.append(Outcome(failed=[(program, "not in the table")]))
    failed = sum(len(o.failed) for o in total)
    print(f"{sum(len(o.passed) for o in total)} passed, {failed} failed, "
          f"{sum(len(o.skipped) for o in total)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
