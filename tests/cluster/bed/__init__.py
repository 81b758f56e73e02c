"""A cluster of hosts on one machine: network namespaces over a bridge, a GlusterFS volume with a
brick on each, a Millrace container on each, HAProxy in front. Needs root."""

import os
import shutil
import subprocess

PROGRAMS = ("glusterd", "gluster", "glusterfs", "haproxy", "ip", "nft", "unshare", "nsenter",
            "setpriv")


def missing():
    """Why no bed can be built here; None where one can."""
    if os.geteuid() != 0:
        return "needs root"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "needs /dev/fuse"
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    for program in PROGRAMS:
        if shutil.which(program, path=path) is None:
            return f"needs {program}"
    done = subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--fork", "sh", "-c",
         "ip link add left type veth peer name right && nft list ruleset"],
        capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return f"needs namespaces with veth and nftables: {done.stderr}"
    return None
