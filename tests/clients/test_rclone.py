"""rclone: a tree of files goes in, is compared, comes back, is deleted."""

import json
import shutil
import subprocess

import pytest
import tree_of_files


@pytest.fixture
def rclone(server, tmp_path):
    settings = {"TYPE": "s3", "PROVIDER": "Other", "ENDPOINT": server.endpoint,
                "ACCESS_KEY_ID": server.access_key, "SECRET_ACCESS_KEY": server.secret_key,
                "REGION": "us-east-1", "FORCE_PATH_STYLE": "true", "CHUNK_SIZE": "5Mi",
                "UPLOAD_CUTOFF": "8Mi"}
    env = {**server.environment(), "RCLONE_CONFIG": "/dev/null",
           **{f"RCLONE_CONFIG_MILL_{name}": value for name, value in settings.items()}}

    def call(*arguments, check=True):
        done = subprocess.run([shutil.which("rclone"), "--retries=1", *arguments], env=env,
                              cwd=tmp_path, text=True, capture_output=True, timeout=600)
        assert not check or done.returncode == 0, done.stderr
        return done

    return call


def test_a_tree(rclone, tmp_path):
    out, back = tmp_path / "out", tmp_path / "back"
    sent = tree_of_files.make(out)
    rclone("mkdir", "mill:rclone-tree")
    assert "rclone-tree" in rclone("lsd", "mill:").stdout
    rclone("copy", str(out), "mill:rclone-tree/top")
    listed = rclone("lsf", "-R", "--files-only", "mill:rclone-tree/top").stdout.splitlines()
    assert set(listed) == set(sent)
    rclone("check", "--download", str(out), "mill:rclone-tree/top")
    rclone("copy", "mill:rclone-tree/top", str(back))
    assert tree_of_files.contents_of(back) == sent
    rclone("purge", "mill:rclone-tree")
    assert "rclone-tree" not in rclone("lsd", "mill:").stdout


def test_sync_removes_and_keeps_times(rclone, tmp_path):
    out = tmp_path / "out"
    tree_of_files.make(out)
    rclone("mkdir", "mill:rclone-sync")
    rclone("sync", str(out), "mill:rclone-sync")
    (out / "small.txt").unlink()
    (out / "page").write_bytes(b"now another size")
    rclone("sync", str(out), "mill:rclone-sync")
    items = json.loads(rclone("lsjson", "-R", "--files-only", "mill:rclone-sync").stdout)
    assert "small.txt" not in {item["Path"] for item in items}
    rclone("check", "--download", str(out), "mill:rclone-sync")
    again = rclone("sync", "-v", "--stats=0", str(out), "mill:rclone-sync").stderr
    assert "Copied" not in again, "times come back, so nothing is sent again"
    rclone("purge", "mill:rclone-sync")
