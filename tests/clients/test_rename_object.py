"""RenameObject: what moves, what is replaced, what is refused, and what a repetition gets."""

import concurrent.futures
import datetime
import os
import threading
import uuid

import errors
import pytest
import raw


def body_of(s3, bucket, key):
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def keys_of(s3, bucket):
    return [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def rename(wire, bucket, source, target, headers=None):
    return wire.request("PUT", raw.key_path(bucket, target), [("renameObject", "")],
                        {"x-amz-rename-source": raw.quote(source, safe="/"), **(headers or {})})


def renamed(wire, bucket, source, target, headers=None):
    answer = rename(wire, bucket, source, target, headers)
    assert (answer.status, answer.body) == (200, b""), answer.body


def test_the_object_moves_with_all_that_is_said_of_it(wire, s3, bucket):
    large = "v" * 1900  # more than the attribute has room for: it lies in a file of its own
    s3.put_object(Bucket=bucket, Key="from/here", Body=b"content", ContentType="text/x-test",
                  Metadata={"large": large}, ChecksumAlgorithm="SHA256")
    before = s3.head_object(Bucket=bucket, Key="from/here", ChecksumMode="ENABLED")
    body_of(s3, bucket, "from/here")  # what was read is kept open
    renamed(wire, bucket, f"{bucket}/from/here", "to/there")
    after = s3.head_object(Bucket=bucket, Key="to/there", ChecksumMode="ENABLED")
    for name in ("ETag", "LastModified", "ContentType", "Metadata", "ChecksumSHA256"):
        assert before[name] == after[name]
    assert body_of(s3, bucket, "to/there") == b"content"
    with errors.refused(404, "NoSuchKey"):
        s3.get_object(Bucket=bucket, Key="from/here")
    assert keys_of(s3, bucket) == ["to/there"]


@pytest.mark.parametrize("form", ["{bucket}/{key}", "/{bucket}/{key}", "{key}", "/{key}"])
def test_forms_of_the_source(wire, s3, bucket, form):
    key = "a b/ü+%&?"
    s3.put_object(Bucket=bucket, Key=key, Body=b"1")
    renamed(wire, bucket, form.format(bucket=bucket, key=key), "t")
    assert keys_of(s3, bucket) == ["t"]


def test_boto3_has_it(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    s3.rename_object(Bucket=bucket, Key="l", RenameSource=f"{bucket}/k")
    assert keys_of(s3, bucket) == ["l"]


@pytest.mark.parametrize("others", [[], ["a/z"], ["b/z"], ["a/z", "b/z", "b"], ["b"]])
def test_keys_that_are_directories_too(server, wire, s3, bucket, others):
    for key in ["a", *others]:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    renamed(wire, bucket, "a", "b")
    assert keys_of(s3, bucket) == sorted({"b", *others})
    assert body_of(s3, bucket, "b") == b"a"
    for key in others:
        if key != "b":
            assert body_of(s3, bucket, key) == key.encode()
    renamed(wire, bucket, "b", "b/below")
    renamed(wire, bucket, "b/below", "deep/er/and/deeper")
    renamed(wire, bucket, "deep/er/and/deeper", "deep")
    assert body_of(s3, bucket, "deep") == b"a"
    for key in ["deep", *(each for each in others if each != "b")]:
        s3.delete_object(Bucket=bucket, Key=key)
    assert [name for name in os.listdir(server.data / bucket) if name != ".mr.sys"] == []
    assert not any(files for _, _, files in os.walk(server.data / bucket / ".mr.sys" / "staging"))


def test_onto_itself_changes_nothing(wire, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    renamed(wire, bucket, "k", "k")
    assert body_of(s3, bucket, "k") == b"1"


def test_two_names_of_one_file_from_outside(server, wire, s3, bucket):
    (server.data / bucket / "one").write_bytes(b"1")
    os.link(server.data / bucket / "one", server.data / bucket / "two")
    renamed(wire, bucket, "one", "two")
    assert keys_of(s3, bucket) == ["two"]


def test_what_is_refused(wire, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    errors.assert_refused(rename(wire, bucket, "none", "x/y"), 404, "NoSuchKey")
    errors.assert_refused(rename(wire, bucket, "none/at/all", "t"), 404, "NoSuchKey")
    errors.assert_refused(rename(wire, "there-is-none", "k", "t"), 404, "NoSuchBucket")
    errors.assert_refused(rename(wire, bucket, "x" * 1025, "t"), 400, "KeyTooLongError")
    for token in ("x" * 65, "a b"):
        errors.assert_refused(rename(wire, bucket, "k", "t", {"x-amz-client-token": token}),
                              400, "InvalidArgument")
    answer = wire.request("PUT", f"/{bucket}/t", [("renameObject", "")])
    errors.assert_refused(answer, 400, "InvalidRequest")
    answer = wire.request("PUT", f"/{bucket}/t", [("renameObject", "")],
                          {"x-amz-rename-source": "%zz"})
    errors.assert_refused(answer, 400, "InvalidArgument")
    assert keys_of(s3, bucket) == ["k"]


def test_conditions(wire, s3, bucket):
    k = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    t = s3.put_object(Bucket=bucket, Key="t", Body=b"22")["ETag"]
    now = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    form = "%a, %d %b %Y %H:%M:%S GMT"
    past, future = ((now + datetime.timedelta(days=days)).strftime(form) for days in (-1, 1))
    source = "x-amz-rename-source-if-"
    for headers in ({"If-None-Match": "*"}, {"If-Match": k}, {"If-Modified-Since": now.strftime(form)},
                    {"If-Unmodified-Since": past}, {source + "match": t},
                    {source + "none-match": k}, {source + "none-match": "*"},
                    {source + "modified-since": now.strftime(form)},
                    {source + "unmodified-since": past}):
        errors.assert_refused(rename(wire, bucket, "k", "t", headers), 412, "PreconditionFailed")
    for headers in ({"If-Match": t}, {"If-Modified-Since": past}):
        errors.assert_refused(rename(wire, bucket, "k", "new", headers),
                              412, "PreconditionFailed")
    errors.assert_refused(rename(wire, bucket, "k", "t", {"If-None-Match": t}),
                          501, "NotImplemented")
    errors.assert_refused(rename(wire, bucket, "k", "t", {"If-Match": ""}),
                          400, "InvalidArgument")
    assert keys_of(s3, bucket) == ["k", "t"]
    renamed(wire, bucket, "k", "t", {
        "If-Match": t, "If-Modified-Since": past, source + "match": k,
        source + "unmodified-since": future})
    assert body_of(s3, bucket, "t") == b"1"
    renamed(wire, bucket, "t", "new", {"If-None-Match": "*", "If-Unmodified-Since": past})


def test_a_repetition_with_the_same_token(wire, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    s3.put_object(Bucket=bucket, Key="l", Body=b"2")
    token = {"x-amz-client-token": str(uuid.uuid4())}
    for _ in range(2):
        renamed(wire, bucket, "k", "t", token)
    s3.put_object(Bucket=bucket, Key="k", Body=b"later")
    renamed(wire, bucket, "k", "t", {"If-None-Match": "*", **token})
    assert body_of(s3, bucket, "k") == b"later"
    s3.delete_object(Bucket=bucket, Key="k")
    errors.assert_refused(rename(wire, bucket, "never", "t", token),
                          400, "IdempotencyParameterMismatch")
    other = {"x-amz-client-token": str(uuid.uuid4())}
    errors.assert_refused(rename(wire, bucket, "k", "t", other), 404, "NoSuchKey")
    assert body_of(s3, bucket, "t") == b"1"


def test_of_many_renames_to_one_key_that_must_be_free_one_wins(wire, s3, bucket):
    for number in range(32):
        s3.put_object(Bucket=bucket, Key=f"from/{number}", Body=b"%d" % number)

    def attempt(number):
        answer = rename(wire, bucket, f"from/{number}", "to/one", {"If-None-Match": "*"})
        assert answer.status == 200 or answer.code == "PreconditionFailed"
        return answer.status == 200

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        won = list(pool.map(attempt, range(32)))
    assert won.count(True) == 1
    assert body_of(s3, bucket, "to/one") == b"%d" % won.index(True)
    assert len(keys_of(s3, bucket)) == 32


def test_objects_that_go_round_are_never_lost_or_doubled(wire, s3, bucket):
    """Three objects among five keys, some of which lie in each other's way; renames by six
    clients that replace nothing. At each moment a listing shows at most three, and in the end
    the three are there."""
    keys = ["a", "a/b", "a/b/c", "d", "e/f"]
    for number, key in enumerate(keys[:3]):
        s3.put_object(Bucket=bucket, Key=key, Body=b"%d" % number)
    wrong = []
    rounds = threading.Semaphore(240)

    def work(seed):
        step = seed
        while rounds.acquire(blocking=False):
            step += 1
            source, target = keys[step % 5], keys[(step * step + seed) % 5]
            answer = rename(wire, bucket, source, target, {"If-None-Match": "*"})
            if answer.status not in (200, 404, 412):
                wrong.append((source, target, answer.status, answer.body))

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert not wrong, wrong[:3]
    bodies = sorted(body_of(s3, bucket, key) for key in keys_of(s3, bucket))
    assert bodies == [b"0", b"1", b"2"]
