"""Policies of buckets: what they are refused for, what they give to strangers, what they take from
the owner; and public access blocks."""

import base64
import contextlib
import hashlib
import json
import time

import errors
import pytest

SOON_S = 20


def statement(bucket, actions, keys="*", **further):
    resources = [f"arn:aws:s3:::{bucket}/{keys}"]
    if any("List" in action or action == "s3:*" for action in actions):
        resources.append(f"arn:aws:s3:::{bucket}")
    return {"Effect": "Allow", "Principal": "*", "Action": actions, "Resource": resources,
            **further}


def policy_of(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def refused_in_the_end(call):
    """A Deny binds the owner within a second, on every shard: until then the call may succeed."""
    deadline = time.monotonic() + SOON_S
    answer = call()
    while answer.status == 200 and time.monotonic() < deadline:
        answer = call()
    errors.assert_refused(answer, 403, "AccessDenied")


@pytest.fixture
def held(s3, bucket):
    """A bucket with two objects; its policy goes before it does."""
    s3.put_object(Bucket=bucket, Key="open/k", Body=b"for all")
    s3.put_object(Bucket=bucket, Key="closed/k", Body=b"private")
    yield bucket
    s3.delete_bucket_policy(Bucket=bucket)
    deadline = time.monotonic() + SOON_S
    while time.monotonic() < deadline:  # every shard has forgotten it within a second
        with contextlib.suppress(s3.exceptions.ClientError):
            for key in ("open/k", "closed/k"):
                s3.delete_object(Bucket=bucket, Key=key)
            return
        time.sleep(0.1)


def test_life_of_a_policy(s3, wire, bucket):
    with errors.refused(404, "NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket=bucket)
    with errors.refused(404, "NoSuchBucketPolicy"):
        s3.get_bucket_policy_status(Bucket=bucket)
    text = policy_of(statement(bucket, ["s3:GetObject"]))
    done = s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert done["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == text  # byte by byte
    assert wire.request("GET", f"/{bucket}", [("policy", "")]).headers["Content-Type"] == (
        "application/json")
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True
    s3.delete_bucket_policy(Bucket=bucket)
    s3.delete_bucket_policy(Bucket=bucket)  # AWS: 204 as well
    with errors.refused(404, "NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket=bucket)
    for call in (s3.get_bucket_policy, s3.delete_bucket_policy, s3.get_public_access_block,
                 s3.delete_public_access_block, s3.get_bucket_policy_status):
        with errors.refused(404, "NoSuchBucket"):
            call(Bucket="never-made")


@pytest.mark.parametrize("change", [
    {"Effect": "Maybe"}, {"Principal": {"AWS": "arn:aws:iam::123456789012:user/x"}},
    {"Action": "s3:Nothing"}, {"Action": "ec2:*"}, {"Resource": "arn:aws:s3:::another/*"},
    {"Condition": {"StringMatches": {"aws:Referer": "x"}}},
    {"Condition": {"StringEquals": {"aws:Unknown": "x"}}}, {"Extra": 1}])
def test_malformed_policies(s3, bucket, change):
    with errors.refused(400, "MalformedPolicy"):
        s3.put_bucket_policy(Bucket=bucket, Policy=policy_of(
            {**statement(bucket, ["s3:GetObject"]), **change}))
    with errors.refused(404, "NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket=bucket)


@pytest.mark.parametrize("text, code", [
    (b"", "MissingRequestBodyError"), (b"[]", "MalformedPolicy"), (b" {}", "MalformedPolicy"),
    (b'{"Version": "2012-10-17", "Statement": [', "MalformedPolicy"),
    (b"{" + b" " * 20480 + b"}", "MalformedPolicy")])
def test_what_is_no_policy(wire, bucket, text, code):
    errors.assert_refused(wire.request("PUT", f"/{bucket}", [("policy", "")], body=text), 400, code)


def test_strangers_read_what_a_policy_opens(s3, wire, held):
    s3.put_bucket_policy(Bucket=held, Policy=policy_of(
        statement(held, ["s3:GetObject"], "open/*")))
    assert wire.send("GET", f"/{held}/open/k").body == b"for all"
    assert wire.send("HEAD", f"/{held}/open/k").status == 200
    ranged = wire.send("GET", f"/{held}/open/k", {"Range": "bytes=0-2"})
    assert (ranged.status, ranged.body) == (206, b"for")
    for method, target in [
            ("GET", "/closed/k"), ("GET", "/open%2f..%2fclosed%2fk"), ("GET", ""),
            ("PUT", "/open/k"), ("DELETE", "/open/k"), ("GET", "?policy"),
            # What is not there is not told from what is not his.
            ("GET", "/open/absent"), ("GET", "/closed/absent"), ("GET", "/open/absent?prefix=")]:
        errors.assert_refused(wire.send(method, f"/{held}{target}"), 403, "AccessDenied")
    answer = wire.send("GET", f"/{held}/open/k?response-content-type=text%2Fhtml")
    errors.assert_refused(answer, 400, "InvalidRequest")
    # The key that is checked is the key that is read, however it is spelt.
    assert wire.send("GET", f"/{held}/%6fpen/k").body == b"for all"
    s3.delete_bucket_policy(Bucket=held)
    errors.assert_refused(wire.send("GET", f"/{held}/open/k"), 403, "AccessDenied")


def test_strangers_list_what_a_policy_opens(s3, wire, held):
    s3.put_bucket_policy(Bucket=held, Policy=policy_of(
        statement(held, ["s3:ListBucket"],
                  Condition={"StringLike": {"s3:prefix": "open/*"},
                             "NumericLessThanEquals": {"s3:max-keys": "10"}})))
    page = wire.send("GET", f"/{held}?list-type=2&prefix=open%2F&max-keys=10")
    assert page.status == 200 and b"open/k" in page.body and b"closed" not in page.body
    for query in ("list-type=2", "prefix=open%2F", "prefix=open%2F&max-keys=11",
                  "prefix=closed%2F&max-keys=1", "prefix=closed%2F&prefix=open%2F&max-keys=1"):
        errors.assert_refused(wire.send("GET", f"/{held}?{query}"), 403, "AccessDenied")
    assert wire.send("HEAD", f"/{held}").status == 403
    # Who may list is told what is not there.
    s3.put_bucket_policy(Bucket=held, Policy=policy_of(
        statement(held, ["s3:GetObject", "s3:ListBucket"])))
    errors.assert_refused(wire.send("GET", f"/{held}/absent"), 404, "NoSuchKey")
    assert wire.send("HEAD", f"/{held}").status == 200


def test_strangers_write_where_a_policy_lets_them(s3, wire, held):
    s3.put_bucket_policy(Bucket=held, Policy=policy_of(
        statement(held, ["s3:PutObject", "s3:DeleteObject"], "in/*")))
    assert wire.send("PUT", f"/{held}/in/a", body=b"dropped").status == 200
    assert s3.get_object(Bucket=held, Key="in/a")["Body"].read() == b"dropped"
    errors.assert_refused(wire.send("GET", f"/{held}/in/a"), 403, "AccessDenied")
    errors.assert_refused(wire.send("PUT", f"/{held}/out", body=b"x"), 403, "AccessDenied")
    # An upload in parts is the same permission.
    upload = wire.send("POST", f"/{held}/in/b?uploads").xml().findtext("UploadId")
    part = wire.send("PUT", f"/{held}/in/b?partNumber=1&uploadId={upload}", body=b"part")
    assert part.status == 200
    body = (f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"
            f"{part.headers['ETag']}</ETag></Part></CompleteMultipartUpload>").encode()
    assert wire.send("POST", f"/{held}/in/b?uploadId={upload}", body=body).status == 200
    assert s3.get_object(Bucket=held, Key="in/b")["Body"].read() == b"part"
    for key in ("a", "b"):
        assert wire.send("DELETE", f"/{held}/in/{key}").status == 204
    with errors.refused(404, "NoSuchKey"):
        s3.get_object(Bucket=held, Key="in/a")


def test_strangers_never_get_at_settings(s3, wire, held):
    s3.put_bucket_policy(Bucket=held, Policy=policy_of(statement(held, ["s3:*"])))
    assert wire.send("GET", f"/{held}/closed/k").body == b"private"
    for method, query in [("GET", "?policy"), ("PUT", "?policy"), ("DELETE", "?policy"),
                          ("GET", "?publicAccessBlock"), ("PUT", "?tagging"), ("GET", "?acl"),
                          ("DELETE", ""), ("PUT", "")]:
        errors.assert_refused(wire.send(method, f"/{held}{query}"), 403, "AccessDenied")


def test_conditions_on_the_request(s3, wire, held):
    def put(condition, **further):
        s3.put_bucket_policy(Bucket=held, Policy=policy_of(
            statement(held, ["s3:GetObject"], Condition=condition, **further)))

    path = f"/{held}/open/k"
    put({"IpAddress": {"aws:SourceIp": ["127.0.0.0/8", "::1/128"]}})
    assert wire.send("GET", path).status == 200
    # A forwarded address is anybody's word.
    put({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})
    assert wire.send("GET", path, {"X-Forwarded-For": "192.0.2.1"}).status == 403
    put({"StringLike": {"aws:Referer": "http://www.example.com/*"}})
    assert wire.send("GET", path).status == 403
    assert wire.send("GET", path, {"Referer": "http://www.example.com/a"}).status == 200
    put({"Bool": {"aws:SecureTransport": "true"}})
    assert wire.send("GET", path).status == 403
    put({"StringEquals": {"aws:UserAgent": ["one", "two"]}})
    assert wire.send("GET", path, {"User-Agent": "two"}).status == 200
    assert wire.send("GET", path, {"User-Agent": "three"}).status == 403


def test_a_deny_wins_and_binds_the_owner(s3, wire, held):
    denied = statement(held, ["s3:GetObject"], "closed/*") | {"Effect": "Deny"}
    s3.put_bucket_policy(Bucket=held, Policy=policy_of(
        statement(held, ["s3:GetObject"]), denied))
    assert wire.send("GET", f"/{held}/open/k").status == 200
    errors.assert_refused(wire.send("GET", f"/{held}/closed/k"), 403, "AccessDenied")
    refused_in_the_end(lambda: wire.request("GET", f"/{held}/closed/k"))
    assert s3.get_object(Bucket=held, Key="open/k")["Body"].read() == b"for all"
    # He can always repair it.
    everything = statement(held, ["s3:*"]) | {"Effect": "Deny"}
    s3.put_bucket_policy(Bucket=held, Policy=policy_of(everything))
    assert json.loads(s3.get_bucket_policy(Bucket=held)["Policy"])["Statement"] == [everything]
    s3.delete_bucket_policy(Bucket=held)
    time.sleep(1.5)  # no shard's memory is older than a second


def test_a_public_access_block(s3, wire, held):
    with errors.refused(404, "NoSuchPublicAccessBlockConfiguration"):
        s3.get_public_access_block(Bucket=held)
    public = policy_of(statement(held, ["s3:GetObject"]))
    bound = policy_of(statement(held, ["s3:GetObject"], Condition={
        "IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}))
    s3.put_public_access_block(Bucket=held, PublicAccessBlockConfiguration={
        "BlockPublicPolicy": True})
    got = s3.get_public_access_block(Bucket=held)["PublicAccessBlockConfiguration"]
    assert got == {"BlockPublicAcls": False, "IgnorePublicAcls": False, "BlockPublicPolicy": True,
                   "RestrictPublicBuckets": False}
    with errors.refused(403, "AccessDenied"):
        s3.put_bucket_policy(Bucket=held, Policy=public)
    s3.put_bucket_policy(Bucket=held, Policy=bound)
    assert s3.get_bucket_policy_status(Bucket=held)["PolicyStatus"]["IsPublic"] is False
    s3.put_public_access_block(Bucket=held, PublicAccessBlockConfiguration={
        "RestrictPublicBuckets": True})
    s3.put_bucket_policy(Bucket=held, Policy=public)
    errors.assert_refused(wire.send("GET", f"/{held}/open/k"), 403, "AccessDenied")
    s3.delete_public_access_block(Bucket=held)
    assert wire.send("GET", f"/{held}/open/k").status == 200
    errors.assert_refused(wire.request("PUT", f"/{held}", [("publicAccessBlock", "")],
                                       body=b"<PublicAccessBlockConfiguration><Block/>"
                                            b"</PublicAccessBlockConfiguration>"),
                          400, "MalformedXML")


def test_a_torn_policy_opens_nothing(s3, wire, held, server):
    s3.put_bucket_policy(Bucket=held, Policy=policy_of(statement(held, ["s3:GetObject"])))
    assert wire.send("GET", f"/{held}/open/k").status == 200
    path = server.data / held / ".mr.sys" / "settings" / "policy"
    whole = path.read_bytes()
    for torn in (whole[:-1], b"", whole.replace(b"GetObject", b"PutObject")):
        aside = path.with_name("aside")
        aside.write_bytes(torn)
        aside.rename(path)  # written in place, it would show within a second only
        errors.assert_refused(wire.send("GET", f"/{held}/open/k"), 500, "InternalError")
    with errors.refused(500, "InternalError"):
        s3.get_bucket_policy(Bucket=held)
    s3.put_bucket_policy(Bucket=held, Policy=policy_of(statement(held, ["s3:GetObject"])))
    assert wire.send("GET", f"/{held}/open/k").status == 200


def test_what_is_known_of_a_policy_ends_with_a_change_from_outside(s3, wire, held, server):
    """A policy that was read a while ago is not read again for each request of a stranger; a change
    that does not come by S3 must end that all the same, at once and on every shard."""
    settings = server.data / held / ".mr.sys" / "settings"

    def statuses():
        return {wire.send("GET", f"/{held}/open/k").status for _ in range(8)}

    s3.put_bucket_policy(Bucket=held, Policy=policy_of(statement(held, ["s3:GetObject"])))
    time.sleep(0.2)  # the stamp of the directory tells from now on
    assert statuses() == {200}
    (settings / "policy").rename(settings / "policy.aside")
    assert statuses() == {403}
    (settings / "policy.aside").rename(settings / "policy")
    time.sleep(0.2)
    assert statuses() == {200}
    # Another directory in its place, which has no policy.
    settings.rename(settings.with_name("settings.aside"))
    settings.mkdir()
    assert statuses() == {403}
    settings.rmdir()
    settings.with_name("settings.aside").rename(settings)
    time.sleep(0.2)
    assert statuses() == {200}
    s3.put_public_access_block(Bucket=held, PublicAccessBlockConfiguration={
        "RestrictPublicBuckets": True})
    assert statuses() == {403}
    s3.delete_public_access_block(Bucket=held)
    assert statuses() == {200}


def test_a_bucket_that_is_made_again_has_no_policy(s3, wire):
    s3.create_bucket(Bucket="made-again")
    s3.put_bucket_policy(Bucket="made-again", Policy=policy_of(
        statement("made-again", ["s3:ListBucket"])))
    assert wire.send("GET", "/made-again").status == 200
    s3.delete_bucket(Bucket="made-again")
    s3.create_bucket(Bucket="made-again")
    errors.assert_refused(wire.send("GET", "/made-again"), 403, "AccessDenied")
    s3.delete_bucket(Bucket="made-again")


def test_several_removals_at_once(s3, wire, held):
    s3.put_bucket_policy(Bucket=held, Policy=policy_of(
        statement(held, ["s3:DeleteObject"], "open/*")))
    body = b"<Delete>" + b"".join(
        b"<Object><Key>%s</Key></Object>" % key for key in (b"open/k", b"closed/k")) + b"</Delete>"
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    found = wire.send("POST", f"/{held}?delete", {"Content-MD5": md5}, body).xml()
    assert [node.findtext("Key") for node in found.iter("Deleted")] == ["open/k"]
    assert [(node.findtext("Key"), node.findtext("Code")) for node in found.iter("Error")] == [
        ("closed/k", "AccessDenied")]
    assert s3.get_object(Bucket=held, Key="closed/k")["Body"].read() == b"private"
    with errors.refused(404, "NoSuchKey"):
        s3.get_object(Bucket=held, Key="open/k")


def test_what_a_copy_or_a_rename_touches_beside(s3, wire, held):
    s3.put_bucket_policy(Bucket=held, Policy=policy_of(
        statement(held, ["s3:*"], "open/*"),
        statement(held, ["s3:GetObject"], "closed/*") | {"Effect": "Deny"}))
    source = {"x-amz-copy-source": f"/{held}/closed/k"}
    refused_in_the_end(lambda: wire.request("PUT", f"/{held}/open/copy", headers=source))
    errors.assert_refused(wire.send("PUT", f"/{held}/open/copy2", source), 403, "AccessDenied")
    rename = {"x-amz-rename-source": "closed/k"}
    refused_in_the_end(lambda: wire.request("PUT", f"/{held}/open/moved", [("renameObject", "")],
                                            rename))
    errors.assert_refused(wire.send("PUT", f"/{held}/open/moved?renameObject",
                                    {"x-amz-rename-source": "open/k"}), 403, "AccessDenied")


def test_tags_are_a_permission_of_their_own(s3, wire, held):
    s3.put_bucket_policy(Bucket=held, Policy=policy_of(
        statement(held, ["s3:PutObject", "s3:GetObject"], "open/*")))
    tagged = {"x-amz-tagging": "a=b"}
    errors.assert_refused(wire.send("PUT", f"/{held}/open/k", tagged), 403, "AccessDenied")
    errors.assert_refused(wire.send("GET", f"/{held}/open/k?tagging"), 403, "AccessDenied")
    s3.put_bucket_policy(Bucket=held, Policy=policy_of(
        statement(held, ["s3:PutObject", "s3:*Tagging"], "open/*")))
    assert wire.send("PUT", f"/{held}/open/k", tagged).status == 200
    assert wire.send("GET", f"/{held}/open/k?tagging").xml().findtext(".//Value") == "b"
