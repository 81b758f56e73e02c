"""millrace-bench against a server on 127.0.0.1: what it counts, what it finds, and what it refuses.
Nothing here is held against the machine's speed."""

import contextlib
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "clients"))

import server as millrace  # noqa: E402

BINARY = pathlib.Path(os.environ.get("MILLRACE_BINARY", "")).resolve()
BENCH = BINARY.parent.parent / "bench" / "millrace-bench"
pytestmark = pytest.mark.skipif(not BENCH.is_file(), reason="millrace-bench is not built")
KEYS = ("load", "load-secret-key")
DEADLINE_S = 120
SMALL = ("--objects", "40", "--connections", "8", "--warmup", "0")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    started = millrace.Millrace.start(tmp_path_factory.mktemp("load"), "--durability", "none",
                                      credentials=KEYS)
    yield started
    started.stop()


def environment():
    return {**millrace.scrubbed_environment(), "AWS_ACCESS_KEY_ID": KEYS[0],
            "AWS_SECRET_ACCESS_KEY": KEYS[1]}


def bench(*arguments, status=0):
    result = subprocess.run([BENCH, *map(str, arguments)], env=environment(), text=True,
                            capture_output=True, timeout=DEADLINE_S, check=False)
    assert result.returncode == status, result.stdout + result.stderr
    return result


def run(target, *arguments, status=0):
    """The JSON of one run."""
    result = bench("--endpoint", target, *SMALL, *arguments, "--json", "-", status=status)
    return json.loads(result.stdout)


def answered(server):
    """Requests that the server has answered, by operation."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.health_port}/metrics",
                                timeout=30) as answer:
        text = answer.read().decode()
    return {name: int(count) for name, count in
            re.findall(r'^millrace_requests_total\{operation="(\w+)"\} (\d+)$', text, re.MULTILINE)}


@pytest.mark.parametrize("auth", ["header", "presigned"])
def test_counts_are_the_servers(server, auth):
    run(server.endpoint, "--requests", 1)
    before = answered(server)
    result = run(server.endpoint, "--no-prepare", "--auth", auth, "--requests", 400, "--verify",
                 "--mix", "get=40,put=20,head=10,list=10,multipart=5,range=15", "--threads", 2)
    after = answered(server)
    names = {"put": "PutObject", "head": "HeadObject", "list": "ListObjectsV2"}
    done = {name: tally["operations"] for name, tally in result["by_operation"].items()}
    gained = {name: after[name] - before[name] for name in after}
    assert result["total"]["operations"] == sum(done.values()) == 400
    assert result["total"]["errors"] == 0 and result["ended_by"] == "requests"
    assert gained["GetObject"] == done["get"] + done["range"]
    for name, asked in names.items():
        assert gained[asked] == done[name] > 0
    for name in ("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"):
        assert gained[name] == done["multipart"] > 0
    assert result["requests_sent"] == result["total"]["requests"] == sum(
        gained[name] for name in gained)
    assert result["by_operation"]["put"]["bytes_sent"] == 4096 * done["put"]
    assert result["by_operation"]["get"]["bytes_received"] == 4096 * done["get"]
    latency = result["total"]["latency_us"]
    assert 0 < latency["min"] <= latency["p50"] <= latency["p99"] <= latency["max"]


def test_the_plan_follows_from_the_seed(server):
    arguments = ("--requests", 300, "--mix", "get=50,put=50", "--size", "uniform:1-9000")
    first, again = (run(server.endpoint, *arguments) for _ in range(2))
    other = run(server.endpoint, *arguments, "--seed", 2)
    assert first["plan_digest"] == again["plan_digest"] != other["plan_digest"]
    for name in ("get", "put"):
        for field in ("operations", "bytes_sent", "bytes_received"):
            assert first["by_operation"][name][field] == again["by_operation"][name][field]
    assert first["total"]["bytes_sent"] != other["total"]["bytes_sent"]


def test_a_corrupted_object_is_found(server):
    arguments = ("--bucket", "checked", "--size", "uniform:1-200KiB", "--verify")
    run(server.endpoint, *arguments, "--requests", 400, "--mix", "get=70,put=20,range=10")
    folder = server.data / "checked" / "load"
    victim = folder / "03" / "object-00003"
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    result = run(server.endpoint, *arguments, "--no-prepare", "--requests", 400, status=1)
    assert [(e["operation"], e["what"]) for e in result["errors"]] == [("get", "wrong content")]
    assert 0 < result["total"]["errors"] < 200
    assert result["total"]["errors"] + result["total"]["operations"] == 400
    run(server.endpoint, *arguments[:4], "--no-prepare", "--requests", 400)  # unchecked


def test_put_objects_are_deleted_and_cleaned_up(server):
    result = run(server.endpoint, "--bucket", "swept", "--requests", 300, "--cleanup",
                 "--mix", "put=60,delete=40")
    assert result["total"]["errors"] == 0
    left = [path for path in (server.data / "swept" / "load").rglob("*") if path.is_file()]
    assert left == []
    only = run(server.endpoint, "--mix", "delete", "--requests", 1000)
    assert only["ended_by"] == "objects" and only["total"]["operations"] == 40


def test_a_refusal_is_an_error_and_has_no_latency(server):
    result = run(server.endpoint, "--no-prepare", "--prefix", "nothing/", "--requests", 50,
                 status=1)
    assert result["errors"] == [{"operation": "get", "what": "404 NoSuchKey", "count": 50}]
    assert result["total"]["operations"] == 0 and result["total"]["latency_us"]["max"] == 0
    run(server.endpoint, "--no-prepare", "--prefix", "nothing/", "--requests", 50,
        "--errors-max", 50)


class Stub(http.server.BaseHTTPRequestHandler):
    """Answers 503, in chunks, as long as its server has no `body`; stalls everybody for `stall_s`
    from its request number `stall_at` on."""
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        with self.server.turn:
            self.server.asked += 1
            if self.server.asked == self.server.stall_at:
                time.sleep(self.server.stall_s)
        if self.server.body:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" %
                             (len(self.server.body), self.server.body))
            return
        body = b"<?xml version='1.0'?><Error><Code>SlowDown</Code></Error>"
        self.wfile.write(b"HTTP/1.1 503 Slow Down\r\nTransfer-Encoding: chunked\r\n\r\n")
        for part in (body[:10], body[10:], b""):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))

    def log_message(self, format, *arguments):
        pass


@contextlib.contextmanager
def stub(body=b"", stall_at=0, stall_s=0.0):
    serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    serving.daemon_threads = True
    serving.turn, serving.asked = threading.Lock(), 0
    serving.body, serving.stall_at, serving.stall_s = body, stall_at, stall_s
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{serving.server_address[1]}"
    finally:
        serving.shutdown()
        thread.join()
        serving.server_close()


def test_an_open_loop_counts_the_wait_for_a_stalled_server():
    rate, window_s, stall_s = 200, 2, 0.4
    with stub(b"x" * 100, stall_at=150, stall_s=stall_s) as stalling:
        result = run(stalling, "--no-prepare", "--auth", "none", "--rate", rate, "--duration",
                     f"{window_s}s")
    # Everything that was due in the window is accounted for, whatever became of it.
    loop = result["open_loop"]
    due = result["total"]["operations"] + result["unfinished"] + loop["unstarted"]
    assert abs(due - rate * window_s) <= 1
    # Eight connections wait for the server; everybody else who was due meanwhile waited for them.
    latency = result["total"]["latency_us"]
    assert latency["max"] >= stall_s * 1e6
    assert latency["p90"] >= stall_s * 0.3 * 1e6
    assert loop["start_delay_us"]["max"] >= stall_s * 0.5 * 1e6


def test_an_endpoint_that_refuses_and_one_that_is_not_there(server):
    with stub() as refusing:
        result = run(refusing, "--no-prepare", "--auth", "none", "--requests", 40, status=1)
        assert result["errors"] == [{"operation": "get", "what": "503 SlowDown", "count": 40}]
        run(server.endpoint, "--requests", 1)
        both = run(f"{server.endpoint},{refusing}", "--no-prepare", "--requests", 200, status=1)
        right, wrong = both["by_endpoint"]
        assert right["operations"] == both["total"]["operations"] > 0 == right["errors"]
        assert wrong["errors"] == both["total"]["errors"] > 0 == wrong["operations"]
    nobody = f"http://127.0.0.1:{millrace.free_port()}"
    result = run(f"{nobody},{server.endpoint}", "--requests", 200)
    away, here = result["by_endpoint"]
    assert result["total"]["errors"] == 0 and here["operations"] == 200
    assert away["operations"] == 0 and away["connect_failures"] >= away["left_out"] >= 1
    alone = run(nobody, "--no-prepare", "--requests", 3, status=1)
    assert alone["total"]["errors"] + alone["errors_outside_window"] == 3
    assert [error["what"] for error in alone["errors"]] == ["connect: Connection refused"]


@contextlib.contextmanager
def agent(*arguments):
    address = f"127.0.0.1:{millrace.free_port()}"
    process = subprocess.Popen([BENCH, "agent", "--listen", address, *arguments],
                               env=environment(), text=True, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == f"ready {address}\n"
        yield address
    finally:
        process.terminate()
        assert process.wait(DEADLINE_S) == 0
        process.stdout.close()


def test_a_coordinator_merges_what_its_agents_did(server):
    alone = run(server.endpoint, "--threads", 2, "--requests", 100, "--mix", "get=50,put=50")
    with agent("--token", "shared") as first, agent("--token", "shared") as second:
        hosts = ("--hosts", f"{first},{second}", "--token")
        result = run(server.endpoint, *hosts, "shared", "--requests", 100, "--mix",
                     "get=50,put=50", "--verify")
        assert result["hosts"] == 2
        assert result["plan_digest"] == alone["plan_digest"]
        for name in ("get", "put"):  # two hosts of one thread have the plan of one with two
            assert (result["by_operation"][name]["operations"] ==
                    alone["by_operation"][name]["operations"])
        assert sum(one["operations"] for one in result["series"]) == 100
        refused = bench("--endpoint", server.endpoint, *hosts, "wrong", "--requests", 1, status=1)
        assert refused.stderr.startswith("millrace-bench: ") and refused.stderr.count("\n") == 1
        timed = run(server.endpoint, *hosts, "shared", "--duration", "300ms", "--no-prepare")
        assert timed["ended_by"] == "duration" and timed["window_s"] == 0.3


@pytest.mark.parametrize("arguments, part", [
    ((), "--endpoint"),
    (("--endpoint", "https://127.0.0.1:1"), "TLS"),
    (("--endpoint", "ftp://a"), "http://"),
    (("--endpoint", "http://a", "--mix", "get=1,fetch=2"), "fetch"),
    (("--endpoint", "http://a", "--size", "huge"), "huge"),
    (("--endpoint", "http://a", "--connections", "1", "--threads", "2"), "fewer"),
    (("--endpoint", "http://a", "--bogus"), "bogus"),
    (("agent", "--listen", "0.0.0.0:{port}"), "--token"),
])
def test_wrong_usage_is_one_line(arguments, part):
    arguments = [word.format(port=millrace.free_port()) for word in arguments]
    result = bench(*arguments, status=2)
    assert result.stderr.startswith("millrace-bench: ") and result.stderr.count("\n") == 1
    assert part in result.stderr


def test_help_is_one_page():
    page = bench("--help").stdout
    assert len(page.splitlines()) < 75
    for option in ("--endpoint", "--mix", "--rate", "--verify", "--json", "--hosts"):
        assert option in page
