"""rclone: a tree of files goes in, is compared by content and by hash, comes back, is deleted;
syncs that send only what changed; streams of unknown length, pieces of objects, links."""

import json
import shutil
import subprocess
import urllib.request

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

    def call(*arguments, check=True, stdin=None, text=True):
        done = subprocess.run([shutil.which("rclone"), "--retries=1", *arguments], env=env,
                              cwd=tmp_path, text=text and stdin is None, input=stdin,
                              capture_output=True, timeout=600)
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
    assert "0 differences found" in rclone("check", str(out), "mill:rclone-tree/top").stderr
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


def test_check_finds_what_differs(rclone, tmp_path):
    (tmp_path / "out").mkdir()
    for name in ("same", "other", "missing"):
        (tmp_path / "out" / name).write_bytes(b"here")
    rclone("mkdir", "mill:rclone-check")
    rclone("copy", "out", "mill:rclone-check")
    (tmp_path / "out" / "other").write_bytes(b"HERE")
    rclone("deletefile", "mill:rclone-check/missing")
    done = rclone("check", "--combined", "-", "out", "mill:rclone-check", check=False)
    assert done.returncode != 0
    assert sorted(done.stdout.splitlines()) == ["* other", "+ missing", "= same"]
    rclone("purge", "mill:rclone-check")


def test_streams_pieces_and_links(rclone, tmp_path):
    """A stream over the cut-off becomes an upload in parts whose length nobody knew."""
    rclone("mkdir", "mill:rclone-stream")
    body = bytes(range(256)) * 40_000
    rclone("rcat", "mill:rclone-stream/a b/stream", stdin=body)
    assert rclone("size", "--json", "mill:rclone-stream").stdout == (
        '{"count":1,"bytes":10240000,"sizeless":0}\n')
    piece = rclone("cat", "--offset", "9999990", "--count", "5", "mill:rclone-stream/a b/stream",
                   text=False).stdout
    assert piece == body[9999990:9999995]
    url = rclone("link", "mill:rclone-stream/a b/stream").stdout.strip()
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert answer.read() == body
    rclone("purge", "mill:rclone-stream")


def test_copies_within_the_server(rclone, tmp_path):
    """Copies, moves and new times, in one piece and, over the cut-off, in parts."""
    out = tmp_path / "out"
    sent = tree_of_files.make(out)
    rclone("mkdir", "mill:rclone-copies")
    rclone("copy", "out", "mill:rclone-copies/one")
    within = ("--s3-copy-cutoff=8Mi", "--stats=0", "-v")
    said = rclone("copy", *within, "mill:rclone-copies/one", "mill:rclone-copies/two").stderr
    assert said.count("Copied (server-side copy)") == len(sent)
    rclone("move", "mill:rclone-copies/one", "mill:rclone-copies/three")
    assert rclone("lsf", "mill:rclone-copies").stdout.split() == ["three/", "two/"]
    rclone("check", "--download", "out", "mill:rclone-copies/two")
    rclone("check", "--download", "out", "mill:rclone-copies/three")
    (out / "small.txt").touch()  # its time alone is new: rclone copies the object onto itself
    said = rclone("sync", "-v", "--stats=0", "out", "mill:rclone-copies/two").stderr
    assert "Updated modification time" in said and "Copied" not in said
    again = rclone("sync", "-v", "--stats=0", "out", "mill:rclone-copies/two").stderr
    assert "Updated" not in again
    rclone("purge", "mill:rclone-copies")


def test_sync_by_checksum(rclone, tmp_path):
    """Sizes and MD5 alone decide: a new time sends nothing, a new content of the same size does."""
    out = tmp_path / "out"
    tree_of_files.make(out)
    rclone("mkdir", "mill:rclone-sums")
    rclone("sync", "--checksum", "out", "mill:rclone-sums")
    (out / "page").touch()
    (out / "small.txt").write_bytes(b"other bytes")
    said = rclone("sync", "-v", "--stats=0", "--checksum", "out", "mill:rclone-sums").stderr
    assert "small.txt: Copied" in said and said.count("Copied") == 1
    sums = rclone("md5sum", "mill:rclone-sums").stdout
    wanted = rclone("md5sum", "out").stdout
    assert sorted(sums.splitlines()) == sorted(wanted.splitlines())
    rclone("purge", "mill:rclone-sums")
