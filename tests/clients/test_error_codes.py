"""One request for each error that the API reference names for what is built here: status, code,
and the elements that AWS adds. Errors of single fields that other files provoke one by one
(signatures, checksums, names of buckets) are here once."""

import base64
import datetime
import hashlib
import socket

import errors
import pytest
import raw

NO_UPLOAD = "0" * 44
LONG_KEY = "k" * 1025
OVER_5_GIB = str(5 * 1024 ** 3 + 1)


def complete_body(*parts):
    inner = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
                    for number, etag in parts)
    return f"<CompleteMultipartUpload>{inner}</CompleteMultipartUpload>".encode()


def located(constraint):
    return (f"<CreateBucketConfiguration><LocationConstraint>{constraint}</LocationConstraint>"
            "</CreateBucketConfiguration>").encode()


# A chunk of one byte more than is taken.
CHUNKED = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
           "x-amz-decoded-content-length": "300000000", "x-amz-trailer": "x-amz-checksum-crc32"}


class Request:
    """A row of the table: a request to BUCKET, KEY (an object of ten bytes) and UPLOAD (of `up`,
    with part 1 of five bytes)."""

    def __init__(self, code, status, method, path, query=(), headers=(), body=b"", elements=(),
                 before=None):
        self.code, self.status, self.method, self.path = code, status, method, path
        self.query, self.headers, self.body = query, dict(headers), body
        self.elements, self.before = dict(elements), before


ETAG = '"827ccb0eea8a706c4c34a16891f84e7b"'  # of 12345
OTHER = '"' + "0" * 32 + '"'
UP = [("uploadId", "UPLOAD")]
TABLE = [
    # Names and sizes
    Request("InvalidBucketName", 400, "PUT", "/Not-A-Name"),
    Request("NoSuchBucket", 404, "GET", "/never-made"),
    Request("NoSuchBucket", 404, "PUT", "/never-made/k", body=b"x"),
    Request("NoSuchKey", 404, "GET", "BUCKET/nothing", elements={"Key": "nothing"}),
    Request("KeyTooLongError", 400, "PUT", f"BUCKET/{LONG_KEY}", body=b"x",
            elements={"Size": "1025", "MaxSizeAllowed": "1024"}),
    Request("KeyTooLongError", 400, "GET", f"BUCKET/{LONG_KEY}"),
    Request("KeyTooLongError", 400, "POST", f"BUCKET/{LONG_KEY}", [("uploads", "")]),
    Request("InvalidURI", 400, "GET", "BUCKET/%FF"),
    Request("MetadataTooLarge", 400, "PUT", "BUCKET/m", (), {"x-amz-meta-a": "v" * 2048}, b"x",
            elements={"Size": "2049", "MaxSizeAllowed": "2048"}),
    Request("MetadataTooLarge", 400, "POST", "BUCKET/m", [("uploads", "")],
            {"x-amz-meta-a": "v" * 2048}),
    Request("EntityTooLarge", 400, "PUT", "BUCKET/m", (), {"Content-Length": OVER_5_GIB},
            elements={"ProposedSize": OVER_5_GIB, "MaxSizeAllowed": str(5 * 1024 ** 3)}),
    Request("EntityTooLarge", 400, "PUT", "BUCKET/up", [("partNumber", "2"), *UP],
            {"Content-Length": OVER_5_GIB}),
    Request("MethodNotAllowed", 405, "POST", "BUCKET/ten", elements={
        "Method": "POST", "ResourceType": "OBJECT"}),
    Request("InvalidLocationConstraint", 400, "PUT", "/never-made", (), {}, located("nowhere"),
            elements={"LocationConstraint": "nowhere"}),
    Request("IllegalLocationConstraintException", 400, "PUT", "/never-made", (), {},
            located("eu-central-1"), elements={"LocationConstraint": "eu-central-1"}),
    Request("IllegalLocationConstraintException", 400, "PUT", "/never-made", (), {}, located("EU")),
    Request("MissingSecurityHeader", 400, "PUT", "BUCKET", [("acl", "")],
            elements={"MissingHeaderName": "x-amz-acl"}),
    Request("AccessControlListNotSupported", 400, "PUT", "BUCKET/m", (),
            {"x-amz-acl": "public-read"}, b"x"),
    Request("InvalidStorageClass", 400, "PUT", "BUCKET/m", (), {"x-amz-storage-class": "GLACIER"}),
    Request("InvalidTag", 400, "PUT", "BUCKET/m", (), {"x-amz-tagging": "aws:a=b"}, b"x"),
    Request("InvalidToken", 400, "GET", "BUCKET/ten", (), {"x-amz-security-token": "stale"}),
    # Bodies
    Request("BadDigest", 400, "PUT", "BUCKET/m", (), {"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="},
            b"x", elements={
                "ExpectedDigest": "1B2M2Y8AsgTpgAmY7PhCfg==",
                "CalculatedDigest": base64.b64encode(hashlib.md5(b"x").digest()).decode()}),
    Request("BadDigest", 400, "POST", "BUCKET", [("delete", "")],
            {"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, b"x",
            elements={"ExpectedDigest": "1B2M2Y8AsgTpgAmY7PhCfg=="}),
    Request("InvalidDigest", 400, "PUT", "BUCKET/m", (), {"Content-MD5": "none"}, b"x",
            elements={"Content-MD5": "none"}),
    Request("InvalidChunkSizeError", 400, "PUT", "BUCKET/m", (), CHUNKED, b"10000001\r\nx"),
    Request("XAmzContentSHA256Mismatch", 400, "PUT", "BUCKET/m",
            (), {"x-amz-content-sha256": hashlib.sha256(b"y").hexdigest()}, b"x", elements={
                "ClientComputedContentSHA256": hashlib.sha256(b"y").hexdigest(),
                "S3ComputedContentSHA256": hashlib.sha256(b"x").hexdigest()}),
    Request("MissingRequestBodyError", 400, "POST", "BUCKET", [("delete", "")]),
    Request("MalformedXML", 400, "POST", "BUCKET", [("delete", "")],
            {"Content-MD5": base64.b64encode(hashlib.md5(b"<Delete>").digest()).decode()},
            b"<Delete>"),
    Request("MaxMessageLengthExceeded", 400, "POST", "BUCKET/up", UP, (),
            b" " * (2 * 1024 * 1024 + 1), elements={"MaxMessageLengthBytes": str(2 * 1024 ** 2)}),
    Request("InvalidArgument", 400, "PUT", "BUCKET/up", [("partNumber", "0"), *UP], (), b"x",
            elements={"ArgumentName": "partNumber", "ArgumentValue": "0"}),
    Request("InvalidArgument", 400, "PUT", "BUCKET/up", [("partNumber", "10001"), *UP], (), b"x"),
    # Reads
    Request("InvalidRange", 416, "GET", "BUCKET/ten", (), {"Range": "bytes=10-"},
            elements={"ActualObjectSize": "10", "RangeRequested": "bytes=10-"}),
    Request("InvalidPartNumber", 416, "GET", "BUCKET/ten", [("partNumber", "2")]),
    Request("InvalidRequest", 400, "GET", "BUCKET/ten", [("partNumber", "1")],
            {"Range": "bytes=0-1"}),
    Request("PreconditionFailed", 412, "GET", "BUCKET/ten", (), {"If-Match": OTHER},
            elements={"Condition": "If-Match"}),
    # Uploads
    Request("NoSuchUpload", 404, "PUT", "BUCKET/up", [("partNumber", "1"), ("uploadId", NO_UPLOAD)],
            (), b"x", elements={"UploadId": NO_UPLOAD}),
    Request("NoSuchUpload", 404, "GET", "BUCKET/up", [("uploadId", NO_UPLOAD)]),
    Request("NoSuchUpload", 404, "DELETE", "BUCKET/up", [("uploadId", NO_UPLOAD)]),
    Request("NoSuchUpload", 404, "POST", "BUCKET/up", [("uploadId", NO_UPLOAD)], (),
            complete_body((1, ETAG))),
    Request("NoSuchUpload", 404, "POST", "BUCKET/ten", UP, (), complete_body((1, ETAG))),
    Request("InvalidPart", 400, "POST", "BUCKET/up", UP, (), complete_body((1, OTHER)),
            elements={"PartNumber": "1", "ETag": OTHER.strip('"')}),
    Request("InvalidPart", 400, "POST", "BUCKET/up", UP, (), complete_body((1, ETAG), (7, ETAG)),
            elements={"PartNumber": "7"}),
    Request("InvalidPart", 400, "POST", "BUCKET/up", UP, (),
            complete_body((1, ETAG), (10001, ETAG))),
    Request("InvalidPartOrder", 400, "POST", "BUCKET/up", UP, (),
            complete_body((2, ETAG), (1, ETAG)), elements={"UploadId": "UPLOAD"}),
    Request("InvalidPartOrder", 400, "POST", "BUCKET/up", UP, (),
            complete_body((1, ETAG), (1, ETAG))),
    Request("InvalidArgument", 400, "POST", "BUCKET/up", UP, (), complete_body((0, ETAG)),
            elements={"ArgumentName": "PartNumber"}),
    Request("InvalidArgument", 400, "POST", "BUCKET/up", UP, (), complete_body((-1, ETAG))),
    Request("MalformedXML", 400, "POST", "BUCKET/up", UP, (), complete_body()),
    Request("MalformedXML", 400, "POST", "BUCKET/up", UP, (), complete_body(("one", ETAG))),
    Request("MalformedXML", 400, "POST", "BUCKET/up", UP, (), complete_body((1, ""))),
    Request("MalformedXML", 400, "POST", "BUCKET/up", UP, (), b"parts: all"),
    Request("MissingRequestBodyError", 400, "POST", "BUCKET/up", UP),
    Request("InvalidRequest", 400, "POST", "BUCKET/up", UP, {"x-amz-mp-object-size": "6"},
            complete_body((1, ETAG))),
    Request("InvalidRequest", 400, "POST", "BUCKET/up", UP, {"x-amz-mp-object-size": "many"},
            complete_body((1, ETAG))),
    Request("EntityTooSmall", 400, "POST", "BUCKET/up", UP, (),
            complete_body((1, ETAG), (2, ETAG)), elements={
                "ProposedSize": "5", "MinSizeAllowed": str(5 * 1024 ** 2), "PartNumber": "1",
                "ETag": ETAG.strip('"')}),
    Request("InvalidArgument", 400, "GET", "BUCKET", [("uploads", ""), ("max-uploads", "-1")]),
    Request("InvalidArgument", 400, "GET", "BUCKET", [("uploads", ""), ("encoding-type", "x")]),
    Request("InvalidArgument", 400, "GET", "BUCKET/up", [*UP, ("max-parts", "-1")]),
    Request("InvalidArgument", 400, "GET", "BUCKET/up", [*UP, ("part-number-marker", "x")]),
]


@pytest.fixture(scope="module")
def site(s3, server):
    """The wire, and what the table's words stand for."""
    s3.create_bucket(Bucket="errors")
    s3.put_object(Bucket="errors", Key="ten", Body=b"0123456789")
    upload = s3.create_multipart_upload(Bucket="errors", Key="up")["UploadId"]
    for number in (1, 2):
        s3.upload_part(Bucket="errors", Key="up", UploadId=upload, PartNumber=number, Body=b"12345")
    yield raw.Client(server.endpoint, server.access_key, server.secret_key), upload
    s3.abort_multipart_upload(Bucket="errors", Key="up", UploadId=upload)
    s3.delete_object(Bucket="errors", Key="ten")
    s3.delete_bucket(Bucket="errors")


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.code}-{row.method}")
def test_error(site, row):
    wire, upload = site
    path = row.path.replace("BUCKET", "/errors")
    query = [(name, upload if value == "UPLOAD" else value) for name, value in row.query]
    payload = row.headers.get("x-amz-content-sha256")
    answer = wire.request(row.method, path, query, row.headers, row.body, payload=payload)
    assert (answer.status, answer.code) == (row.status, row.code), answer.body
    tree = answer.xml()
    assert tree.findtext("Message") and tree.findtext("RequestId") == answer.headers[
        "x-amz-request-id"]
    for name, value in row.elements.items():
        assert tree.findtext(name) == (upload if value == "UPLOAD" else value), answer.body


def talk(wire, text):
    """What the server says to exactly these bytes, the client's side closed after them."""
    host, port = wire.host.split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        got = b""
        while piece := connection.recv(65536):
            got += piece
    return got


def signed_head(wire, fields):
    headers = wire.signed_headers("PUT", "/errors/m", (), {}, b"", payload="UNSIGNED-PAYLOAD")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"PUT /errors/m HTTP/1.1\r\n{fields}{lines}\r\n".encode()


def test_missing_content_length(site):
    answer = talk(site[0], signed_head(site[0], "Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 411 ") and b"<Code>MissingContentLength</Code>" in answer


def test_incomplete_body(site):
    answer = talk(site[0], signed_head(site[0], "Content-Length: 10\r\n") + b"12345")
    assert answer.startswith(b"HTTP/1.1 400 ") and b"<Code>IncompleteBody</Code>" in answer


def test_exact_limits_are_taken(site):
    """One less than what is refused."""
    wire, _ = site
    key, headers = "/errors/" + "k" * 1024, {"x-amz-meta-a": "v" * 2047}
    assert wire.request("PUT", key, (), headers, b"x").status == 200
    got = wire.request("GET", key)
    assert (got.body, got.headers["x-amz-meta-a"]) == (b"x", "v" * 2047)
    assert wire.request("DELETE", key).status == 204


def test_names_that_are_taken(start_server):
    elsewhere = start_server("--region", "eu-central-1")
    (elsewhere.data / "a-file").write_bytes(b"")
    wire = raw.Client(elsewhere.endpoint, elsewhere.access_key, elsewhere.secret_key,
                      "eu-central-1")
    assert wire.request("PUT", "/mine", body=located("eu-central-1")).status == 200
    errors.assert_refused(wire.request("PUT", "/mine"), 409, "BucketAlreadyOwnedByYou")
    errors.assert_refused(wire.request("PUT", "/a-file"), 409, "BucketAlreadyExists")


def test_what_a_signature_is_told(site):
    """A client compares what it signed with what the server made of the request."""
    wire, _ = site
    headers = wire.signed_headers("GET", "/errors/ten", [("a", "b c")], {}, b"")
    canonical, _ = wire.canonical("GET", "/errors/ten", [("a", "b c")], {
        name: value for name, value in headers.items() if name != "Authorization"},
        headers["x-amz-content-sha256"])
    wrong = {**headers, "Authorization": headers["Authorization"][:-4] + "0000"}
    answer = wire.send("GET", "/errors/ten?a=b%20c", wrong)
    errors.assert_refused(answer, 403, "SignatureDoesNotMatch")
    tree = answer.xml()
    assert tree.findtext("CanonicalRequest") == canonical
    assert bytes.fromhex(tree.findtext("CanonicalRequestBytes")).decode() == canonical
    lines = tree.findtext("StringToSign").split("\n")
    assert lines[0] == "AWS4-HMAC-SHA256" and lines[1] == headers["x-amz-date"]
    assert lines[2].endswith("/us-east-1/s3/aws4_request")
    assert lines[3] == hashlib.sha256(canonical.encode()).hexdigest()
    assert tree.findtext("AWSAccessKeyId") == wire.access_key
    assert tree.findtext("SignatureProvided").endswith("0000")


def test_what_other_refused_signatures_are_told(site):
    wire, _ = site
    past = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
    answer = wire.request("GET", "/errors/ten", now=past)
    errors.assert_refused(answer, 403, "RequestTimeTooSkewed")
    tree = answer.xml()
    assert tree.findtext("RequestTime") == wire.stamp(past) and tree.findtext("ServerTime")
    assert tree.findtext("MaxAllowedSkewMilliseconds") == "900000"
    tree = wire.send("GET", wire.presign("GET", "/errors/ten", 60, past)).xml()
    assert tree.findtext("Code") == "AccessDenied" and tree.findtext("X-Amz-Expires") == "60"
    assert tree.findtext("Expires") < tree.findtext("ServerTime")
    stranger = raw.Client(f"http://{wire.host}", "NOBODY", wire.secret_key)
    tree = stranger.request("GET", "/errors/ten").xml()
    assert tree.findtext("Code") == "InvalidAccessKeyId"
    assert tree.findtext("AWSAccessKeyId") == "NOBODY"
    tree = wire.send("GET", wire.presign("GET", "/errors/ten"), {"x-amz-meta-a": "b"}).xml()
    assert tree.findtext("HeadersNotSigned") == "x-amz-meta-a"


def test_what_a_preflight_is_told(site):
    tree = site[0].send("OPTIONS", "/errors/ten", {
        "Origin": "http://a.test", "Access-Control-Request-Method": "PUT"}).xml()
    assert tree.findtext("Code") == "AccessForbidden"
    assert (tree.findtext("Method"), tree.findtext("ResourceType")) == ("PUT", "OBJECT")
