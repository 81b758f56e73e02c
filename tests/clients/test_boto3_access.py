"""Who may: signatures in headers and in URLs, and everything that is nearly one."""

import datetime

import errors
import pytest
import requests


def now():
    return datetime.datetime.now(datetime.timezone.utc)


@pytest.fixture
def held(s3, bucket):
    """A bucket with one object, /BUCKET/k."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"private")
    return f"/{bucket}/k"


@pytest.mark.parametrize("method, path, query", [
    ("GET", "/", ""), ("GET", "{bucket}", ""), ("GET", "{bucket}", "?list-type=2"),
    ("HEAD", "{bucket}", ""), ("PUT", "/a-new-bucket", ""), ("DELETE", "{bucket}", ""),
    ("GET", "{bucket}/k", ""), ("HEAD", "{bucket}/k", ""), ("PUT", "{bucket}/k", ""),
    ("DELETE", "{bucket}/k", ""), ("POST", "{bucket}", "?delete"),
    ("POST", "{bucket}/k", "?uploads"), ("PUT", "{bucket}/k", "?partNumber=1&uploadId=x"),
    ("GET", "{bucket}/absent", ""),
    ("GET", "{bucket}", "?acl"), ("GET", "{bucket}", "?uploads"),
    ("DELETE", "{bucket}/k", "?uploadId=x"), ("POST", "{bucket}/k", "?uploadId=x")])
def test_anonymous_is_denied(wire, s3, bucket, held, method, path, query):
    answer = wire.send(method, path.replace("{bucket}", f"/{bucket}") + query)
    assert answer.status == 403
    if method != "HEAD":
        assert answer.code == "AccessDenied" and b"private" not in answer.body
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"private"


def test_wrong_secret(client_with, bucket):
    client = client_with(aws_secret_access_key="not" + "the-secret" * 3)
    with errors.refused(403, "SignatureDoesNotMatch"):
        client.list_objects_v2(Bucket=bucket)
    with errors.refused(403, "SignatureDoesNotMatch"):
        client.put_object(Bucket=bucket, Key="k", Body=b"x")


def test_unknown_access_key(client_with, bucket):
    client = client_with(aws_access_key_id="AKIAUNKNOWNUNKNOWN00")
    with errors.refused(403, "InvalidAccessKeyId"):
        client.list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize("minutes, status", [(0, 200), (-14, 200), (14, 200), (-16, 403), (16, 403)])
def test_clock_skew(wire, held, minutes, status):
    answer = wire.request("GET", held, now=now() + datetime.timedelta(minutes=minutes))
    assert answer.status == status
    if status == 403:
        assert answer.code == "RequestTimeTooSkewed"


def test_a_signature_covers_method_path_query_and_headers(wire, held, bucket):
    signed = wire.signed_headers("GET", held, [], {"x-amz-meta-a": "1"}, b"")
    assert wire.send("GET", held, signed).status == 200
    for method, target, headers in (
            ("DELETE", held, signed),
            ("GET", held + "2", signed),
            ("GET", held + "?response-content-type=text%2Fplain", signed),
            ("GET", held, {**signed, "x-amz-meta-a": "2"})):
        errors.assert_refused(wire.send(method, target, headers), 403, "SignatureDoesNotMatch")


def test_what_is_no_authorization(wire, held):
    good = wire.signed_headers("GET", held, [], {}, b"")
    authorization = good["Authorization"]
    cases = [
        ("Basic dXNlcjpwYXNz", 400, "InvalidArgument"),
        (authorization.split(", ")[0], 400, "AuthorizationHeaderMalformed"),
        (authorization.replace("/us-east-1/", "/mars-1/"), 400, "AuthorizationHeaderMalformed"),
        (authorization.replace("/s3/", "/ec2/"), 400, "AuthorizationHeaderMalformed"),
        (authorization[:-1] + ("0" if authorization[-1] != "0" else "1"), 403,
         "SignatureDoesNotMatch")]
    for text, status, code in cases:
        answer = wire.send("GET", held, {**good, "Authorization": text})
        errors.assert_refused(answer, status, code)


def test_signature_version_2_is_refused(wire, held):
    answer = wire.send("GET", held, {"Authorization": f"AWS {wire.access_key}:c2lnbmF0dXJl",
                                     "Date": "Thu, 01 Jan 2037 00:00:00 GMT"})
    assert answer.status in (400, 403) and b"private" not in answer.body


def test_two_kinds_of_authentication_at_once(wire, held):
    target = wire.presign("GET", held)
    headers = wire.signed_headers("GET", held, [], {}, b"")
    errors.assert_refused(wire.send("GET", target, headers), 400, "InvalidArgument")


def url_of(client, operation, expires=300, **parameters):
    return client.generate_presigned_url(operation, Params=parameters, ExpiresIn=expires)


@pytest.mark.parametrize("key", ["k", "a b/c+d%e", "ü/日本", "tilde~(1)'!*"])
def test_presigned_put_and_get(s3, bucket, key):
    put = requests.put(url_of(s3, "put_object", Bucket=bucket, Key=key), data=b"by url", timeout=30)
    assert put.status_code == 200, put.text
    got = requests.get(url_of(s3, "get_object", Bucket=bucket, Key=key), timeout=30)
    assert (got.status_code, got.content) == (200, b"by url")
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"by url"


def test_presigned_overrides_and_ranges(s3, bucket, held):
    url = url_of(s3, "get_object", Bucket=bucket, Key="k", ResponseContentType="image/png",
                 ResponseContentDisposition="attachment; filename=x")
    got = requests.get(url, headers={"Range": "bytes=0-2"}, timeout=30)
    assert (got.status_code, got.content) == (206, b"pri")
    assert got.headers["Content-Type"] == "image/png"
    assert got.headers["Content-Disposition"] == "attachment; filename=x"


def test_a_presigned_url_is_for_one_method_one_key_one_query(wire, held):
    target = wire.presign("GET", held)
    assert wire.send("GET", target).status == 200
    for method, other in (("PUT", target), ("DELETE", target),
                          ("GET", target.replace("/k?", "/k2?")),
                          ("GET", target + "&response-content-type=a"),
                          ("GET", target.replace("X-Amz-Expires=300", "X-Amz-Expires=301"))):
        errors.assert_refused(wire.send(method, other), 403, "SignatureDoesNotMatch")


def test_presigned_time_bounds(wire, held):
    hour = datetime.timedelta(hours=1)
    for made, expires in ((now() - hour, 60), (now() + hour, 60)):
        answer = wire.send("GET", wire.presign("GET", held, expires, made))
        errors.assert_refused(answer, 403, "AccessDenied")
    assert wire.send("GET", wire.presign("GET", held, 604800, now() - 24 * hour)).status == 200
    for expires in (604801, -1, "soon"):
        answer = wire.send("GET", wire.presign("GET", held, expires))
        errors.assert_refused(answer, 400, "AuthorizationQueryParametersError")


def test_an_error_says_what_and_where(wire, held):
    answer = wire.request("GET", held + "-absent")
    tree = answer.xml()
    assert tree.tag == "Error" and tree.findtext("Code") == "NoSuchKey"
    assert tree.findtext("Message") and tree.findtext("Resource") == held + "-absent"
    assert tree.findtext("RequestId") == answer.headers["x-amz-request-id"]
    assert answer.headers["Content-Type"] == "application/xml"
    assert wire.request("HEAD", held + "-absent").body == b""


def test_request_ids_differ(wire, held):
    ids = {wire.request("GET", held).headers["x-amz-request-id"] for _ in range(20)}
    assert len(ids) == 20


def test_credentials_of_the_environment_are_taken_and_never_printed(start_server):
    from conftest import make_client
    running = start_server(credentials=("access-from-env", "secret-from-env-0123456789"))
    client = make_client(running)
    client.create_bucket(Bucket="mine")
    with errors.refused(403, "SignatureDoesNotMatch"):
        make_client(running, aws_secret_access_key="wrong").list_buckets()
    running.check_secret_unprinted()


def test_generated_credentials_outlive_a_restart(start_server):
    from conftest import make_client
    first = start_server()
    make_client(first).create_bucket(Bucket="kept")
    pair = (first.access_key, first.secret_key)
    first.stop()
    second = start_server(data=first.data)
    assert (second.access_key, second.secret_key) == pair
    assert second.secret_key not in second.output()
    assert [b["Name"] for b in make_client(second).list_buckets()["Buckets"]] == ["kept"]
