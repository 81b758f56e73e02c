"""x-amz-expected-bucket-owner: the owner that all answers show is the one of every bucket; and what
strangers are told of buckets that there are not."""
# operations: GetBucketVersioning

import errors

ACCOUNT = "111122223333"
HEADER = "x-amz-expected-bucket-owner"


def test_the_owner_that_is_shown(s3, bucket):
    owner = s3.list_buckets()["Owner"]["ID"]
    expected = {"Bucket": bucket, "ExpectedBucketOwner": owner}
    s3.put_object(Key="k", Body=b"content", **expected)
    assert s3.get_object(Key="k", **expected)["Body"].read() == b"content"
    assert s3.list_objects_v2(**expected)["KeyCount"] == 1
    s3.head_bucket(**expected)
    s3.copy_object(Key="copy", CopySource=f"{bucket}/k", ExpectedSourceBucketOwner=owner,
                   **expected)


def test_another_account(s3, wire, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"content")
    expected = {"Bucket": bucket, "ExpectedBucketOwner": ACCOUNT}
    for call, more in ((s3.get_object, {"Key": "k"}), (s3.put_object, {"Key": "k", "Body": b"x"}),
                       (s3.delete_object, {"Key": "k"}), (s3.list_objects_v2, {}),
                       (s3.get_bucket_versioning, {}), (s3.delete_bucket, {}),
                       (s3.create_multipart_upload, {"Key": "k"})):
        with errors.refused(403, "AccessDenied"):
            call(**expected, **more)
    with errors.refused(403, "AccessDenied"):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k",
                       ExpectedSourceBucketOwner=ACCOUNT)
    target = wire.presign("GET", f"/{bucket}/k", query=[(HEADER, ACCOUNT)])
    errors.assert_refused(wire.send("GET", target), 403, "AccessDenied")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"content"


def test_what_is_no_account(wire, bucket):
    for value in ("1111", "someone", "", ACCOUNT + "4", "11112222333x"):
        answer = wire.request("GET", f"/{bucket}", headers={HEADER: value})
        errors.assert_refused(answer, 400, "InvalidBucketOwnerAWSAccountID")
        assert answer.xml().findtext("ArgumentName") == HEADER


def test_a_bucket_that_is_not_there_comes_first(wire):
    answer = wire.request("GET", "/never-made", headers={HEADER: ACCOUNT})
    errors.assert_refused(answer, 404, "NoSuchBucket")


def test_strangers_are_told_which_bucket_is_missing(wire, bucket):
    for method, target in (("GET", "/never-made"), ("GET", "/never-made/k"),
                           ("PUT", "/never-made/k"), ("DELETE", "/never-made/k"),
                           ("GET", "/never-made?versioning"), ("DELETE", "/never-made"),
                           ("GET", "/never-made?policy"), ("POST", "/never-made?delete")):
        answer = wire.send(method, target)
        errors.assert_refused(answer, 404, "NoSuchBucket")
        assert answer.xml().findtext("BucketName") == "never-made"
        errors.assert_refused(wire.send(method, target.replace("never-made", bucket)), 403,
                              "AccessDenied")
    assert wire.send("HEAD", "/never-made").status == 404
    errors.assert_refused(wire.send("PUT", "/never-made"), 403, "AccessDenied")
    errors.assert_refused(wire.send("GET", "/"), 403, "AccessDenied")
