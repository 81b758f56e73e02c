"""Fixtures of the fault tests. The server of these tests is often killed, so it is started by
`start` rather than by the clients' fixture, which demands an orderly end; what runs at the end
of a test is killed here, and mounts go after the servers that stand on them."""

import contextlib
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "clients"))
import loop_mount  # noqa: E402
import probes  # noqa: E402
import server as servers  # noqa: E402
import slow_mount  # noqa: E402

CREDENTIALS = ("FAULTTESTKEY", "fault-test-secret-fault-test-secret")


LONG = os.environ.get("MILLRACE_LONG") == "1"


def pytest_configure(config):
    config.addinivalue_line("markers", "long: only in the long form (MILLRACE_LONG=1)")


def pytest_collection_modifyitems(config, items):
    """The short form leaves the long tests out: they are no skips, which a CI would refuse."""
    if LONG:
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def long_run():
    """MILLRACE_LONG=1: more rounds, and the tests that wait for deadlines of 20 s and more."""
    return LONG


@pytest.fixture
def mounts():
    """Closed after the servers of `start` have gone, which stand on them."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def start(mounts, tmp_path):
    """start(data, *arguments) -> servers.Millrace with fixed credentials."""
    running = []

    def begin(data, *arguments):
        running.append(servers.Millrace.start(tmp_path, *arguments, data=data,
                                              credentials=CREDENTIALS))
        # `ready` says that connections are taken; the first probe of the disk may still run.
        probes.wait_for_ready(running[-1], True, 10)
        return running[-1]

    yield begin
    for one in running:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


@pytest.fixture
def fuse(mounts, start, tmp_path):
    """A FUSE mount with delays (slow_mount.SlowMount)."""
    reason = slow_mount.reason_unavailable()
    if reason:
        pytest.skip(reason)
    mount = mounts.enter_context(slow_mount.slow_mount(tmp_path))
    yield mount
    mount.clear()  # a server that waits for it can't even be killed


@pytest.fixture
def plain(mounts, start, tmp_path):
    """A FUSE mount whose files take no extended attributes."""
    reason = slow_mount.reason_unavailable()
    if reason:
        pytest.skip(reason)
    return mounts.enter_context(slow_mount.slow_mount(tmp_path, attributes=False))


@pytest.fixture
def loop(mounts, tmp_path):
    """loop(kind, MiB, *mkfs options, folder=...) -> a mounted image (loop_mount.Image)."""
    reason = loop_mount.reason_unavailable()
    if reason:
        pytest.skip(reason)

    def make(kind, mib, *options, folder=tmp_path):
        image = loop_mount.Image(folder, tmp_path, kind, mib, *options)
        mounts.callback(image.close)
        return image

    return make
