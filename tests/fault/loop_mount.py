"""Filesystems on loop images: small ones that fill up, and ones whose power is cut.

The cut is the shutdown ioctl of ext4 and xfs without a flush of the log (xfs_io -x -c shutdown):
what was not synced is gone after the next mount, and until then every call fails with EIO."""

import os
import shutil
import subprocess
import time

TOOLS = ("mkfs.ext4", "mkfs.xfs", "xfs_io", "mount", "umount")
QUIET = {"ext4": ("-q", "-F"), "xfs": ("-q", "-f")}


def reason_unavailable():
    """Why there can be no such image here, or None."""
    if os.geteuid() != 0:
        return "loop devices need root"
    if not os.access("/dev/loop-control", os.R_OK | os.W_OK):
        return "no loop devices"
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    return f"no {', '.join(missing)}" if missing else None


def run(*command):
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stderr}{done.stdout}"


class Image:
    """An image file in `folder`, mounted below `mounts`."""

    def __init__(self, folder, mounts, kind, mib, *options):
        self.file, self.path = folder / f"{kind}.image", mounts / f"{kind}.mount"
        self.path.mkdir()
        with open(self.file, "wb") as made:
            made.truncate(mib << 20)
        run(f"mkfs.{kind}", *QUIET[kind], *options, str(self.file))
        self.kind = kind
        self.mount()

    @property
    def data(self):
        """The directory to serve: not the root of the filesystem, which has `lost+found`."""
        inside = self.path / "data"
        inside.mkdir(exist_ok=True)
        return inside

    def mount(self, *options):
        run("mount", "-o", ",".join(("loop", *options)), str(self.file), str(self.path))

    def cut_power(self):
        """Everything on this filesystem fails from now on, and nothing reaches the image."""
        run("xfs_io", "-x", "-c", "shutdown", str(self.path))

    def unmount(self):
        # A server that has just been killed may still hold descriptors for a moment.
        deadline = time.monotonic() + 10
        while True:
            done = subprocess.run(["umount", str(self.path)], check=False, capture_output=True,
                                  text=True)
            if done.returncode == 0 or not os.path.ismount(self.path):
                return
            assert time.monotonic() < deadline, done.stderr
            time.sleep(0.05)

    def remount(self):
        """The machine comes back: the journal is replayed."""
        self.unmount()
        self.mount()

    def close(self):
        subprocess.run(["umount", "-l", str(self.path)], check=False, capture_output=True)
        self.file.unlink()
