"""Buckets: life and death, names, and the sub-resources that are not there yet."""

import datetime

import errors
import pytest


def test_life_of_a_bucket(s3):
    s3.create_bucket(Bucket="a-life")
    s3.head_bucket(Bucket="a-life")
    listed = s3.list_buckets()
    names = [item["Name"] for item in listed["Buckets"]]
    assert "a-life" in names and names == sorted(names)
    created = next(b["CreationDate"] for b in listed["Buckets"] if b["Name"] == "a-life")
    assert abs(datetime.datetime.now(datetime.timezone.utc) - created).total_seconds() < 60
    assert listed["Owner"]["ID"]
    assert s3.get_bucket_location(Bucket="a-life")["LocationConstraint"] is None
    s3.delete_bucket(Bucket="a-life")
    assert "a-life" not in [item["Name"] for item in s3.list_buckets()["Buckets"]]
    with errors.refused(404, "404"):
        s3.head_bucket(Bucket="a-life")


def test_a_bucket_that_is_mine_already(s3, bucket):
    s3.put_object(Bucket=bucket, Key="kept", Body=b"x")
    s3.create_bucket(Bucket=bucket)  # us-east-1 alone answers 200, and changes nothing
    assert s3.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"x"


def test_only_an_empty_bucket_can_be_deleted(s3, bucket):
    s3.put_object(Bucket=bucket, Key="deep/down/key", Body=b"x")
    with errors.refused(409, "BucketNotEmpty"):
        s3.delete_bucket(Bucket=bucket)
    s3.delete_object(Bucket=bucket, Key="deep/down/key")
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)


@pytest.mark.parametrize("name", [
    "ab", "a" * 64, "Upper-case", "under_score", "-first", "last-", ".first", "last.",
    "two..dots", "192.168.5.4"])
def test_invalid_names(wire, name):
    errors.assert_refused(wire.request("PUT", f"/{name}"), 400, "InvalidBucketName")


@pytest.mark.parametrize("name", ["abc", "a" * 63, "1two3", "with.dots-and-dashes"])
def test_valid_names(s3, name):
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    s3.delete_object(Bucket=name, Key="k")
    s3.delete_bucket(Bucket=name)


def test_no_such_bucket(s3):
    gone = {"Bucket": "never-made"}
    with errors.refused(404, "NoSuchBucket"):
        s3.put_object(**gone, Key="k", Body=b"x")
    with errors.refused(404, "NoSuchBucket"):
        s3.get_object(**gone, Key="k")
    with errors.refused(404, "NoSuchBucket"):
        s3.delete_object(**gone, Key="k")
    with errors.refused(404, "NoSuchBucket"):
        s3.list_objects(**gone)
    with errors.refused(404, "NoSuchBucket"):
        s3.list_objects_v2(**gone)
    with errors.refused(404, "NoSuchBucket"):
        s3.delete_bucket(**gone)
    with errors.refused(404, "NoSuchBucket"):
        s3.create_multipart_upload(**gone, Key="k")
    with errors.refused(404, "NoSuchBucket"):
        s3.get_bucket_location(**gone)


def test_the_servers_own_folder_is_no_bucket(wire):
    for path in ("/.millrace", "/.millrace/credentials", "/.millrace/format"):
        answer = wire.request("GET", path)
        assert answer.status in (400, 404) and b"secret_key" not in answer.body


def test_nor_is_the_system_folder_of_a_bucket_a_place_for_objects(wire, s3, bucket, server):
    """Names that begin with .mr. are escaped: such a key is an ordinary one."""
    own = server.data / bucket / ".mr.sys"
    before = sorted(path.name for path in own.rglob("*")) if own.exists() else []
    s3.put_object(Bucket=bucket, Key=".mr.sys/bucket", Body=b"mine")
    assert s3.get_object(Bucket=bucket, Key=".mr.sys/bucket")["Body"].read() == b"mine"
    after = sorted(path.name for path in own.rglob("*")) if own.exists() else []
    assert [name for name in before if name not in after] == []
    answer = wire.request("GET", f"/{bucket}/.mr.sys/staging")
    errors.assert_refused(answer, 404, "NoSuchKey")


BUCKET_SUBRESOURCES = [
    "acl", "tagging", "versioning", "versions", "policy", "policyStatus", "cors", "lifecycle",
    "website", "logging", "notification", "replication", "encryption", "publicAccessBlock",
    "ownershipControls", "accelerate", "requestPayment", "object-lock", "inventory",
    "analytics", "metrics", "intelligent-tiering"]
OBJECT_SUBRESOURCES = ["acl", "retention", "legal-hold", "torrent"]


@pytest.mark.parametrize("name", ["versions"])
def test_bucket_subresources_are_not_implemented(wire, bucket, name):
    query = [(name, "")]
    errors.assert_refused(wire.request("GET", f"/{bucket}", query), 501, "NotImplemented")


@pytest.mark.parametrize("name", ["tagging", "policy", "cors", "lifecycle", "website",
                                  "replication", "encryption", "publicAccessBlock"])
def test_deleting_a_subresource_never_deletes_the_bucket(wire, s3, bucket, name):
    assert wire.request("DELETE", f"/{bucket}", [(name, "")]).status in (204, 501)
    s3.head_bucket(Bucket=bucket)


@pytest.mark.parametrize("name", [n for n in BUCKET_SUBRESOURCES if n != "versions"])
def test_putting_a_subresource_never_makes_the_bucket(wire, s3, name):
    answer = wire.request("PUT", "/sub-resource-only", [(name, "")], body=b"<X/>")
    assert (answer.status, answer.code) in (
        (501, "NotImplemented"), (405, "MethodNotAllowed"),  # policyStatus
        (404, "NoSuchBucket"), (400, "MalformedXML"))
    with errors.refused(404, "404"):
        s3.head_bucket(Bucket="sub-resource-only")


@pytest.mark.parametrize("name", OBJECT_SUBRESOURCES)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_object_subresources_leave_the_object_alone(wire, s3, bucket, method, name):
    s3.put_object(Bucket=bucket, Key="k", Body=b"whole")
    body = b"<X/>" if method == "PUT" else b""
    answer = wire.request(method, f"/{bucket}/k", [(name, "")], body=body)
    assert answer.status in (200, 204, 400, 405, 501)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"whole"


@pytest.mark.parametrize("query", [[("select", ""), ("select-type", "2")], [("restore", "")]])
def test_posts_that_are_not_implemented(wire, s3, bucket, query):
    s3.put_object(Bucket=bucket, Key="k", Body=b"whole")
    answer = wire.request("POST", f"/{bucket}/k", query, body=b"<X/>")
    errors.assert_refused(answer, 501, "NotImplemented")
