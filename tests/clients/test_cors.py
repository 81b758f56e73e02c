"""Cross-origin rules of a bucket: kept and given back, preflights, and what actual answers say."""

import errors
import pytest

ORIGIN = "http://page.test"
RULES = {"CORSRules": [
    {"ID": "pages", "AllowedOrigins": [ORIGIN, "https://*.page.test"],
     "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["x-amz-*", "Content-Type"],
     "ExposeHeaders": ["ETag", "x-amz-request-id"], "MaxAgeSeconds": 60},
    {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"]}]}
VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"


def ask(wire, target, origin=ORIGIN, method="PUT", headers=None):
    fields = {"Origin": origin, "Access-Control-Request-Method": method,
              "Access-Control-Request-Headers": headers}
    return wire.send("OPTIONS", target, {n: v for n, v in fields.items() if v is not None})


def allowed(answer):
    return {name.removeprefix("Access-Control-"): value for name, value in answer.headers.items()
            if name.startswith("Access-Control-")}


def test_rules_are_kept_and_go(s3, bucket, client_with):
    with errors.refused(404, "NoSuchCORSConfiguration"):
        s3.get_bucket_cors(Bucket=bucket)
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=RULES)
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == RULES["CORSRules"]
    for _ in range(2):
        s3.delete_bucket_cors(Bucket=bucket)
        with errors.refused(404, "NoSuchCORSConfiguration"):
            s3.get_bucket_cors(Bucket=bucket)
    for call in (s3.get_bucket_cors, s3.delete_bucket_cors):
        with errors.refused(404, "NoSuchBucket"):
            call(Bucket="no-such-bucket")


# operations: PreflightRequest
def test_preflights(s3, wire, bucket):
    path = f"/{bucket}/dir/k"
    denied = ask(wire, path)
    errors.assert_refused(denied, 403, "AccessForbidden")
    assert denied.xml().findtext("Message") == "CORSResponse: CORS is not enabled for this bucket."
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=RULES)
    answer = ask(wire, path, headers="X-Amz-Date, content-type")
    assert answer.status == 200 and answer.body == b"" and answer.headers["Vary"] == VARY
    assert allowed(answer) == {
        "Allow-Origin": ORIGIN, "Allow-Methods": "GET, PUT", "Max-Age": "60",
        "Allow-Headers": "x-amz-date, content-type", "Expose-Headers": "ETag, x-amz-request-id",
        "Allow-Credentials": "true"}
    # A presigned target announces its own signature, not that of the preflight.
    assert ask(wire, wire.presign("PUT", path)).status == 200
    any_origin = ask(wire, path, origin="null", method="HEAD")
    assert allowed(any_origin) == {"Allow-Origin": "*", "Allow-Methods": "HEAD"}
    for how in ({"origin": "http://other.test"}, {"method": "DELETE"},
                {"headers": "Authorization"}, {"origin": ORIGIN.upper()}):
        refused = ask(wire, path, **how)
        errors.assert_refused(refused, 403, "AccessForbidden")
        assert allowed(refused) == {}
    errors.assert_refused(ask(wire, path, origin=None), 400, "BadRequest")
    errors.assert_refused(ask(wire, path, method=None), 400, "BadRequest")
    errors.assert_refused(ask(wire, "/no-such-bucket/k"), 404, "NoSuchBucket")
    errors.assert_refused(ask(wire, "/"), 403, "AccessForbidden")


def test_actual_answers(s3, wire, bucket):
    path = f"/{bucket}/k"
    s3.put_object(Bucket=bucket, Key="k", Body=b"content")
    assert allowed(wire.request("GET", path, headers={"Origin": ORIGIN})) == {}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=RULES)
    good = {"Allow-Origin": ORIGIN, "Allow-Methods": "GET, PUT", "Max-Age": "60",
            "Expose-Headers": "ETag, x-amz-request-id", "Allow-Credentials": "true"}
    answer = wire.request("GET", path, headers={"Origin": ORIGIN})
    assert answer.body == b"content" and allowed(answer) == good
    assert answer.headers["Vary"] == VARY
    # Errors, too: a page is to see which.
    for missing in (wire.request("GET", path + "-none", headers={"Origin": ORIGIN}),
                    wire.send("GET", path, {"Origin": ORIGIN})):
        assert missing.status in (403, 404) and allowed(missing) == good
    other = wire.request("GET", path, headers={"Origin": "http://other.test"})
    assert other.body == b"content" and allowed(other) == {} and other.headers["Vary"] == VARY
    plain = wire.request("GET", path)
    assert allowed(plain) == {} and plain.headers["Vary"] is None


def rule(**fields):
    return {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], **fields}


@pytest.mark.parametrize("rules, code", [
    ([rule(AllowedMethods=["PATCH"])], "InvalidRequest"),
    ([rule(AllowedOrigins=["http://*.*"])], "InvalidRequest"),
    ([rule(AllowedHeaders=["*-*"])], "InvalidRequest"),
    ([rule(ExposeHeaders=["x-*"])], "InvalidRequest"),
    ([rule(ExposeHeaders=["a\tb"])], "InvalidRequest"),
    ([rule(AllowedMethods=[])], "MalformedXML"),
    ([rule(AllowedOrigins=[])], "MalformedXML"),
    ([], "MalformedXML"),
    ([rule()] * 101, "InvalidRequest")])
def test_rules_that_are_refused(s3, bucket, rules, code):
    with errors.refused(400, code):
        s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    with errors.refused(404, "NoSuchCORSConfiguration"):
        s3.get_bucket_cors(Bucket=bucket)


def test_documents_that_are_refused(wire, bucket):
    for body, code in ((b"", "MissingRequestBodyError"), (b"<X/>", "MalformedXML"),
                       (b"<CORSConfiguration><CORSRule><Any/></CORSRule></CORSConfiguration>",
                        "MalformedXML"), (b"x" * 70_000, "MaxMessageLengthExceeded")):
        answer = wire.request("PUT", f"/{bucket}", [("cors", "")], body=body)
        errors.assert_refused(answer, 400, code)
