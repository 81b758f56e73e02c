"""AWS's SDKs for JavaScript 3, Go 2, Java 2 and Rust 1, each with its transfer manager and its
default checksums, pinned in sdks/: one small program each that works through STEPS and checks what
it gets. `tools/dev clients` builds those whose toolchain is there. What they add to boto3: signed
and unsigned trailers, streams of unknown length in parts, parallel ranged reads, each library's
own way to quote, sign and parse."""

import subprocess

import pytest
import server as servers

BUILT = servers.ROOT / "build" / "clients"
STEPS = {"put", "get", "error", "presigned", "copy", "tags", "conditional", "transfer", "stream",
         "list", "delete"}
PROGRAMS = {
    "javascript": ["node", str(BUILT / "javascript" / "workflow.mjs")],
    "go": [str(BUILT / "bin" / "sdk-go")],
    "java": ["java", "-jar", str(BUILT / "java" / "target" / "workflow.jar")],
    "rust": [str(BUILT / "rust" / "target" / "debug" / "sdk-rust")],
}


@pytest.mark.parametrize("language", sorted(PROGRAMS))
def test_a_working_day(server, s3, language):
    command = PROGRAMS[language]
    if not servers.pathlib.Path(command[-1]).exists():
        pytest.skip("not built: tools/dev clients")
    env = {**server.environment(), "S3_ENDPOINT": server.endpoint}
    done = subprocess.run(command, env=env, text=True, capture_output=True, timeout=600)
    said = [line.removeprefix("ok ") for line in done.stdout.splitlines() if line.startswith("ok ")]
    assert (done.returncode, set(said)) == (0, STEPS), done.stdout + done.stderr
    assert f"sdk-{language}" not in [one["Name"] for one in s3.list_buckets()["Buckets"]]
