"""mc, the client of MinIO: a tree is mirrored there and back, only changes are sent again, a pipe
of unknown length, search, a shared link, removal. `tools/dev clients` builds it."""

import json
import subprocess
import urllib.request

import pytest
import server as servers
import tree_of_files

NEWER = 7  # diff's word for a file whose time is not before the object's, its content the same
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
    mc("mb", "mill/mc-tree")
    mc("mirror", "out", "mill/mc-tree/top")
    assert {one["key"] for one in lines_of(mc("ls", "--recursive", "mill/mc-tree/top/")[1])} == {
        *sent}
    differing = lines_of(mc("diff", "out", "mill/mc-tree/top")[1])
    assert [one for one in differing if one["diff"] != NEWER] == []
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
