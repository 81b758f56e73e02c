"""What a result must say about where it was measured, or it can't be read a year later."""

import os
import pathlib
import platform
import shutil
import subprocess

import servers


def first_line(command):
    try:
        out = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = [line for line in (out.stdout + out.stderr).splitlines() if line.strip()]
    return lines[0].strip() if lines else None


def processor():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines
                  if line.startswith("model name")), platform.machine())
    virtual = any(line.startswith("flags") and " hypervisor" in line for line in lines)
    return {"model": model, "count": os.cpu_count(), "virtual_machine": virtual}


def memory_mib():
    line = next(line for line in pathlib.Path("/proc/meminfo").read_text().splitlines()
                if line.startswith("MemTotal"))
    return int(line.split()[1]) // 1024


def filesystem_of(path):
    """Type and device of the mount that holds a path: the longest mount point above it."""
    best = ("", "unknown", "")
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        device, point, kind = line.split()[:3]
        inside = str(path) == point or str(path).startswith(point.rstrip("/") + "/")
        if inside and len(point) > len(best[0]):
            best = (point, kind, device)
    return {"type": best[1], "device": best[2]}


def commit():
    git = ["git", "-C", str(servers.ROOT), "-c", f"safe.directory={servers.ROOT}"]
    changed = subprocess.run([*git, "status", "--porcelain", "--untracked-files=no"],
                             capture_output=True, text=True).stdout.strip()
    return {"id": first_line([*git, "rev-parse", "HEAD"]), "changed_files": bool(changed)}


def fingerprint(data):
    nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    return {
        "commit": commit(),
        "kernel": platform.release(),
        "processor": processor(),
        "memory_mib": memory_mib(),
        "filesystem": filesystem_of(data),
        "load_average_before": os.getloadavg()[0],
        "millrace": first_line([str(servers.millrace(data, "strict").command[0]), "version"]),
        "nginx": first_line([nginx, "-v"]) if nginx else None,
    }
