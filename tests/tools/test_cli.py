"""The command line of the built binary, named by MILLRACE_BINARY: help, refusals, precedence."""

import os
import socket
import subprocess

import pytest

BINARY = os.environ.get("MILLRACE_BINARY", "")
pytestmark = pytest.mark.skipif(not BINARY, reason="MILLRACE_BINARY is not set")


def millrace(*arguments, **environment):
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MILLRACE_")}
    return subprocess.run([BINARY, *arguments], env={**kept, **environment}, text=True,
                          capture_output=True, timeout=30, check=False)


def free_ports(count=2):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture
def check(tmp_path):
    s3, health = free_ports()

    def run(*arguments, **environment):
        return millrace("check", "--listen", f"127.0.0.1:{s3}", "--health", f"127.0.0.1:{health}",
                        *arguments, **environment)
    return run


def refused(result, status, *parts):
    assert result.returncode == status, result
    assert result.stdout == ""
    assert result.stderr.startswith("millrace: ")
    assert result.stderr.count("\n") == 1
    for part in parts:
        assert part in result.stderr


@pytest.mark.parametrize("arguments", [(), ("--help",), ("serve", "--help"), ("check", "-h")])
def test_help(arguments):
    result = millrace(*arguments)
    assert result.returncode == 0
    assert result.stderr == ""
    assert "Usage:" in result.stdout and "Examples:" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 90


def test_main_help_states_the_exit_codes():
    page = millrace().stdout
    assert "Exit status:" in page and "refused" in page


def test_version():
    assert millrace("version").stdout == millrace("--version").stdout
    assert millrace("version").stdout.startswith("millrace ")


@pytest.mark.parametrize("arguments, parts", [
    (("srve",), ("srve", "serve")),
    (("serve", "--data", "d", "--bogus", "1"), ("--bogus", "unknown flag")),
    (("serve", "--data", "d", "--durabilty", "none"), ("--durabilty", "did you mean --durability")),
    (("serve", "--data", "d", "--cores", "4-2"), ("--cores", "0-3,6")),
    (("serve", "--data", "d", "--listen", "localhost:1"), ("--listen", "localhost:1")),
    (("serve", "--data", "d", "--log-level", "loud"), ("--log-level", "warning")),
    (("serve",), ("--data",)),
    (("check",), ("--data",)),
])
def test_wrong_usage(arguments, parts):
    refused(millrace(*arguments), 2, *parts)


def test_unknown_key(tmp_path):
    file = tmp_path / "m.toml"
    file.write_text('data = "d"\nlisten_on = "9000"\n')
    refused(millrace("serve", "--config", str(file)), 2, f"{file}:2", "listen_on")


def test_wrong_variable():
    refused(millrace("serve", "--data", "d", MILLRACE_DURABILITY="maybe"), 2,
            "MILLRACE_DURABILITY", "strict, data or none")


def test_precedence(tmp_path, check):
    for name in ("flag", "variable", "file"):
        (tmp_path / name).mkdir()
    config = tmp_path / "m.toml"
    config.write_text(f'data = "{tmp_path}/file"\n')
    assert f"\n{tmp_path}/file\n" in check("--config", str(config)).stdout
    variable = {"MILLRACE_DATA": f"{tmp_path}/variable", "MILLRACE_CONFIG": str(config)}
    assert f"\n{tmp_path}/variable\n" in check(**variable).stdout
    assert f"\n{tmp_path}/flag\n" in check("--data", f"{tmp_path}/flag", **variable).stdout


def test_check_accepts_and_leaves_nothing(tmp_path, check):
    result = check("--data", str(tmp_path))
    assert result.returncode == 0, result
    assert result.stdout.endswith("\nserve would start\n")
    assert list(tmp_path.iterdir()) == []


def test_check_refuses(tmp_path, check):
    (tmp_path / "file").write_text("x")
    result = check("--data", str(tmp_path / "file"))
    assert result.returncode == 1
    assert result.stdout.splitlines()[-1].startswith("serve would refuse: ")
    assert "isn't a directory" in result.stdout


def test_check_sees_a_taken_port(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = millrace("check", "--data", str(tmp_path), "--listen", f"127.0.0.1:{port}")
        assert result.returncode == 1
        assert f"process {os.getpid()}" in result.stdout


def test_check_sees_a_foreign_credentials_file(tmp_path, check):
    system = tmp_path / ".millrace"
    system.mkdir()
    (system / "credentials").write_text('access_key = "admin"\nsecret_key = "hush-hush-hush"\n')
    (system / "credentials").chmod(0o644)
    result = check("--data", str(tmp_path))
    assert result.returncode == 1
    assert "chmod 600" in result.stdout
    assert "hush" not in result.stdout + result.stderr
