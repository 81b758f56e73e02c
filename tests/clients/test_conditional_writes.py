"""Conditions of writes and removals: what AWS documents of each, and that of many clients with
the same condition exactly one wins."""

import base64
import concurrent.futures
import datetime
import hashlib
import time

import errors
import pytest

CLIENTS = 64


def body_of(s3, bucket, key="k"):
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def race(write):
    """write(number) raises or not, 64 times at once: the numbers of those that did not."""
    def attempt(number):
        try:
            write(number)
            return number
        except Exception as error:
            answer = error.response
            found = (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"])
            assert found == (412, "PreconditionFailed"), error
            return None

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        return [n for n in pool.map(attempt, range(CLIENTS)) if n is not None]


@pytest.mark.parametrize("key", ["new", "deep/er/new", "deep"])
def test_of_64_creates_exactly_one_wins(s3, bucket, key):
    winners = race(lambda number: s3.put_object(
        Bucket=bucket, Key=key, Body=b"%d" % number, IfNoneMatch="*"))
    assert len(winners) == 1
    assert body_of(s3, bucket, key) == b"%d" % winners[0]


def test_of_64_replacements_of_one_version_exactly_one_wins(s3, bucket):
    for _ in range(4):
        etag = s3.put_object(Bucket=bucket, Key="k", Body=b"%f" % time.time())["ETag"]
        winners = race(lambda number: s3.put_object(
            Bucket=bucket, Key="k", Body=b"%d" % number, IfMatch=etag))
        assert len(winners) == 1
        assert body_of(s3, bucket) == b"%d" % winners[0]


def test_a_counter_that_64_clients_raise_counts_all(s3, bucket):
    """Compare and swap in a loop: an update that was lost would be missing in the end."""
    s3.put_object(Bucket=bucket, Key="counter", Body=b"0")

    def raise_it(_):
        while True:
            seen = s3.get_object(Bucket=bucket, Key="counter")
            value = int(seen["Body"].read()) + 1
            try:
                s3.put_object(Bucket=bucket, Key="counter", Body=b"%d" % value,
                              IfMatch=seen["ETag"])
                return
            except s3.exceptions.ClientError as error:
                assert error.response["Error"]["Code"] == "PreconditionFailed"

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(raise_it, range(CLIENTS)))
    assert body_of(s3, bucket, "counter") == b"%d" % CLIENTS


def test_put_if_match(s3, bucket):
    with errors.refused(404, "NoSuchKey"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"0", IfMatch='"abc"')
    with errors.refused(404, "NoSuchKey"):
        s3.put_object(Bucket=bucket, Key="x/y/z", Body=b"0", IfMatch="*")
    with errors.refused(404, "NoSuchBucket"):
        s3.put_object(Bucket="there-is-none", Key="k", Body=b"0", IfMatch='"abc"')
    old = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    new = s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=old)["ETag"]
    with errors.refused(412, "PreconditionFailed"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=old)
    s3.put_object(Bucket=bucket, Key="k", Body=b"4", IfMatch=new.strip('"'))
    s3.put_object(Bucket=bucket, Key="k", Body=b"5", IfMatch="*")
    assert body_of(s3, bucket) == b"5"


def test_an_etag_of_a_file_from_outside_is_matched(server, s3, bucket):
    (server.data / bucket / "outside").write_bytes(b"1")
    etag = s3.head_object(Bucket=bucket, Key="outside")["ETag"]
    assert "-" in etag
    s3.put_object(Bucket=bucket, Key="outside", Body=b"2", IfMatch=etag)
    with errors.refused(412, "PreconditionFailed"):
        s3.put_object(Bucket=bucket, Key="outside", Body=b"3", IfMatch=etag)


def test_conditions_that_aws_does_not_take(wire, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    for headers in ({"If-None-Match": '"abc"'}, {"If-None-Match": "*", "If-Match": '"abc"'}):
        answer = wire.request("PUT", f"/{bucket}/k", [], headers, b"2")
        errors.assert_refused(answer, 501, "NotImplemented")
    errors.assert_refused(wire.request("PUT", f"/{bucket}/k", [], {"If-Match": ""}, b"2"),
                          400, "InvalidArgument")
    assert body_of(s3, bucket) == b"1"


def test_complete_upload(s3, bucket):
    def complete(**conditions):
        upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
        part = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"p")
        named = {"Bucket": bucket, "Key": "k", "UploadId": upload}
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        try:
            return s3.complete_multipart_upload(**named, MultipartUpload=parts, **conditions)
        except s3.exceptions.ClientError:
            s3.abort_multipart_upload(**named)  # it is still there
            raise

    with errors.refused(404, "NoSuchKey"):
        complete(IfMatch='"abc"')
    etag = complete(IfNoneMatch="*")["ETag"]
    with errors.refused(412, "PreconditionFailed"):
        complete(IfNoneMatch="*")
    with errors.refused(412, "PreconditionFailed"):
        complete(IfMatch='"abc"')
    complete(IfMatch=etag)


def test_delete_if_match(s3, bucket):
    for value in ('"abc"', "*"):
        with errors.refused(404, "NoSuchKey"):
            s3.delete_object(Bucket=bucket, Key="k", IfMatch=value)
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    with errors.refused(412, "PreconditionFailed"):
        s3.delete_object(Bucket=bucket, Key="k", IfMatch='"abc"')
    s3.head_object(Bucket=bucket, Key="k")
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag)
    with errors.refused(404, "404"):
        s3.head_object(Bucket=bucket, Key="k")
    s3.put_object(Bucket=bucket, Key="k/l", Body=b"1")
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")  # beside the directory
    with errors.refused(412, "PreconditionFailed"):
        s3.delete_object(Bucket=bucket, Key="k", IfMatch='"abc"')
    s3.delete_object(Bucket=bucket, Key="k", IfMatch="*")
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["k/l"]


def test_delete_if_size_and_time(s3, wire, bucket):
    day = datetime.timedelta(days=1)
    s3.put_object(Bucket=bucket, Key="k", Body=b"12345")
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    for wrong in ({"IfMatchSize": 4}, {"IfMatchLastModifiedTime": modified - day},
                  {"IfMatchSize": 5, "IfMatchLastModifiedTime": modified + day}):
        with errors.refused(412, "PreconditionFailed"):
            s3.delete_object(Bucket=bucket, Key="k", **wrong)
    for name, value in (("x-amz-if-match-size", "five"),
                        ("x-amz-if-match-last-modified-time", "yesterday")):
        errors.assert_refused(wire.request("DELETE", f"/{bucket}/k", [], {name: value}),
                              400, "InvalidArgument")
    s3.delete_object(Bucket=bucket, Key="k", IfMatchSize=5, IfMatchLastModifiedTime=modified)
    with errors.refused(404, "404"):
        s3.head_object(Bucket=bucket, Key="k")
    s3.delete_object(Bucket=bucket, Key="k", IfMatchSize=5)  # nothing there: 204


def test_abort_if_initiated(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    began = s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["Initiated"]
    with errors.refused(412, "PreconditionFailed"):
        s3.abort_multipart_upload(
            **named, IfMatchInitiatedTime=began - datetime.timedelta(seconds=5))
    s3.abort_multipart_upload(**named, IfMatchInitiatedTime=began)
    s3.abort_multipart_upload(**named, IfMatchInitiatedTime=began)  # gone: 204
    with errors.refused(404, "NoSuchUpload"):
        s3.abort_multipart_upload(**named)


def test_delete_many_with_conditions_in_the_order_sent(s3, bucket):
    keys = [f"d/{number:03}" for number in range(200)]
    etags = [s3.put_object(Bucket=bucket, Key=key, Body=key.encode())["ETag"] for key in keys]
    modified = s3.head_object(Bucket=bucket, Key=keys[3])["LastModified"]
    asked = [{"Key": key} for key in keys]
    asked[0]["ETag"] = etags[0]
    asked[1]["ETag"] = etags[0]
    asked[2]["Size"] = 4
    asked[3].update(Size=5, LastModifiedTime=modified)
    asked[4]["LastModifiedTime"] = modified - datetime.timedelta(days=1)
    asked[5]["VersionId"] = "null"
    asked[6]["VersionId"] = "3HL4kqtJvjVBH40Nrjfkd"
    asked += [{"Key": "never"}, {"Key": "never", "ETag": "*"}, {"Key": "x" * 1025}]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": asked})
    failed = {1: "PreconditionFailed", 2: "PreconditionFailed", 4: "PreconditionFailed",
              6: "NoSuchVersion", 201: "NoSuchKey", 202: "KeyTooLongError"}
    assert [(each["Key"], each["Code"]) for each in answer["Errors"]] == [
        (asked[at]["Key"], code) for at, code in failed.items()]
    assert [each["Key"] for each in answer["Deleted"]] == [
        each["Key"] for at, each in enumerate(asked) if at not in failed]
    left = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert left == [keys[1], keys[2], keys[4], keys[6]]
    answer = s3.delete_objects(Bucket=bucket, Delete={
        "Objects": [asked[1], {"Key": keys[2]}], "Quiet": True})
    assert "Deleted" not in answer
    assert [each["Key"] for each in answer["Errors"]] == [keys[1]]


def post_delete(wire, bucket, body, headers=None):
    if headers is None:
        headers = {"Content-MD5": base64.b64encode(hashlib.md5(body).digest()).decode()}
    return wire.request("POST", f"/{bucket}", [("delete", "")], headers, body)


def test_delete_many_wants_its_list_guarded(wire, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    body = b"<Delete><Object><Key>k</Key></Object></Delete>"
    errors.assert_refused(post_delete(wire, bucket, body, {}), 400, "InvalidRequest")
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    errors.assert_refused(post_delete(wire, bucket, body, {"Content-MD5": wrong}),
                          400, "BadDigest")
    for entry in (b"<Size>x</Size>", b"<LastModifiedTime>x</LastModifiedTime>"):
        answer = post_delete(wire, bucket,
                             b"<Delete><Object><Key>k</Key>" + entry + b"</Object></Delete>")
        errors.assert_refused(answer, 400, "MalformedXML")
    s3.head_object(Bucket=bucket, Key="k")
    errors.assert_refused(post_delete(wire, "there-is-none", body), 404, "NoSuchBucket")
    checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
    answer = post_delete(wire, bucket, body, {"x-amz-checksum-sha256": checksum})
    assert answer.status == 200, answer.body
    assert [each.text for each in answer.xml().iter("Key")] == ["k"]
