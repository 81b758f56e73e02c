"""ListObjects where keys, delimiters and parameters are unusual. The order is that of the keys'
UTF-8 bytes, whatever they are called on disk."""

import errors
import pytest
import raw

BOTH = pytest.mark.parametrize("version", [[], [("list-type", "2")]], ids=["v1", "v2"])

# Every kind of name that is mapped to another on disk, and their neighbours.
ODD = ["!", "..", "../x", ".", "./x", ".mr.0", ".mr.f", ".mr.sys/x", ".nfs1", ".snap", "/", "//",
       "/a", "A", "a", "a ", "a!b", "a+", "a-", "a.", "a.b", "a/", "a//", "a//b", "a/.", "a/..",
       "a/../b", "a/.mr.f", "a/b", "a/b/", "a/b/c", "a0", "a" * 255, "a" * 256, "a" * 255 + "/x",
       "a" * 300 + "/x", "a" * 600, "b/" * 400 + "end", "b\t", "b\n", "b\x01", "b\x7f", "b&<>\"'",
       "b%20", "c\u00e9", "c\u0301", "c\ue000", "c\uffff", "c\U00010000", "c\U0010ffff", "~"]


@pytest.fixture(scope="module")
def odd(s3, wire_of_module):
    s3.create_bucket(Bucket="odd-keys")
    for key in ODD:
        answer = wire_of_module.request("PUT", raw.key_path("odd-keys", key), body=key.encode())
        assert answer.status == 200, (key, answer.body)
    yield "odd-keys"
    for key in ODD:
        wire_of_module.request("DELETE", raw.key_path("odd-keys", key))
    s3.delete_bucket(Bucket="odd-keys")


@pytest.fixture(scope="module")
def wire_of_module(server):
    return raw.Client(server.endpoint, server.access_key, server.secret_key)


def listed(page, tag="Contents/Key"):
    """Keys or prefixes of a page that was asked for with encoding-type=url."""
    return [raw.urllib.parse.unquote_plus(node.text) for node in page.iterfind(tag)]


def pages(wire, bucket, version, size, *query):
    """Keys and common prefixes of all pages, following what each answer says."""
    keys, prefixes, position = [], [], []
    for _ in range(200):
        asked = [*version, ("encoding-type", "url"), ("max-keys", str(size)), *query, *position]
        page = wire.request("GET", f"/{bucket}", asked).xml()
        new_keys, new_prefixes = listed(page), listed(page, "CommonPrefixes/Prefix")
        assert len(new_keys) + len(new_prefixes) <= size
        keys += new_keys
        prefixes += new_prefixes
        if page.findtext("IsTruncated") == "false":
            return keys, prefixes
        assert len(new_keys) + len(new_prefixes) == size
        if version:
            position = [("continuation-token", page.findtext("NextContinuationToken"))]
        else:
            marker = page.findtext("NextMarker")
            marker = raw.urllib.parse.unquote_plus(marker) if marker else new_keys[-1]
            position = [("marker", marker)]
    raise AssertionError("the pages have no end")


def expected(keys, prefix="", delimiter=""):
    """S3's rule, in the plainest words."""
    found, common = [], []
    for key in sorted(keys, key=str.encode):
        if not key.startswith(prefix):
            continue
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        if at < 0:
            found.append(key)
        elif key[:at + len(delimiter)] not in common:
            common.append(key[:at + len(delimiter)])
    return found, common


RULES = [("", ""), ("", "/"), ("a", "/"), ("a/", "/"), ("", "//"), ("", "/."), ("a", "aa"),
         ("", "b/b/"), ("a", "a" * 255), ("c", "\u0301"), ("", "\U00010000"), ("..", "/"),
         ("/", "/")]
# A page for each key is tried with two of them.
SIZES = [(size, rule) for rule in RULES for size in (7, 1000)] + [(1, RULES[1]), (1, RULES[6])]


@BOTH
@pytest.mark.parametrize("size, rule", SIZES)
def test_odd_keys_in_order(wire, odd, version, size, rule):
    prefix, delimiter = rule
    query = [("prefix", prefix), ("delimiter", delimiter)]
    assert pages(wire, odd, version, size, *query) == expected(ODD, prefix, delimiter)


@BOTH
def test_odd_keys_without_encoding(wire, odd, version):
    """XML 1.0 has no characters for some keys; they are written as references, as AWS does."""
    answer = wire.request("GET", f"/{odd}", [*version, ("prefix", "b")])
    assert b"<Key>b&#x1;</Key>" in answer.body and b"<Key>b&#xA;</Key>" in answer.body
    keys = [node.text for node in answer.xml().iterfind("Contents/Key")]
    assert "b&<>\"'" in keys and "b%20" in keys and len(keys) == len(expected(ODD, "b")[0])


def test_a_token_outlives_changes(s3, bucket):
    keys = [f"k{number:02}" for number in range(12)]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    page = s3.list_objects_v2(Bucket=bucket, MaxKeys=4)
    shown = [item["Key"] for item in page["Contents"]]
    assert shown == keys[:4]
    # What the page ended with goes, and others come before and behind it.
    s3.delete_object(Bucket=bucket, Key=keys[3])
    s3.delete_object(Bucket=bucket, Key=keys[5])
    s3.put_object(Bucket=bucket, Key="k02a", Body=b"")
    s3.put_object(Bucket=bucket, Key="k03a", Body=b"")
    rest = s3.list_objects_v2(Bucket=bucket, ContinuationToken=page["NextContinuationToken"],
                              StartAfter="zzz")  # which a token outranks
    assert [item["Key"] for item in rest["Contents"]] == ["k03a", "k04", *keys[6:]]


@BOTH
@pytest.mark.parametrize("sent, told", [("0", "0"), ("1", "1"), ("1000", "1000"), ("1001", "1000"),
                                        ("2147483647", "1000"), ("", "1000")])
def test_max_keys(wire, odd, version, sent, told):
    page = wire.request("GET", f"/{odd}", [*version, ("max-keys", sent)]).xml()
    assert page.findtext("MaxKeys") == told
    count = len(list(page.iterfind("Contents")))
    assert count == min(int(told), len(ODD))
    assert page.findtext("IsTruncated") == ("true" if 0 < count < len(ODD) else "false")
    if version:
        assert page.findtext("KeyCount") == str(count)


@BOTH
@pytest.mark.parametrize("query, name", [
    (("max-keys", "-1"), "max-keys"), (("max-keys", "ten"), "max-keys"),
    (("max-keys", "2147483648"), "max-keys"), (("max-keys", "1 "), "max-keys"),
    (("encoding-type", "URL"), "encoding-type"), (("encoding-type", "xml"), "encoding-type")])
def test_invalid_values(wire, odd, version, query, name):
    answer = wire.request("GET", f"/{odd}", [*version, query])
    errors.assert_refused(answer, 400, "InvalidArgument")
    assert answer.xml().findtext("ArgumentName") == name
    assert answer.xml().findtext("ArgumentValue") == query[1].replace(" ", "%20")


@pytest.mark.parametrize("query", [
    [("list-type", "3")], [("list-type", "2"), ("continuation-token", "AAAA")],
    [("list-type", "2"), ("continuation-token", "AQAAAAAx")]])
def test_invalid_types_and_tokens(wire, odd, query):
    errors.assert_refused(wire.request("GET", f"/{odd}", query), 400, "InvalidArgument")


@BOTH
def test_optional_attributes(wire, odd, version):
    """RestoreStatus is all that can be asked for, and objects that were never archived have none."""
    asked = wire.request("GET", f"/{odd}", version,
                         {"x-amz-optional-object-attributes": "RestoreStatus"})
    assert asked.status == 200 and b"RestoreStatus" not in asked.body
    errors.assert_refused(wire.request("GET", f"/{odd}", version,
                                       {"x-amz-optional-object-attributes": "Colour"}),
                          400, "InvalidArgument")


def test_owners(wire, odd):
    for value, shown in (("true", True), ("false", False), ("", False)):
        page = wire.request("GET", f"/{odd}", [("list-type", "2"), ("fetch-owner", value)]).xml()
        assert (page.find("Contents/Owner/ID") is not None) == shown
    assert wire.request("GET", f"/{odd}").xml().find("Contents/Owner/ID") is not None
