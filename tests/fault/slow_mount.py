"""A FUSE mount whose operations can be made to wait (slowfs.c). The program is compiled into
build/ when a test first wants it; whoever mounts unmounts, also when the filesystem hangs."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = HERE.parent.parent / "build" / "fault" / "slowfs"
THREADS = 128  # of slowfs: more than operations that the tests let wait at once


def reason_unavailable():
    """Why there can be no such mount here, or None."""
    if os.geteuid() != 0:
        return "FUSE mounts for the server need root"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "no /dev/fuse"
    if not shutil.which("fusermount3"):
        return "no fusermount3"
    if subprocess.run(["pkg-config", "--exists", "fuse3"], check=False).returncode != 0:
        return "no development files of libfuse 3"
    return None


def compiled():
    source = HERE / "slowfs.c"
    if PROGRAM.exists() and PROGRAM.stat().st_mtime >= source.stat().st_mtime:
        return PROGRAM
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"], check=True,
                           capture_output=True, text=True).stdout.split()
    fresh = PROGRAM.with_suffix(f".{os.getpid()}")
    compiler = next(name for name in ("cc", "gcc", "clang", "clang-19") if shutil.which(name))
    subprocess.run([compiler, "-O1", "-Wall", "-Wextra", "-Werror", "-o", fresh, source, *flags],
                   check=True)
    fresh.rename(PROGRAM)
    return PROGRAM


class SlowMount:
    """`delay("read", "slow-", 3000)`: reads of paths that contain `slow-` wait 3 s from now on.
    `clear()` ends every wait. Rules add up until then. Without `attributes` its files take no
    extended ones."""

    def __init__(self, folder, attributes=True):
        self.source, self.path = folder / "behind", folder / "mount"
        self.rules = folder / "rules"
        for made in (self.source, self.path):
            made.mkdir()
        self.rules.write_text("")
        self.log = open(folder / "slowfs.log", "wb")
        environment = dict(os.environ) | ({} if attributes else {"SLOWFS_NO_ATTRIBUTES": "1"})
        self.process = subprocess.Popen(
            [compiled(), self.source, self.rules, "-f", "-o", f"max_threads={THREADS}", self.path],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=environment)
        deadline = time.monotonic() + 10
        while not os.path.ismount(self.path):
            assert self.process.poll() is None, (folder / "slowfs.log").read_text()
            assert time.monotonic() < deadline, "slowfs does not mount"
            time.sleep(0.01)

    def delay(self, operation, text, ms):
        self.write(self.rules.read_text() + f"{operation} {text} {ms}\n")

    def fail(self, operation, text, number):
        """Such an operation on paths that contain it fails with that errno."""
        self.write(self.rules.read_text() + f"{operation} {text} {-number}\n")

    def hang(self):
        self.write("any / 3600000\n")

    def clear(self):
        self.write("")

    def write(self, text):
        fresh = self.rules.with_suffix(".new")
        fresh.write_text(text)
        fresh.rename(self.rules)

    def close(self):
        self.clear()
        subprocess.run(["fusermount3", "-u", "-z", self.path], check=False, capture_output=True)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


@contextlib.contextmanager
def slow_mount(folder, attributes=True):
    mount = SlowMount(folder, attributes)
    try:
        yield mount
    finally:
        mount.close()
