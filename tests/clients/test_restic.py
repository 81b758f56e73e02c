"""restic: a repository in a bucket, two backups, a check that reads every byte, both restored,
and the first pruned. It keeps packs of some MiB and many small objects, lists them by prefix, and
never overwrites one; below it is minio-go, so signatures and checksums are that library's."""

import json
import shutil
import subprocess

import pytest
import tree_of_files

MIB = 1 << 20


@pytest.fixture
def restic(server, tmp_path):
    program = shutil.which("restic")
    if not program:
        pytest.skip("no restic")
    env = {**server.environment(), "RESTIC_REPOSITORY": f"s3:{server.endpoint}/restic-backup/home",
           "RESTIC_PASSWORD": "test only", "RESTIC_CACHE_DIR": str(tmp_path / "cache"),
           "HOME": str(tmp_path)}

    def call(*arguments, check=True):
        done = subprocess.run([program, *arguments], env=env, cwd=tmp_path, text=True,
                              capture_output=True, timeout=600)
        assert not check or done.returncode == 0, done.stderr
        return done

    return call


def stored_bytes(s3):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="restic-backup")
    return sum(item["Size"] for page in pages for item in page.get("Contents", []))


def test_backups_come_back_whole(restic, s3, tmp_path):
    home = tmp_path / "home"
    first = tree_of_files.make(home)
    s3.create_bucket(Bucket="restic-backup")
    restic("init")
    assert restic("init", check=False).returncode != 0, "there is one already"
    restic("backup", "--quiet", str(home))
    (home / "twenty.bin").unlink()
    (home / "added").write_bytes(b"since the first")
    second = tree_of_files.contents_of(home)
    restic("backup", "--quiet", str(home))
    restic("check", "--read-data")
    snapshots = sorted(json.loads(restic("snapshots", "--json").stdout),
                       key=lambda one: one["time"])
    assert len(snapshots) == 2
    for snapshot, sent in zip(snapshots, (first, second)):
        back = tmp_path / snapshot["short_id"]
        restic("restore", snapshot["short_id"], "--target", str(back))
        assert tree_of_files.contents_of(back / home.relative_to("/")) == sent
    before = stored_bytes(s3)
    restic("forget", "--keep-last", "1", "--prune", "--quiet")
    assert stored_bytes(s3) < before - 19 * MIB
    restic("check")
