"""Settings of buckets that are not a policy: tags, access lists, ownership, what cannot be set, and
the pages of ListBuckets."""
# operations: GetBucketAnalyticsConfiguration, DeleteBucketAnalyticsConfiguration
# operations: GetBucketIntelligentTieringConfiguration, DeleteBucketIntelligentTieringConfiguration
# operations: GetBucketInventoryConfiguration, DeleteBucketInventoryConfiguration
# operations: GetBucketMetricsConfiguration, DeleteBucketMetricsConfiguration

import errors
import pytest

GONE = "never-made"


@pytest.mark.parametrize("call, code", [
    ("get_bucket_website", "NoSuchWebsiteConfiguration"),
    ("get_bucket_replication", "ReplicationConfigurationNotFoundError"),
    ("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
    ("get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError"),
    ("get_object_lock_configuration", "ObjectLockConfigurationNotFoundError")])
def test_what_no_bucket_has(s3, bucket, call, code):
    with errors.refused(404, code):
        getattr(s3, call)(Bucket=bucket)
    with errors.refused(404, "NoSuchBucket"):
        getattr(s3, call)(Bucket=GONE)


@pytest.mark.parametrize("call, found", [
    ("get_bucket_versioning", {}), ("get_bucket_logging", {}),
    ("get_bucket_accelerate_configuration", {}),
    ("get_bucket_notification_configuration", {}),
    ("get_bucket_request_payment", {"Payer": "BucketOwner"}),
    ("list_bucket_analytics_configurations", {"IsTruncated": False}),
    ("list_bucket_inventory_configurations", {"IsTruncated": False}),
    ("list_bucket_metrics_configurations", {"IsTruncated": False}),
    ("list_bucket_intelligent_tiering_configurations", {"IsTruncated": False})])
def test_what_every_bucket_has(s3, bucket, call, found):
    answer = getattr(s3, call)(Bucket=bucket)
    del answer["ResponseMetadata"]
    assert answer == found
    with errors.refused(404, "NoSuchBucket"):
        getattr(s3, call)(Bucket=GONE)


@pytest.mark.parametrize("kind", ["analytics", "inventory", "metrics", "intelligent_tiering"])
def test_configurations_by_id(s3, bucket, kind):
    for verb in ("get", "delete"):
        with errors.refused(404, "NoSuchConfiguration"):
            getattr(s3, f"{verb}_bucket_{kind}_configuration")(Bucket=bucket, Id="one")


def test_what_was_never_set_can_be_removed(s3, bucket):
    for call in (s3.delete_bucket_website, s3.delete_bucket_replication, s3.delete_bucket_lifecycle,
                 s3.delete_bucket_encryption):
        assert call(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
        with errors.refused(404, "NoSuchBucket"):
            call(Bucket=GONE)


@pytest.mark.parametrize("name", ["versioning", "accelerate", "logging", "notification", "website",
                                  "requestPayment", "replication", "lifecycle", "encryption",
                                  "object-lock"])
def test_what_cannot_be_set(wire, bucket, name):
    errors.assert_refused(wire.request("PUT", f"/{bucket}", [(name, "")], body=b"<X/>"), 501,
                          "NotImplemented")


def test_ownership(s3, wire, bucket):
    def rules(kind):
        return {"Rules": [{"ObjectOwnership": kind}]}

    enforced = rules("BucketOwnerEnforced")
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == enforced
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=enforced)
    for other in ("ObjectWriter", "BucketOwnerPreferred"):
        with errors.refused(501, "NotImplemented"):
            s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=rules(other))
    for body in (b"<OwnershipControls/>", b"<X/>",
                 b"<OwnershipControls><Rule><ObjectOwnership>Mine</ObjectOwnership></Rule>"
                 b"</OwnershipControls>"):
        errors.assert_refused(wire.request("PUT", f"/{bucket}", [("ownershipControls", "")],
                                           body=body), 400, "MalformedXML")
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == enforced
    with errors.refused(404, "NoSuchBucket"):
        s3.get_bucket_ownership_controls(Bucket=GONE)


def test_access_lists(s3, wire, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for get, put, target in (
            (s3.get_bucket_acl, s3.put_bucket_acl, {"Bucket": bucket}),
            (s3.get_object_acl, s3.put_object_acl, {"Bucket": bucket, "Key": "k"})):
        found = get(**target)
        owner = found["Owner"]
        assert [(grant["Grantee"]["ID"], grant["Grantee"]["Type"], grant["Permission"])
                for grant in found["Grants"]] == [(owner["ID"], "CanonicalUser", "FULL_CONTROL")]
        put(**target, ACL="private")
        as_it_is = {"Owner": owner, "Grants": found["Grants"]}
        put(**target, AccessControlPolicy=as_it_is)
        with errors.refused(400, "AccessControlListNotSupported"):
            put(**target, ACL="public-read")
        with errors.refused(400, "AccessControlListNotSupported"):
            put(**target, GrantRead="uri=http://acs.amazonaws.com/groups/global/AllUsers")
        with errors.refused(400, "AccessControlListNotSupported"):
            put(**target, AccessControlPolicy={"Owner": owner, "Grants": [
                {"Grantee": {"Type": "CanonicalUser", "ID": "another"}, "Permission": "READ"}]})
        path = "/".join(["", *target.values()])
        errors.assert_refused(wire.request("PUT", path, [("acl", "")]), 400,
                              "MissingSecurityHeader")
        errors.assert_refused(wire.request("PUT", path, [("acl", "")], body=b"<X/>"), 400,
                              "MalformedXML")
        errors.assert_refused(wire.request("PUT", path, [("acl", "")], {"x-amz-acl": "private"},
                                           b"<X/>"), 400, "UnexpectedContent")
    with errors.refused(404, "NoSuchKey"):
        s3.get_object_acl(Bucket=bucket, Key="absent")
    with errors.refused(404, "NoSuchBucket"):
        s3.get_bucket_acl(Bucket=GONE)


def test_access_lists_in_headers_of_writes(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="bucket-owner-full-control")
    with errors.refused(400, "AccessControlListNotSupported"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"y", ACL="public-read")
    with errors.refused(400, "AccessControlListNotSupported"):
        s3.create_multipart_upload(Bucket=bucket, Key="k", GrantFullControl="id=another")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    with errors.refused(400, "InvalidBucketAclWithObjectOwnership"):
        s3.create_bucket(Bucket="public-from-birth", ACL="public-read")
    with errors.refused(404, "404"):
        s3.head_bucket(Bucket="public-from-birth")


def test_life_of_a_buckets_tags(s3, bucket):
    with errors.refused(404, "NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket=bucket)
    tags = [{"Key": f"key {number}", "Value": "v" * 256} for number in range(50)]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    widest = [{"Key": "\U00010400" * 125 + f"{number:03}", "Value": "\U00010400" * 256}
              for number in range(50)]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": widest})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == widest
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "a", "Value": ""}]})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "a", "Value": ""}]
    s3.delete_bucket_tagging(Bucket=bucket)
    s3.delete_bucket_tagging(Bucket=bucket)
    with errors.refused(404, "NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket=bucket)
    for call in (s3.get_bucket_tagging, s3.delete_bucket_tagging):
        with errors.refused(404, "NoSuchBucket"):
            call(Bucket=GONE)


@pytest.mark.parametrize("tags", [
    [("k" * 129, "v")], [("k", "v" * 257)], [("k", "a"), ("k", "b")],
    [("aws:k", "v")], [("k;", "v")]])
def test_tags_that_are_none(s3, bucket, tags):
    with errors.refused(400, "InvalidTag"):
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [
            {"Key": key, "Value": value} for key, value in tags]})
    with errors.refused(404, "NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket=bucket)


def test_too_many_tags_of_a_bucket(s3, wire, bucket):
    with errors.refused(400, "BadRequest"):
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [
            {"Key": str(number), "Value": ""} for number in range(51)]})
    errors.assert_refused(wire.request("PUT", f"/{bucket}", [("tagging", "")], body=b"<Tag/>"),
                          400, "MalformedXML")


def test_pages_of_the_list_of_buckets(s3, wire):
    names = [f"paged-{letter}" for letter in "abcde"]
    for name in names:
        s3.create_bucket(Bucket=name)
    pages = list(s3.get_paginator("list_buckets").paginate(
        Prefix="paged-", PaginationConfig={"PageSize": 2}))
    assert [[b["Name"] for b in page["Buckets"]] for page in pages] == [
        names[:2], names[2:4], names[4:]]
    assert all(page["Prefix"] == "paged-" for page in pages)
    assert {b["BucketRegion"] for page in pages for b in page["Buckets"]} == {"us-east-1"}
    # Exactly a page's worth leaves nothing to continue.
    whole = s3.list_buckets(Prefix="paged-", MaxBuckets=5)
    assert len(whole["Buckets"]) == 5 and "ContinuationToken" not in whole
    # A page goes on where the last one ended, also when that bucket is gone.
    first = s3.list_buckets(Prefix="paged-", MaxBuckets=2)
    s3.delete_bucket(Bucket=names[1])
    rest = s3.list_buckets(Prefix="paged-", ContinuationToken=first["ContinuationToken"])
    assert [b["Name"] for b in rest["Buckets"]] == names[2:]
    for name in (names[0], *names[2:]):
        s3.delete_bucket(Bucket=name)
    assert s3.list_buckets(BucketRegion="mars-north-1")["Buckets"] == []
    for query in ([("max-buckets", "0")], [("max-buckets", "10001")], [("max-buckets", "x")],
                  [("continuation-token", "!!")]):
        errors.assert_refused(wire.request("GET", "/", query), 400, "InvalidArgument")


def test_what_head_bucket_tells(wire, bucket):
    headers = wire.request("HEAD", f"/{bucket}").headers
    assert headers["x-amz-bucket-region"] == "us-east-1"
    assert headers["x-amz-access-point-alias"] == "false"
