"""Every key that S3 allows works, and none is another's: nasty ones all at once in one bucket,
sent byte by byte, since clients normalise some of them away."""

import hashlib
import urllib.parse

import errors
import pytest
import raw

CONTROLS = [f"control-{code:02x}-{chr(code)}-end" for code in (*range(1, 32), 127)]
KEYS = [
    # A name that is file and directory at once, to any depth.
    "a", "a/b", "a/b/c", "a/b/c/d", "a/", "a/b/",
    # Empty components: leading, doubled, trailing, alone.
    "/", "//", "/leading", "//leading2", "x//y", "x///y", "trailing/", "trailing//",
    # Dots.
    ".", "..", "./x", "../x", "../../x", "x/.", "x/..", "x/../y", "...", "dir/.../f", ".hidden",
    # Names that the layout on disk uses for itself.
    ".mr.sys/bucket", ".mr.0", ".mr.1", ".mr.f", "a/.mr.f", ".mr.e.x", ".mr.l.x", ".mr.",
    ".millrace", ".snap/x", ".nfs0000",
    # Long: components at, around and far over 255 bytes; keys of 1,024 bytes.
    "l" * 255, "m" * 256, "n" * 300, "n" * 300 + "/o", "p" * 511, "q" * 1024,
    "ü" * 150, "日" * 341 + "x", "/" * 1024, "r/" * 512, "s" * 300 + "/" + "t" * 300,
    # What URLs, shells and XML give a meaning.
    " ", "  two  ", " lead", "trail ", "plus+plus", "per%cent", "%2F", "%2e%2e/x", "q?u=e&r=y",
    "hash#tag", "semi;colon", "am&p<tag>\"quote\"'", "back\\slash", "star*", "~tilde", "^caret`",
    "colon:colon", "https://example.com/a?b=c#d", "{curly}[square]|pipe", "$HOME", "-rf",
    "=equals", "@at", ",comma", "(round)!",
    # Unicode: composed and decomposed are two keys; beyond the first plane; not characters.
    "caf\u00e9", "cafe\u0301", "🎈", "\u200b", "\ufeff", "\u202e", "\ufffd",
    # Equal but for case.
    "Case", "case", "CASE",
    *CONTROLS,
]


def body_of(key):
    return hashlib.sha256(key.encode()).hexdigest().encode()


def listed_keys(wire, bucket):
    """All keys through encoding-type=url, which alone can carry control characters."""
    found, token = [], []
    while True:
        query = [("list-type", "2"), ("encoding-type", "url"), ("max-keys", "17"), *token]
        tree = wire.request("GET", f"/{bucket}", query).xml()
        found += [urllib.parse.unquote_plus(node.text) for node in tree.findall("Contents/Key")]
        if tree.findtext("IsTruncated") != "true":
            return found
        token = [("continuation-token", tree.findtext("NextContinuationToken"))]


def test_all_at_once(wire, bucket):
    assert len(set(KEYS)) == len(KEYS) and max(len(key.encode()) for key in KEYS) == 1024
    failed = []
    for key in KEYS:
        answer = wire.request("PUT", raw.key_path(bucket, key), body=body_of(key))
        if answer.status != 200:
            failed.append((key, answer.status, answer.body))
    assert failed == []
    wrong = [key for key in KEYS
             if wire.request("GET", raw.key_path(bucket, key)).body != body_of(key)]
    assert wrong == []
    assert listed_keys(wire, bucket) == sorted(KEYS, key=str.encode)
    left = list(KEYS)
    for key in KEYS[::2]:
        assert wire.request("DELETE", raw.key_path(bucket, key)).status == 204, key
        left.remove(key)
        answer = wire.request("GET", raw.key_path(bucket, key))
        errors.assert_refused(answer, 404, "NoSuchKey")
    assert listed_keys(wire, bucket) == sorted(left, key=str.encode)
    wrong = [key for key in left
             if wire.request("GET", raw.key_path(bucket, key)).body != body_of(key)]
    assert wrong == []
    for key in left:
        assert wire.request("DELETE", raw.key_path(bucket, key)).status == 204, key
    assert listed_keys(wire, bucket) == []


@pytest.mark.parametrize("first, second", [
    ("a", "a/b"), ("a/b", "a"), ("a/b/c", "a"), ("a", "a/"), ("a/", "a"), ("a//b", "a/b")])
def test_file_and_directory_at_once(s3, bucket, first, second):
    for key in (first, second):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    for key in (first, second):
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    s3.put_object(Bucket=bucket, Key=first, Body=b"again")
    assert s3.get_object(Bucket=bucket, Key=first)["Body"].read() == b"again"
    assert s3.get_object(Bucket=bucket, Key=second)["Body"].read() == second.encode()
    s3.delete_object(Bucket=bucket, Key=first)
    assert s3.get_object(Bucket=bucket, Key=second)["Body"].read() == second.encode()
    with errors.refused(404, "NoSuchKey"):
        s3.get_object(Bucket=bucket, Key=first)


def test_a_directory_alone_is_no_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="d/e/f", Body=b"x")
    for key in ("d", "d/", "d/e", "d/e/"):
        with errors.refused(404, "NoSuchKey"):
            s3.get_object(Bucket=bucket, Key=key)


def test_keys_over_1024_bytes(wire, bucket):
    for key in ("k" * 1025, "ü" * 513, "d/" * 513):
        for method in ("PUT", "GET", "DELETE"):
            answer = wire.request(method, raw.key_path(bucket, key))
            errors.assert_refused(answer, 400, "KeyTooLongError")


@pytest.mark.parametrize("path", ["%ff", "a%c3%28", "%c0%ae%c0%ae", "%ed%a0%80"])
def test_keys_that_are_not_utf_8(wire, bucket, path):
    answer = wire.request("PUT", f"/{bucket}/{path.upper()}", body=b"x")
    assert answer.status == 400


def test_nothing_escapes_the_bucket(wire, bucket, server):
    for key in ("../escaped", "../../escaped", "x/../../../escaped", "/escaped", "..%2Fescaped"):
        wire.request("PUT", raw.key_path(bucket, key), body=b"x")
    places = [*server.data.glob("escaped*"), *server.data.parent.glob("escaped*")]
    assert places == []


@pytest.mark.parametrize("key", ["a/b", "x//y", "./x", "n" * 300, "a+b %", "ü", "trailing/"])
def test_multipart_takes_such_keys_too(s3, bucket, key):
    target = {"Bucket": bucket, "Key": key}
    upload = s3.create_multipart_upload(**target)["UploadId"]
    part = s3.upload_part(**target, UploadId=upload, PartNumber=1, Body=b"part")
    s3.complete_multipart_upload(**target, UploadId=upload, MultipartUpload={
        "Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert s3.get_object(**target)["Body"].read() == b"part"
