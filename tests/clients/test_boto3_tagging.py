"""Tags of objects: with PutObject and CreateMultipartUpload, changed and taken away later, their
rules, and what a change of tags leaves alone."""

import botocore.config
import errors
import pytest


def tags_of(client, bucket, key):
    answer = client.get_object_tagging(Bucket=bucket, Key=key)
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


def tagging(tags):
    return {"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}


def put_tags(client, bucket, key, tags):
    return client.put_object_tagging(Bucket=bucket, Key=key, Tagging=tagging(tags))


def test_tags_come_with_an_object_and_are_counted(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1&b%20c=%C3%A9+f&empty=")
    assert tags_of(s3, bucket, "k") == {"a": "1", "b c": "\u00e9 f", "empty": ""}
    assert s3.get_object(Bucket=bucket, Key="k")["TagCount"] == 3
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["ResponseMetadata"]["HTTPHeaders"]["x-amz-tagging-count"] == "3"
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")  # a new object has its own
    assert tags_of(s3, bucket, "k") == {}
    assert "TagCount" not in s3.get_object(Bucket=bucket, Key="k")


def test_changing_tags_changes_nothing_else(s3, bucket):
    s3.put_object(Bucket=bucket, Key="dir/k", Body=b"content", ContentType="text/plain",
                  Metadata={"name": "value"}, Tagging="old=1")
    before = s3.head_object(Bucket=bucket, Key="dir/k")
    for tags in ({"new": "2", "other": ""}, {}, {"again": "x"}):
        put_tags(s3, bucket, "dir/k", tags)
        assert tags_of(s3, bucket, "dir/k") == tags
        got = s3.get_object(Bucket=bucket, Key="dir/k")
        assert got["Body"].read() == b"content"
        assert got.get("TagCount", 0) == len(tags)
        for name in ("ETag", "LastModified", "ContentType", "Metadata"):
            assert got[name] == before[name]
    gone = s3.delete_object_tagging(Bucket=bucket, Key="dir/k")
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert tags_of(s3, bucket, "dir/k") == {}


def test_tags_that_an_attribute_has_no_room_for(s3, bucket):
    """With 2 KiB of metadata they outgrow it on ext4, and lie in a sidecar, by turns."""
    large = {f"{n:02}".rjust(128, "k"): "\u00e9" * 256 for n in range(10)}
    metadata = {"name": "m" * 2000}
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata=metadata)
    for tags in (large, {"a": "b"}, large, dict(list(large.items())[:9]), {}):
        put_tags(s3, bucket, "k", tags)
        assert tags_of(s3, bucket, "k") == tags
        assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == metadata


def test_a_multipart_object_has_the_tags_of_its_upload(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", Tagging="a=1&b=2")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x")
    s3.complete_multipart_upload(
        Bucket=bucket, Key="k", UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert tags_of(s3, bucket, "k") == {"a": "1", "b": "2"}
    put_tags(s3, bucket, "k", {"c": "3"})
    head = s3.head_object(Bucket=bucket, Key="k", PartNumber=1)
    assert head["PartsCount"] == 1 and tags_of(s3, bucket, "k") == {"c": "3"}


def test_a_file_from_outside_keeps_its_etag(s3, bucket, server):
    path = server.data / bucket / "f.txt"
    path.write_bytes(b"from outside")
    before = s3.head_object(Bucket=bucket, Key="f.txt")
    assert tags_of(s3, bucket, "f.txt") == {}
    put_tags(s3, bucket, "f.txt", {"a": "b"})
    after = s3.head_object(Bucket=bucket, Key="f.txt")
    for name in ("ETag", "LastModified", "ContentType"):
        assert before[name] == after[name]
    assert tags_of(s3, bucket, "f.txt") == {"a": "b"}
    path.write_bytes(b"changed from outside")  # another content: what was said of it is void
    changed = s3.get_object(Bucket=bucket, Key="f.txt")
    assert changed["Body"].read() == b"changed from outside" and changed["ETag"] != after["ETag"]
    assert tags_of(s3, bucket, "f.txt") == {}


BAD_TAGS = [
    ({"": "v"}, "InvalidTag"),
    ({"k" * 129: "v"}, "InvalidTag"),
    ({"k": "v" * 257}, "InvalidTag"),
    ({"aws:k": "v"}, "InvalidTag"),
    ({"k*": "v"}, "InvalidTag"),
    ({"k": "v?"}, "InvalidTag"),
    ({f"k{n}": "v" for n in range(11)}, "BadRequest"),
]


@pytest.mark.parametrize("tags, code", BAD_TAGS)
def test_tags_against_the_rules(client_with, s3, bucket, tags, code):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="keep=1")
    unchecked = client_with(config=botocore.config.Config(
        parameter_validation=False, s3={"addressing_style": "path"}))  # of empty keys
    with errors.refused(400, code):
        put_tags(unchecked, bucket, "k", tags)
    assert tags_of(s3, bucket, "k") == {"keep": "1"}


@pytest.mark.parametrize("header, code", [
    ("a=1&a=2", "InvalidArgument"), ("a=%GG", "InvalidArgument"), ("a=%FF", "InvalidArgument"),
    ("=v", "InvalidTag"), ("aws:a=1", "InvalidTag"), ("a=%00", "InvalidTag"),
    ("&".join(f"k{n}=v" for n in range(11)), "BadRequest")])
def test_a_header_against_the_rules(wire, s3, bucket, header, code):
    for method, query in (("PUT", []), ("POST", [("uploads", "")])):
        answer = wire.request(method, f"/{bucket}/k", query, {"x-amz-tagging": header}, b"")
        errors.assert_refused(answer, 400, code)
    with errors.refused(404, "404"):
        s3.head_object(Bucket=bucket, Key="k")


@pytest.mark.parametrize("body, code", [
    (b"", "MissingRequestBodyError"), (b"<Tagging/>", "MalformedXML"),
    (b"<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>", "MalformedXML"),
    (b"<Tagging><TagSet><Tag><Key>a</Key><Value/><More/></Tag></TagSet></Tagging>",
     "MalformedXML"),
    (b"<Tagging><TagSet><Tag><Key>a</Key><Value/></Tag><Tag><Key>a</Key><Value/></Tag></TagSet>"
     b"</Tagging>", "InvalidTag")])
def test_documents_that_are_refused(wire, s3, bucket, body, code):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    answer = wire.request("PUT", f"/{bucket}/k", [("tagging", "")], body=body)
    errors.assert_refused(answer, 400, code)


def test_a_presigned_query_may_carry_the_tags(wire, s3, bucket):
    target = wire.presign("PUT", f"/{bucket}/k", query=[("x-amz-tagging", "a=1&b=2 3")])
    assert wire.send("PUT", target, body=b"x").status == 200
    assert tags_of(s3, bucket, "k") == {"a": "1", "b": "2 3"}


def test_tags_of_what_is_not_there(s3, wire, bucket):
    for call in (s3.get_object_tagging, s3.delete_object_tagging):
        with errors.refused(404, "NoSuchKey"):
            call(Bucket=bucket, Key="none/k")
        with errors.refused(404, "NoSuchBucket"):
            call(Bucket="no-such-bucket", Key="k")
    with errors.refused(404, "NoSuchKey"):
        put_tags(s3, bucket, "none/k", {"a": "b"})
    assert not (s3.list_objects_v2(Bucket=bucket).get("Contents"))
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.get_object_tagging(Bucket=bucket, Key="k", VersionId="null")["TagSet"] == []
