"""mc, the client of MinIO: a tree is mirrored there and back, only changes are sent again, a pipe
of unknown length, search, a shared link, tags, buckets for everybody, removal. `tools/dev clients` builds it."""

import json
import os
import subprocess
import urllib.error
import urllib.request

import pytest
import server as servers
import tree_of_files

PROGRAM = servers.ROOT / "build" / "clients" / "bin" / "mc"


@pytest.fixture
def mc(server, tmp_path):
    if not PROGRAM.exists():
        pytest.skip("mc is not built: tools/dev clients")
    login = server.endpoint.replace("://", f"://{server.access_key}:{server.secret_key}@")
    env = {**server.environment(), "MC_HOST_mill": login, "HOME": str(tmp_path)}

    def call(*arguments, check=True, stdin=None):
        command = [str(PROGRAM), "--json", "--config-dir", str(tmp_path / "mc"), *arguments]
        done = subprocess.run(command, env=env, cwd=tmp_path, input=stdin, capture_output=True,
                              timeout=600)
        said = done.stdout.decode(errors="replace")
        assert not check or done.returncode == 0, said
        return done.returncode, said

    return call


def lines_of(said):
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


def test_a_tree(mc, tmp_path):
    out, back = tmp_path / "out", tmp_path / "back"
    sent = tree_of_files.make(out)
    for path in out.rglob("*"):  # an object's time has whole seconds: mc would send again what is
        os.utime(path, (1_700_000_000, 1_700_000_000))  # as old as that
    mc("mb", "mill/mc-tree")
    mc("mirror", "out", "mill/mc-tree/top")
    assert {one["key"] for one in lines_of(mc("ls", "--recursive", "mill/mc-tree/top/")[1])} == {
        *sent}
    assert lines_of(mc("diff", "out", "mill/mc-tree/top")[1]) == []
    (out / "small.txt").write_bytes(b"longer than it was")
    (out / "page").unlink()
    said = lines_of(mc("mirror", "--overwrite", "--remove", "out", "mill/mc-tree/top")[1])
    assert sum("source" in one for one in said if one.get("size")) <= 1, "only what has changed"
    mc("mirror", "mill/mc-tree/top", "back")
    assert tree_of_files.contents_of(back) == tree_of_files.contents_of(out)
    assert mc("rb", "mill/mc-tree", check=False)[0] != 0
    mc("rb", "--force", "mill/mc-tree")
    assert "mc-tree" not in mc("ls", "mill")[1]


def test_single_objects(mc):
    body = bytes(range(256)) * 100_000
    mc("mb", "mill/mc-one")
    mc("pipe", "mill/mc-one/a b/stream", stdin=body)
    stat, = lines_of(mc("stat", "mill/mc-one/a b/stream")[1])
    assert stat["size"] == len(body)
    shared, = lines_of(mc("share", "download", "mill/mc-one/a b/stream")[1])
    with urllib.request.urlopen(shared["share"], timeout=30) as answer:
        assert answer.read() == body
    found = lines_of(mc("find", "mill/mc-one", "--name", "str*")[1])
    assert [one["key"] for one in found] == ["mill/mc-one/a b/stream"]
    mc("rm", "--recursive", "--force", "mill/mc-one")
    assert lines_of(mc("ls", "mill/mc-one")[1]) == []
    mc("rb", "mill/mc-one")


def test_tags_sizes_and_searches(mc, s3, bucket):
    """Also copies and moves within the server."""
    for name, size in (("a/small", 10), ("a/large", 3000), ("b/large", 5000)):
        s3.put_object(Bucket=bucket, Key=name, Body=bytes(size))
    mc("tag", "set", f"mill/{bucket}/a/small", "team=red&colour=dark blue")
    kept, = lines_of(mc("tag", "list", f"mill/{bucket}/a/small")[1])
    assert kept["tagset"] == {"team": "red", "colour": "dark blue"}
    mc("tag", "remove", f"mill/{bucket}/a/small")
    assert s3.get_object_tagging(Bucket=bucket, Key="a/small")["TagSet"] == []
    mc("tag", "set", f"mill/{bucket}", "cost=1")
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "cost", "Value": "1"}]
    total, = lines_of(mc("du", f"mill/{bucket}")[1])
    assert (total["size"], total["objects"]) == (8010, 3)
    found = lines_of(mc("find", f"mill/{bucket}", "--larger", "2000", "--name", "la*")[1])
    assert {one["key"] for one in found} == {f"mill/{bucket}/a/large", f"mill/{bucket}/b/large"}
    mc("cp", "--recursive", f"mill/{bucket}/a/", f"mill/{bucket}/c/")
    mc("mv", f"mill/{bucket}/b/large", f"mill/{bucket}/d")
    assert mc("cat", f"mill/{bucket}/d")[1] == "\0" * 5000
    mc("rm", "--recursive", "--force", f"mill/{bucket}/a")
    listed = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == ["c/large", "c/small", "d"]


def test_a_bucket_for_everybody(mc, server, s3, bucket):
    """mc writes a policy of its own for each of its words, and reads its own words back."""
    s3.put_object(Bucket=bucket, Key="a b", Body=b"for everybody")
    url = f"{server.endpoint}/{bucket}/a%20b"

    def word():
        said, = lines_of(mc("anonymous", "get", f"mill/{bucket}")[1])
        return said["permission"]

    assert word() == "private"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(url, timeout=30)
    for given in ("download", "upload", "public"):
        mc("anonymous", "set", given, f"mill/{bucket}")
        assert word() == given
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert answer.read() == b"for everybody"
    mc("anonymous", "set", "private", f"mill/{bucket}")
    assert word() == "private"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(url, timeout=30)
