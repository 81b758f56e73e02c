"""Forms of browsers: what boto3 presigns, what the policy allows and refuses, and what the bytes of
a form may look like."""
# operations: PostObject

import base64
import datetime
import hashlib
import hmac
import http.client
import json
import urllib.parse
import zlib

import errors
import pytest

BOUNDARY = "----formBoundary7MA4"


def encode(fields, boundary=BOUNDARY, file=b"content", file_name="f.txt", after=b""):
    """A form as browsers encode it; `fields` are pairs, the file comes last."""
    body = b""
    for name, value in fields:
        value = value if isinstance(value, bytes) else value.encode()
        body += (f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
                 + value + b"\r\n")
    if file is not None:
        body += (f'--{boundary}\r\nContent-Disposition: form-data; name="file"; '
                 f'filename="{file_name}"\r\nContent-Type: text/plain\r\n\r\n'.encode()
                 + file + b"\r\n" + after)
    return body + f"--{boundary}--\r\n".encode()


@pytest.fixture
def forms(server, wire, bucket):
    return Forms(server, wire, bucket)


class Forms:
    def __init__(self, server, wire, bucket):
        self.server, self.wire, self.bucket = server, wire, bucket

    def signed(self, conditions, expires_s=600, secret=None, document=None, access_key=None,
               region="us-east-1", **fields):
        """The fields of a form whose policy has these conditions and those that signing needs."""
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp = now.strftime("%Y%m%dT%H%M%SZ")
        key = access_key or self.server.access_key
        credential = f"{key}/{stamp[:8]}/{region}/s3/aws4_request"
        own = {"x-amz-algorithm": "AWS4-HMAC-SHA256", "x-amz-credential": credential,
               "x-amz-date": stamp}
        until = now + datetime.timedelta(seconds=expires_s)
        document = document or {"expiration": until.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                                "conditions": [{"bucket": self.bucket}, *conditions,
                                               *({n: v} for n, v in own.items())]}
        text = document if isinstance(document, str) else json.dumps(document)
        policy = base64.b64encode(text.encode()).decode()
        secret = secret or self.server.secret_key
        step = f"AWS4{secret}".encode()
        for part in (stamp[:8], region, "s3", "aws4_request", policy):
            step = hmac.new(step, part.encode(), hashlib.sha256).digest()
        return {**own, "policy": policy, "x-amz-signature": step.hex(), **fields}

    def send(self, fields, content_type=None, target=None, body=None, **how):
        pairs = list(fields.items()) if isinstance(fields, dict) else fields
        body = encode(pairs, **how) if body is None else body
        content_type = content_type or f"multipart/form-data; boundary={BOUNDARY}"
        return self.wire.send("POST", target or f"/{self.bucket}",
                              {"Content-Type": content_type}, body)


def any_key(*more):
    return [["starts-with", "$key", ""], *more]


@pytest.mark.parametrize("size", [0, 1, 300_000, 6 * 1024 * 1024 + 7])
def test_what_boto3_presigns(s3, forms, bucket, size):
    content = (hashlib.sha256(b"seed").digest() + b"\r\n--\r\n------formBound") * (size // 50 + 1)
    content = content[:size]
    post = s3.generate_presigned_post(
        bucket, "dir/${filename}",
        Fields={"acl": "private", "Content-Type": "text/x", "x-amz-meta-a": "b c"},
        Conditions=[{"acl": "private"}, ["starts-with", "$Content-Type", "text/"],
                    ["starts-with", "$x-amz-meta-a", ""],
                    ["content-length-range", 0, 10 * 1024 * 1024]])
    path = urllib.parse.urlsplit(post["url"]).path
    answer = forms.send(post["fields"], target=path, file=content, file_name="C:\\x\\b \u00e9.txt")
    assert answer.status == 204 and answer.body == b""
    assert answer.headers["ETag"] == f'"{hashlib.md5(content).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="dir/b \u00e9.txt")
    assert got["Body"].read() == content
    assert got["ContentType"] == "text/x" and got["Metadata"] == {"a": "b c"}
    assert answer.headers["Location"].endswith("/dir/b%20%C3%A9.txt")


def test_the_answers_that_a_form_may_ask_for(s3, forms, bucket):
    made = 'a"b'
    etag = hashlib.md5(b"content").hexdigest()
    conditions = any_key(["starts-with", "$success_action_status", ""])
    for asked, status in (("200", 200), ("201", 201), ("204", 204), ("404", 204), ("", 204)):
        answer = forms.send(forms.signed(conditions, key=made, success_action_status=asked))
        assert answer.status == status
        if status != 201:
            assert answer.body == b""
            continue
        tree = answer.xml()
        assert tree.tag == "PostResponse" and tree.findtext("ETag") == f'"{etag}"'
        assert tree.findtext("Bucket") == bucket and tree.findtext("Key") == made
        assert tree.findtext("Location") == answer.headers["Location"]
    conditions = any_key(["starts-with", "$success_action_redirect", "http://x.test/"])
    url = "http://x.test/done?a=b#there"
    answer = forms.send(forms.signed(conditions, key=made, success_action_redirect=url))
    assert answer.status == 303
    assert answer.headers["Location"] == (
        f"http://x.test/done?a=b&bucket={bucket}&key=a%22b&etag=%22{etag}%22#there")
    # No URL, so it counts as not there; nor may it bring a header of its own.
    for bad in ("javascript:alert(1)", "http://x.test/\r\nX-Evil: 1"):
        conditions = any_key(["eq", "$success_action_redirect", bad])
        answer = forms.send(forms.signed(conditions, key=made, success_action_redirect=bad))
        assert answer.status == 204 and "X-Evil" not in answer.headers


def test_tags_and_checksums(s3, forms, bucket):
    tagging = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"
    crc = base64.b64encode(zlib.crc32(b"content").to_bytes(4, "big")).decode()
    more = ["starts-with", "$tagging", ""], ["starts-with", "$x-amz-checksum-crc32", ""]
    fields = forms.signed(any_key(*more), key="k", tagging=tagging, **{"x-amz-checksum-crc32": crc})
    assert forms.send(fields).status == 204
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "b"}]
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ChecksumCRC32"] == crc
    errors.assert_refused(forms.send(fields, file=b"other"), 400, "BadDigest")
    fields["tagging"] = "<Tagging>"
    errors.assert_refused(forms.send(fields), 400, "MalformedXML")
    fields["tagging"] = tagging.replace("<Key>a", "<Key>aws:a")
    errors.assert_refused(forms.send(fields), 400, "InvalidTag")


DENIED = [  # conditions, fields
    ([["eq", "$key", "other"]], {}),
    ([{"key": "other"}], {}),
    ([["starts-with", "$key", "kk"]], {}),
    (any_key(), {"x-amz-meta-a": "b"}),
    (any_key(), {"submit": "Upload"}),
    (any_key(["starts-with", "$x-amz-meta-a", "b"]), {}),
    (any_key(["eq", "$acl", "private"]), {}),
    ([], {}),  # nothing about the key
    (any_key({"bucket": "another-bucket"}), {}),
    (any_key({"bucket": "another-bucket"}), {"bucket": "another-bucket"}),
    (any_key(["starts-with", "$Content-Type", "image/"]), {"Content-Type": "image/png, text/x"}),
]


@pytest.mark.parametrize("conditions, fields", DENIED)
def test_what_a_policy_does_not_allow(s3, forms, bucket, conditions, fields):
    answer = forms.send(forms.signed(conditions, key="k", **fields))
    errors.assert_refused(answer, 403, "AccessDenied")
    assert answer.xml().findtext("Message").startswith("Invalid according to Policy: ")
    with errors.refused(404, "404"):
        s3.head_object(Bucket=bucket, Key="k")


def test_what_a_policy_allows(s3, forms, bucket):
    more = ({"x-AMZ-meta-A": "b"}, ["StArTs-WiTh", "$Content-TYPE", "image/"])
    fields = forms.signed(any_key(*more), key="k",
                          **{"x-amz-meta-a": "b", "Content-Type": "image/png,image/x",
                             "x-ignore-me": "anything"})
    assert forms.send(fields, after=b"--" + BOUNDARY.encode() + b"\r\nno form at all").status == 204
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"a": "b"}
    until = "2099-01-01T00:00:00Z"
    conditions = json.dumps([{"bucket": bucket}, ["starts-with", "$x-amz-algorithm", ""],
                             ["starts-with", "$x-amz-credential", ""],
                             ["starts-with", "$x-amz-date", ""]])[:-1]
    # A dollar sign is written with a backslash, which JSON does not know.
    document = f'{{"expiration":"{until}","conditions":{conditions},["eq","$key","\\$k"]]}}'
    assert forms.send(forms.signed([], document=document, key="$k")).status == 204


@pytest.mark.parametrize("range_, size, code", [
    ([1, 3], 0, "EntityTooSmall"), ([1, 3], 1, None), ([1, "3"], 3, None),
    ([1, 3], 4, "EntityTooLarge"), ([1, 3], 700_000, "EntityTooLarge")])
def test_the_length_that_a_policy_allows(s3, forms, bucket, range_, size, code):
    fields = forms.signed(any_key(["content-length-range", *range_]), key="k")
    answer = forms.send(fields, file=b"x" * size)
    if code:
        errors.assert_refused(answer, 400, code)
        bound = ("MinSizeAllowed", "1") if size == 0 else ("MaxSizeAllowed", "3")
        assert answer.xml().findtext("ProposedSize") == str(size)
        assert answer.xml().findtext(bound[0]) == bound[1]
    assert ("Contents" in s3.list_objects_v2(Bucket=bucket)) == (code is None)


@pytest.mark.parametrize("document", [
    "no json", "[]", "{}", '{"expiration":"2099-01-01T00:00:00Z"}', '{"conditions":[]}',
    '{"EXPIRATION":"2099-01-01T00:00:00Z","conditions":[]}',
    '{"expiration":"2099-01-01T00:00:00Z","CONDITIONS":[]}',
    '{"expiration":"2099-13-01T00:00:00Z","conditions":[]}',
    '{"expiration":"tomorrow","conditions":[]}',
    '{"expiration":"2099-01-01T00:00:00Z","conditions":{}}',
    *('{"expiration":"2099-01-01T00:00:00Z","conditions":[%s]}' % bad for bad in (
        "{}", '{"a":"b","c":"d"}', '{"a":1}', "[]", '["eq","$a"]', '["eq","a","b"]',
        '["like","$a","b"]', '["content-length-range",0]', '["content-length-range",-1,3]',
        '["content-length-range",4,3]', "7", "[[[[[[[[1]]]]]]]]"))])
def test_policies_that_are_none(forms, document):
    answer = forms.send(forms.signed([], document=document, key="k"))
    errors.assert_refused(answer, 400, "InvalidPolicyDocument")


def test_who_may_not(forms):
    sent = forms.send(forms.signed(any_key(), key="k", expires_s=-1))
    errors.assert_refused(sent, 403, "AccessDenied")
    assert sent.xml().findtext("Message") == "Invalid according to Policy: Policy expired."
    errors.assert_refused(forms.send(forms.signed(any_key(), secret="wrong", key="k")), 403,
                          "SignatureDoesNotMatch")
    errors.assert_refused(forms.send(forms.signed(any_key(), access_key="nobody", key="k")), 403,
                          "InvalidAccessKeyId")
    errors.assert_refused(forms.send(forms.signed(any_key(), region="eu-x", key="k")), 400,
                          "AuthorizationQueryParametersError")
    errors.assert_refused(forms.send({"key": "k"}), 403, "AccessDenied")
    good = forms.signed(any_key(), key="k")
    for name in ("policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"):
        fields = {n: v for n, v in good.items() if n != name}
        errors.assert_refused(forms.send(fields), 400, "InvalidArgument")
    for name, value, code in (("x-amz-date", "20200101T000000Z", 400),
                              ("x-amz-security-token", "token", 400),
                              ("x-amz-algorithm", "AWS4-HMAC-SHA1", 400),
                              ("x-amz-credential", "nothing", 400),
                              ("x-amz-signature", "0" * 64, 403), ("x-amz-signature", "x", 403)):
        assert forms.send({**good, name: value}).status == code
    old = {"key": "k", "AWSAccessKeyId": "a", "signature": "s", "policy": "p"}
    errors.assert_refused(forms.send(old), 400, "InvalidRequest")
    assert forms.send(good).status == 204


def test_a_signed_request_is_no_form(wire, bucket):
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    body = encode([("key", "k")])
    answer = wire.request("POST", f"/{bucket}", headers=headers, body=body)
    errors.assert_refused(answer, 400, "InvalidRequest")
    answer = wire.request("POST", f"/{bucket}", body=b"x")
    errors.assert_refused(answer, 412, "PreconditionFailed")


def test_fields_that_are_not_taken(forms):
    good = forms.signed([["starts-with", f"${name}", ""] for name in (
        "key", "x-amz-meta-a", "x-amz-meta-a b", "acl", "x-amz-storage-class",
        "x-amz-server-side-encryption", "x-amz-website-redirect-location")], key="k")
    for name, value, status, code in (
            ("x-amz-meta-a", "b\r\nX-Evil: 1", 400, "InvalidArgument"),
            ("x-amz-meta-a b", "c", 400, "InvalidArgument"),
            ("x-amz-meta-a", "b" * 3000, 400, "MetadataTooLarge"),
            ("x-amz-server-side-encryption", "AES256", 501, "NotImplemented")):
        errors.assert_refused(forms.send({**good, name: value}), status, code)
    assert forms.send({**good, "acl": "public-read"}).status in (400, 501)
    for key, code in (("", "UserKeyMustBeSpecified"), ("k" * 1025, "KeyTooLongError"),
                      ("a\0b", "InvalidArgument"), (b"\xff", "InvalidArgument")):
        errors.assert_refused(forms.send({**good, "key": key}), 400, code)
    del good["key"]
    errors.assert_refused(forms.send(good), 400, "UserKeyMustBeSpecified")


def test_forms_that_are_malformed(s3, forms, bucket):
    good = encode(list(forms.signed(any_key(), key="k").items()))
    begin = f"--{BOUNDARY}\r\n".encode()
    disposition = b"Content-Disposition: form-data; name="
    malformed = [
        b"", b"preamble\r\n" + good, good[2:], good[:-40],
        good.replace(b"\r\n\r\ncontent", b"\r\n content"),
        begin + b"\r\n\r\nvalue\r\n" + good,                         # a part without a head
        begin + b"X: y\r\n\r\nvalue\r\n" + good,                     # without a name
        begin + disposition + b'""\r\n\r\nvalue\r\n' + good,
        begin + disposition + b'"a\r\n\r\nvalue\r\n' + good,         # a quote that does not end
        begin + disposition + b'"a"; name="b"\r\n\r\nvalue\r\n' + good,
        begin + b"Content-Disposition: attachment; name=a\r\n\r\nvalue\r\n" + good,
        begin + disposition + b'"KEY"\r\n\r\nk2\r\n' + good,         # a field twice
        begin + disposition + b'"a"\r\nX:\x00\r\n\r\nvalue\r\n' + good,
        begin.replace(b"\r", b"") + disposition + b'"a"\n\nvalue\n' + good,
        b"".join(begin + disposition + b'"x-ignore-%d"\r\n\r\n\r\n' % n for n in range(101)) + good,
    ]
    for body in malformed:
        errors.assert_refused(forms.send({}, body=body), 400, "MalformedPOSTRequest")
    errors.assert_refused(forms.send({"key": "k"}, file=None), 400,
                          "IncorrectNumberOfFilesInPostRequest")
    large = forms.send({"key": "k", "x-ignore-me": "x" * 20_500})
    errors.assert_refused(large, 400, "MaxPostPreDataLengthExceededError")
    for bad in ("multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; '
                'boundary="a', "multipart/form-data; boundary=" + "x" * 71):
        answer = forms.send({}, body=good, content_type=bad)
        errors.assert_refused(answer, 400, "MalformedPOSTRequest")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    assert forms.send({}, body=good, content_type=f'Multipart/FORM-data; x=y; boundary="{BOUNDARY}"'
                      ).status == 204


def test_a_form_that_breaks_off_leaves_nothing(s3, server, forms, bucket):
    body = encode(list(forms.signed(any_key(), key="k").items()), file=b"x" * 400_000)
    connection = http.client.HTTPConnection(forms.wire.host, timeout=60)
    connection.putrequest("POST", f"/{bucket}")
    connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[:300_000])
    connection.close()
    answer = forms.wire.send("POST", f"/{bucket}", {"Transfer-Encoding": "chunked",
                             "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})
    assert answer.status in (400, 411)
    missing = forms.send(forms.signed(any_key({"bucket": "no-such-bucket"}), key="k"),
                         target="/no-such-bucket")
    errors.assert_refused(missing, 403, "AccessDenied")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_a_policy_of_the_bucket_sees_the_fields(s3, forms, bucket):
    """A field of a form is to a bucket's policy what the header is of a PutObject."""
    wanted = {"s3:x-amz-acl": "private", "s3:x-amz-storage-class": "STANDARD"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": "*", "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*", "Condition": {"StringEquals": wanted}}]}))
    fields = {"key": "k", "acl": "private", "x-amz-storage-class": "STANDARD"}
    assert forms.send(fields).status == 204
    for change in ({"acl": "bucket-owner-full-control"}, {"x-amz-storage-class": "GLACIER"}):
        errors.assert_refused(forms.send({**fields, **change}), 403, "AccessDenied")
    del fields["acl"]
    errors.assert_refused(forms.send(fields), 403, "AccessDenied")
    s3.delete_bucket_policy(Bucket=bucket)


def test_what_a_wrong_signature_is_told(forms):
    fields = forms.signed(any_key(), key="k", secret="not the secret")
    answer = forms.send(fields)
    errors.assert_refused(answer, 403, "SignatureDoesNotMatch")
    assert answer.xml().findtext("StringToSign") == fields["policy"]
    assert answer.xml().findtext("SignatureProvided") == fields["x-amz-signature"]
