"""What keeps a server from starting is said in one line, with what to do, within seconds; it
exits with 1 and has not said `ready`."""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

import pytest
import server as servers

REFUSED_S = 5
LAUNCHER = pathlib.Path(__file__).resolve().parent / "launcher.py"


def refusal(data, listen=None, health=None, restriction=None):
    """The one line of a refused start."""
    command = [str(servers.binary()), "serve", "--data", str(data),
               "--listen", f"127.0.0.1:{listen or servers.free_port()}",
               "--health", f"127.0.0.1:{health or servers.free_port()}"]
    if restriction:
        command = [sys.executable, str(LAUNCHER), restriction, *command]
    done = subprocess.run(command, check=False, capture_output=True, text=True,
                          timeout=REFUSED_S, env=servers.scrubbed_environment(),
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    assert done.stdout == "", "it said that it was ready"
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data"
    path.mkdir()
    return path


@pytest.fixture
def served_before(data, start):
    """A data directory that a server has made and left, credentials of its own included."""
    started = servers.Millrace.start(data.parent, data=data)
    started.stop()
    return data


@pytest.fixture
def as_user():
    """A directory, and a copy of the server, that another user can reach."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with tempfile.TemporaryDirectory(prefix="millrace-refusal-", dir="/tmp") as folder:
        path = pathlib.Path(folder)
        path.chmod(0o755)
        shutil.copy(servers.binary(), path / "millrace")
        yield path


def test_io_uring_is_forbidden(data):
    line = refusal(data, restriction="no-io-uring")
    assert "io_uring" in line and "seccomp" in line, line


def test_the_limit_of_descriptors_is_low(data):
    line = refusal(data, restriction="few-files")
    assert "64" in line and ("descriptors" in line or "files" in line.lower()), line


def test_the_data_path_is_a_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("not a directory")
    line = refusal(path)
    assert str(path) in line and "isn't a directory" in line, line


def test_the_parent_of_the_data_directory_is_missing(tmp_path):
    assert "missing/data" in refusal(tmp_path / "missing" / "data")


def test_the_data_directory_belongs_to_another(as_user, monkeypatch):
    foreign = as_user / "data"
    foreign.mkdir(mode=0o755)
    monkeypatch.setenv("MILLRACE_BINARY", str(as_user / "millrace"))
    line = refusal(foreign, restriction="user")
    assert str(foreign) in line and "can't be written" in line, line


def test_the_filesystem_is_read_only(loop):
    image = loop("ext4", 64)
    inside = image.data
    image.unmount()
    image.mount("ro")
    line = refusal(inside)
    assert str(inside) in line and "ead-only" in line, line


def test_another_server_has_the_data_directory(data, start):
    first = start(data)
    line = refusal(data)
    assert f"process {first.pid}" in line, line
    first.stop()


@pytest.mark.parametrize("option", ["listen", "health"])
def test_a_port_is_in_use(data, option):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = refusal(data, **{option: port})
    assert str(port) in line and "in use" in line, line


@pytest.mark.parametrize("text, said", [
    ("", "format"), ("\x00\x01\x02", "format"), ("layout = 99\nreadable = 1\n", "layout"),
    ('layout = 1\nreadable = 9\nwritable = 9\nmode = "standalone"\nid = "x"\n', "level"),
])
def test_the_format_file_is_not_understood(served_before, text, said):
    path = served_before / ".millrace" / "format"
    path.write_text(text)
    line = refusal(served_before)
    assert str(path) in line and said in line, line
    assert path.read_text() == text, "the file was changed"


def test_the_format_file_cannot_be_read(as_user, monkeypatch):
    monkeypatch.setenv("MILLRACE_BINARY", str(as_user / "millrace"))
    inside = as_user / "data"
    system = inside / ".millrace"
    system.mkdir(parents=True)
    for path in (inside, system):
        shutil.chown(path, 65534, 65534)
    (system / "format").write_text("layout = 1\n")
    (system / "format").chmod(0o600)
    line = refusal(inside, restriction="user")
    assert str(system / "format") in line and "ermission" in line, line


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o666])
def test_the_credentials_are_readable_by_others(served_before, mode):
    path = served_before / ".millrace" / "credentials"
    path.chmod(mode)
    line = refusal(served_before)
    assert str(path) in line and f"{mode:04o}" in line and "chmod 600" in line, line


def test_ready_is_said_when_connections_are_taken(data):
    """The reader of the line connects at once, on every start."""
    for _ in range(5):
        ports = [servers.free_port(), servers.free_port()]
        process = subprocess.Popen(
            [str(servers.binary()), "serve", "--data", str(data),
             "--listen", f"127.0.0.1:{ports[0]}", "--health", f"127.0.0.1:{ports[1]}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=servers.scrubbed_environment())
        try:
            assert process.stdout.readline() == b"ready\n"
            for port in ports:
                socket.create_connection(("127.0.0.1", port), timeout=2).close()
        finally:
            process.terminate()
            assert process.wait(10) == 0
            process.stdout.close()
