"""ListObjects, versions 1 and 2: order, prefixes, delimiters, pages; strongly consistent."""

import concurrent.futures

import errors
import pytest

# In S3's order: by UTF-8 bytes of the whole key, so obj+ < obj/ < obj1.
KEYS = ["a", "a+", "a/1", "a/2", "a/b/c", "a0", "b/x", "b/y", "c d", "e%20f", "z", "é/ü", "日本"]


@pytest.fixture
def filled(s3, bucket):
    assert KEYS == sorted(KEYS, key=str.encode)
    for key in reversed(KEYS):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    return bucket


def keys_of(page):
    return [item["Key"] for item in page.get("Contents", [])]


def prefixes_of(page):
    return [item["Prefix"] for item in page.get("CommonPrefixes", [])]


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
def test_all_in_order(s3, filled, operation):
    page = getattr(s3, operation)(Bucket=filled)
    assert keys_of(page) == KEYS and not page["IsTruncated"] and page["Name"] == filled
    for item in page["Contents"]:
        head = s3.head_object(Bucket=filled, Key=item["Key"])
        assert (item["Size"], item["ETag"], item["LastModified"].replace(microsecond=0)) == (
            len(item["Key"].encode()), head["ETag"], head["LastModified"])
        assert item["StorageClass"] == "STANDARD"


CASES = [  # prefix, delimiter, keys, common prefixes
    ("a", "", ["a", "a+", "a/1", "a/2", "a/b/c", "a0"], []),
    ("a/", "", ["a/1", "a/2", "a/b/c"], []),
    ("a/b/c", "", ["a/b/c"], []),
    ("nothing", "", [], []),
    ("", "/", ["a", "a+", "a0", "c d", "e%20f", "z", "日本"], ["a/", "b/", "é/"]),
    ("a", "/", ["a", "a+", "a0"], ["a/"]),
    ("a/", "/", ["a/1", "a/2"], ["a/b/"]),
    ("é", "/", [], ["é/"]),
    ("", " ", [k for k in KEYS if k != "c d"], ["c "]),
    ("a/", "b/", ["a/1", "a/2"], ["a/b/"]),
    ("", "%2", [k for k in KEYS if k != "e%20f"], ["e%2"]),
]


@pytest.mark.parametrize("prefix, delimiter, keys, prefixes", CASES)
@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
def test_prefix_and_delimiter(s3, filled, operation, prefix, delimiter, keys, prefixes):
    page = getattr(s3, operation)(Bucket=filled, Prefix=prefix, Delimiter=delimiter)
    assert keys_of(page) == keys and prefixes_of(page) == prefixes
    if operation == "list_objects_v2":
        assert page["KeyCount"] == len(keys) + len(prefixes)


@pytest.mark.parametrize("prefix, delimiter, keys, prefixes", CASES)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_of_v2_add_up(s3, filled, prefix, delimiter, keys, prefixes, size):
    found, common, token = [], [], {}
    for _ in range(len(KEYS) + 1):
        page = s3.list_objects_v2(Bucket=filled, Prefix=prefix, Delimiter=delimiter, MaxKeys=size,
                                  **token)
        assert page["MaxKeys"] == size and page["KeyCount"] <= size
        found += keys_of(page)
        common += prefixes_of(page)
        if not page["IsTruncated"]:
            assert "NextContinuationToken" not in page
            break
        assert page["KeyCount"] == size
        token = {"ContinuationToken": page["NextContinuationToken"]}
    assert found == keys and common == prefixes


@pytest.mark.parametrize("delimiter", ["", "/"])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_pages_of_v1_add_up(s3, filled, delimiter, size):
    whole = s3.list_objects(Bucket=filled, Delimiter=delimiter)
    found, common, marker = [], [], ""
    for _ in range(len(KEYS) + 1):
        page = s3.list_objects(Bucket=filled, Delimiter=delimiter, MaxKeys=size, Marker=marker)
        found += keys_of(page)
        common += prefixes_of(page)
        if not page["IsTruncated"]:
            break
        # AWS: NextMarker is sent only with a delimiter; else it is the last key.
        marker = page["NextMarker"] if delimiter else keys_of(page)[-1]
    assert found == keys_of(whole) and common == prefixes_of(whole)


def test_start_after_and_marker(s3, filled):
    for name in ("a+", "a/0", "a/b/c", "z", "日本", "~"):
        expected = [key for key in KEYS if key.encode() > name.encode()]
        assert keys_of(s3.list_objects_v2(Bucket=filled, StartAfter=name)) == expected
        assert keys_of(s3.list_objects(Bucket=filled, Marker=name)) == expected
    page = s3.list_objects_v2(Bucket=filled, StartAfter="a/1", Delimiter="/")
    assert prefixes_of(page) == ["b/", "é/"], "a page does not begin inside a common prefix"
    assert page["StartAfter"] == "a/1"


def test_max_keys(s3, filled):
    page = s3.list_objects_v2(Bucket=filled, MaxKeys=0)
    assert keys_of(page) == [] and page["KeyCount"] == 0 and not page["IsTruncated"]
    assert keys_of(s3.list_objects_v2(Bucket=filled, MaxKeys=len(KEYS))) == KEYS
    assert not s3.list_objects_v2(Bucket=filled, MaxKeys=len(KEYS))["IsTruncated"]


@pytest.mark.parametrize("query", [
    [("max-keys", "-1")], [("max-keys", "many")],
    [("list-type", "2"), ("max-keys", "-1")],
    [("list-type", "2"), ("continuation-token", "not one of ours")],
    [("encoding-type", "base64")]])
def test_invalid_arguments(wire, bucket, query):
    errors.assert_refused(wire.request("GET", f"/{bucket}", query), 400, "InvalidArgument")


def test_fetch_owner(s3, filled):
    assert all("Owner" not in i for i in s3.list_objects_v2(Bucket=filled)["Contents"])
    page = s3.list_objects_v2(Bucket=filled, FetchOwner=True)
    assert all(item["Owner"]["ID"] for item in page["Contents"])
    assert all(item["Owner"]["ID"] for item in s3.list_objects(Bucket=filled)["Contents"])


@pytest.mark.parametrize("version", [[], [("list-type", "2")]])
def test_encoding_type(wire, filled, version):
    plain = wire.request("GET", f"/{filled}", [*version, ("prefix", "c ")]).xml()
    assert plain.findtext("Contents/Key") == "c d" and plain.findtext("Prefix") == "c "
    assert plain.find("EncodingType") is None
    query = [*version, ("encoding-type", "url"), ("delimiter", "/"), ("prefix", "é")]
    coded = wire.request("GET", f"/{filled}", query).xml()
    assert coded.findtext("EncodingType") == "url"
    assert coded.findtext("CommonPrefixes/Prefix") == "%C3%A9/"
    assert coded.findtext("Prefix") == "%C3%A9"
    query = [*version, ("encoding-type", "url"), ("prefix", "e%")]
    assert wire.request("GET", f"/{filled}", query).xml().findtext("Contents/Key") == "e%2520f"


def test_changes_show_at_once(s3, bucket):
    for number in range(5):
        s3.put_object(Bucket=bucket, Key=f"p/{number}", Body=b"x")
        assert len(keys_of(s3.list_objects_v2(Bucket=bucket))) == number + 1
    for number in range(5):
        s3.delete_object(Bucket=bucket, Key=f"p/{number}")
        assert len(keys_of(s3.list_objects_v2(Bucket=bucket))) == 4 - number
    page = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert prefixes_of(page) == [] and page["KeyCount"] == 0


def test_files_from_outside_show(s3, bucket, server):
    folder = server.data / bucket / "outside"
    folder.mkdir()
    (folder / "f").write_bytes(b"12345")
    item, = s3.list_objects_v2(Bucket=bucket, Prefix="outside/")["Contents"]
    assert (item["Key"], item["Size"]) == ("outside/f", 5)
    (folder / "f").unlink()
    folder.rmdir()
    assert keys_of(s3.list_objects_v2(Bucket=bucket)) == []


def test_no_page_holds_more_than_1000(s3, bucket):
    keys = [f"flat/{number:05}" for number in range(1005)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=b""), keys))
    for options in ({}, {"MaxKeys": 5000}):
        page = s3.list_objects_v2(Bucket=bucket, **options)
        assert keys_of(page) == keys[:1000] and page["IsTruncated"]
    rest = s3.list_objects_v2(Bucket=bucket, ContinuationToken=page["NextContinuationToken"])
    assert keys_of(rest) == keys[1000:]
    for start in range(0, len(keys), 1000):
        batch = [{"Key": key} for key in keys[start:start + 1000]]
        assert "Errors" not in s3.delete_objects(Bucket=bucket, Delete={"Objects": batch})
