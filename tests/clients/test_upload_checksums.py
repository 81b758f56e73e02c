"""Checksums of multipart uploads: composite ones, full ones that are combined from the parts', the
one that the server adds by itself, GetObjectAttributes, and what Complete refuses."""

import time

import checksums
import errors
import pytest
import test_policy as policies

MIB = 1 << 20
PARTS = (b"A" * 5 * MIB, b"tail")
# Of 5 MiB of each letter, and of all three together.
LETTERS = {"CRC32": (("JRTCyQ==", "QoZTGg==", "YAgjqw=="), "WgDhBQ=="),
           "CRC32C": (("MDaLrw==", "TH4EZg==", "Z7mBIQ=="), "xU+Krw=="),
           "CRC64NVME": (("L/E4WYn8v98=", "xW1l19VobYM=", "cK5MnNaWrW4="), "i+6LR0y3eFo=")}
ENABLED = {"x-amz-checksum-mode": "ENABLED"}


class Upload:
    """One multipart upload by raw requests."""

    def __init__(self, wire, bucket, key="k", **kind):
        self.wire, self.path = wire, f"/{bucket}/{key}"
        headers = {f"x-amz-checksum-{name}": value for name, value in kind.items()}
        self.created = wire.request("POST", self.path, query=[("uploads", "")], headers=headers)
        assert self.created.status == 200, self.created.body
        self.id = self.created.xml().findtext("UploadId")
        self.etags, self.values = {}, {}

    def part(self, number, body, name=None, value=None):
        headers = {checksums.header(name): value or checksums.of(name, body)} if name else {}
        answer = self.wire.request("PUT", self.path, headers=headers, body=body,
                                   query=[("partNumber", str(number)), ("uploadId", self.id)])
        if answer.status == 200:
            self.etags[number] = answer.headers["ETag"]
            found = [(n, answer.headers[checksums.header(n)]) for n in checksums.NAMES
                     if checksums.header(n) in answer.headers]
            assert len(found) == 1, found
            self.values[number] = found[0]
        return answer

    def complete(self, values=None, **headers):
        values = self.values if values is None else values
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag>"
            + (f"<Checksum{values[number][0]}>{values[number][1]}</Checksum{values[number][0]}>"
               if number in values else "") + "</Part>"
            for number, etag in sorted(self.etags.items()))
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        headers = {f"x-amz-{name.replace('_', '-')}": value for name, value in headers.items()}
        return self.wire.request("POST", self.path, query=[("uploadId", self.id)], headers=headers,
                                 body=body)

    def attributes(self, wanted="Checksum,ObjectParts", **headers):
        headers = {f"x-amz-{name.replace('_', '-')}": value for name, value in headers.items()}
        return self.wire.request("GET", self.path, query=[("attributes", "")],
                                 headers={"x-amz-object-attributes": wanted, **headers})


def assert_object(upload, name, value, kind):
    head = upload.wire.request("HEAD", upload.path, headers=ENABLED)
    assert head.headers[checksums.header(name)] == value
    assert head.headers["x-amz-checksum-type"] == kind
    told = upload.attributes().xml()
    assert told.findtext(f"Checksum/Checksum{name}") == value.split("-")[0]
    assert told.findtext("Checksum/ChecksumType") == kind
    return told


def assert_refused(answer, code, message):
    errors.assert_refused(answer, 400, code)
    assert answer.xml().findtext("Message").startswith(message), answer.body


@pytest.mark.parametrize("name", checksums.COMPOSITE)
def test_composite(wire, bucket, name):
    upload = Upload(wire, bucket, algorithm=name, type="COMPOSITE")
    assert upload.created.headers["x-amz-checksum-algorithm"] == name
    assert upload.created.headers["x-amz-checksum-type"] == "COMPOSITE"
    listed = wire.request("GET", f"/{bucket}", query=[("uploads", "")]).xml().find("Upload")
    assert listed.findtext("ChecksumAlgorithm") == name
    assert listed.findtext("ChecksumType") == "COMPOSITE"
    # Slow in Python without a library, so the short one only.
    bodies = PARTS if name != "CRC32C" else (PARTS[1],)
    for number, body in enumerate(bodies, 1):
        assert upload.part(number, body, name).status == 200
    values = [value for _, value in upload.values.values()]
    parts = wire.request("GET", upload.path, query=[("uploadId", upload.id)]).xml()
    assert [part.findtext(f"Checksum{name}") for part in parts.findall("Part")] == values
    whole = checksums.composite(name, values)
    answer = upload.complete(checksum_type="COMPOSITE", **{f"checksum_{name.lower()}": whole})
    assert answer.status == 200, answer.body
    assert answer.xml().findtext(f"Checksum{name}") == whole
    assert answer.xml().findtext("ChecksumType") == "COMPOSITE"
    told = assert_object(upload, name, whole, "COMPOSITE")
    assert [part.findtext(f"Checksum{name}") for part in told.findall("ObjectParts/Part")] == values
    for number, value in enumerate(values, 1):
        got = wire.request("GET", upload.path, query=[("partNumber", str(number))], headers=ENABLED)
        assert got.status == 206 and got.headers[checksums.header(name)] == value


@pytest.mark.parametrize("name", checksums.FULL_OBJECT)
def test_full_object(wire, bucket, name):
    """With and without the parts' values from the client; the whole comes from the parts'."""
    each, whole = LETTERS[name]
    upload = Upload(wire, bucket, algorithm=name, type="FULL_OBJECT")
    for number, (letter, value) in enumerate(zip(b"ABC", each), 1):
        sent = (name, value) if number != 2 else (None, None)
        answer = upload.part(number, bytes([letter]) * 5 * MIB, *sent)
        assert answer.headers[checksums.header(name)] == value
    wrong = {f"checksum_{name.lower()}": each[0]}
    assert_refused(upload.complete({}, **wrong), "BadDigest",
                   f"The {name} you specified did not match the calculated checksum.")
    answer = upload.complete({}, mp_object_size=str(15 * MIB),
                             **{f"checksum_{name.lower()}": whole})
    assert answer.xml().findtext(f"Checksum{name}") == whole, answer.body
    assert_object(upload, name, whole, "FULL_OBJECT")
    assert upload.complete({}).xml().findtext(f"Checksum{name}") == whole, "asked for again"


def test_without_an_algorithm_it_is_crc64nvme(wire, bucket):
    each, whole = LETTERS["CRC64NVME"]
    upload = Upload(wire, bucket)
    assert "x-amz-checksum-algorithm" not in upload.created.headers
    listed = wire.request("GET", f"/{bucket}", query=[("uploads", "")]).xml().find("Upload")
    assert listed.find("ChecksumAlgorithm") is None
    # Parts may bring whatever they like, which is compared and told, but not kept.
    assert upload.part(1, b"A" * 5 * MIB).headers["x-amz-checksum-crc64nvme"] == each[0]
    for name in "SHA512", "CRC32", "XXHASH128":
        assert upload.part(2, b"B" * 5 * MIB, name).status == 200
        assert upload.values[2] == (name, checksums.of(name, b"B" * 5 * MIB))
    assert_refused(upload.part(3, b"x", "MD5", checksums.of("MD5", b"y")), "BadDigest", "The MD5")
    upload.part(3, b"C" * 5 * MIB, "CRC64NVME", each[2])
    errors.assert_refused(upload.complete(), 400, "InvalidPart")  # it lists the XXHASH128
    assert_refused(upload.complete({}, checksum_sha512=checksums.of("SHA512", b"")),
                   "InvalidRequest", "Checksum Type mismatch occurred, expected checksum Type: "
                   "null, actual checksum Type: sha512")
    errors.assert_refused(upload.complete({}, checksum_crc64nvme=each[0]), 400, "BadDigest")
    answer = upload.complete({}, checksum_crc64nvme=whole)
    assert answer.xml().findtext("ChecksumCRC64NVME") == whole, answer.body
    assert answer.xml().findtext("ChecksumType") == "FULL_OBJECT"
    assert_object(upload, "CRC64NVME", whole, "FULL_OBJECT")


UNSUPPORTED = "Checksum algorithm provided is unsupported."


@pytest.mark.parametrize("headers, message", [
    ({"algorithm": "BOGUS"}, UNSUPPORTED),
    ({"type": "COMPOSITE"}, "The x-amz-checksum-type header can only be used with the "
                            "x-amz-checksum-algorithm header."),
    ({"algorithm": "CRC32", "type": "HALF"}, "Value for x-amz-checksum-type header is invalid."),
    ({"algorithm": "CRC64NVME", "type": "COMPOSITE"},
     "The COMPOSITE checksum type cannot be used with the crc64nvme checksum algorithm."),
    *(({"algorithm": name, "type": "FULL_OBJECT"},
       f"The FULL_OBJECT checksum type cannot be used with the {name.lower()} checksum algorithm.")
      for name in checksums.NAMES if name not in checksums.FULL_OBJECT),
])
def test_kinds_that_no_upload_can_have(wire, bucket, headers, message):
    headers = {f"x-amz-checksum-{name}": value for name, value in headers.items()}
    answer = wire.request("POST", f"/{bucket}/k", query=[("uploads", "")], headers=headers)
    assert_refused(answer, "InvalidRequest", message)


def test_the_usual_kind_of_each_algorithm(wire, bucket):
    for name in checksums.NAMES:
        created = Upload(wire, bucket, key=name, algorithm=name.lower()).created
        assert created.headers["x-amz-checksum-algorithm"] == name
        kind = "FULL_OBJECT" if name == "CRC64NVME" else "COMPOSITE"
        assert created.headers["x-amz-checksum-type"] == kind


def test_what_complete_refuses(wire, s3, bucket):
    upload = Upload(wire, bucket, algorithm="SHA256")
    mismatch = "Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum"
    assert_refused(upload.part(1, b"one"), "InvalidRequest", f"{mismatch} Type: null")
    assert_refused(upload.part(1, b"one", "CRC32"), "InvalidRequest", f"{mismatch} Type: crc32")
    upload.part(1, b"one", "SHA256")
    value = upload.values[1][1]
    whole = checksums.composite("SHA256", [value])
    assert_refused(upload.complete({}), "InvalidRequest",
                   "The upload was created using a sha256 checksum. The complete request must "
                   "include the checksum for each part. It was missing for part 1 in the request.")
    other = checksums.of("SHA256", b"other")
    for listed in ("SHA256", other), ("SHA256", "short"), ("CRC32", checksums.of("CRC32", b"one")):
        errors.assert_refused(upload.complete({1: listed}), 400, "InvalidPart")
    for stated in other, f"{other}-1", whole.replace("-1", "-2"):
        assert_refused(upload.complete(checksum_sha256=stated), "BadDigest",
                       "The SHA256 you specified did not match the calculated checksum.")
    for stated in "short", f"{value}-x", f"{value}-0":
        assert_refused(upload.complete(checksum_sha256=stated), "InvalidRequest",
                       "Value for x-amz-checksum-sha256 header is invalid.")
    assert_refused(upload.complete(checksum_crc32=checksums.of("CRC32", b"one")), "InvalidRequest",
                   f"{mismatch} Type: crc32")
    assert_refused(upload.complete(checksum_type="FULL_OBJECT"), "BadDigest",
                   "The upload was created using the COMPOSITE checksum mode.")
    assert_refused(upload.complete(mp_object_size="4"), "InvalidRequest",
                   "The provided 'x-amz-mp-object-size' header does not match what was computed")
    with errors.refused(404, "NoSuchKey"):
        s3.get_object(Bucket=bucket, Key="k")
    assert upload.complete(checksum_sha256=whole, mp_object_size="3").status == 200


def test_attributes(wire, s3, bucket):
    everything = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    etag = s3.put_object(Bucket=bucket, Key="plain", Body=b"body")["ETag"].strip('"')
    told = s3.get_object_attributes(Bucket=bucket, Key="plain", ObjectAttributes=everything)
    assert told["ETag"] == etag and told["ObjectSize"] == 4 and told["StorageClass"] == "STANDARD"
    assert told["Checksum"]["ChecksumType"] == "FULL_OBJECT"
    assert "ObjectParts" not in told and told["LastModified"]
    told = s3.get_object_attributes(Bucket=bucket, Key="plain", ObjectAttributes=["ObjectSize"])
    assert told["ObjectSize"] == 4 and not {"ETag", "Checksum", "StorageClass"} & set(told)
    with errors.refused(404, "NoSuchKey"):
        s3.get_object_attributes(Bucket=bucket, Key="none", ObjectAttributes=["ETag"])
    with errors.refused(404, "NoSuchBucket"):
        s3.get_object_attributes(Bucket="no-such", Key="k", ObjectAttributes=["ETag"])


def test_attributes_refused(wire, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")

    def ask(**headers):
        return wire.request("GET", f"/{bucket}/k", query=[("attributes", "")], headers=headers)

    missing = "The x-amz-object-attributes header specifying the attributes to be retrieved is"
    assert_refused(ask(), "InvalidRequest", missing)
    assert_refused(ask(**{"x-amz-object-attributes": " , "}), "InvalidRequest", missing)
    answer = ask(**{"x-amz-object-attributes": "ETag, Etags"})
    assert_refused(answer, "InvalidArgument", "Invalid attribute name specified.")
    assert answer.xml().findtext("ArgumentName") == "x-amz-object-attributes"
    assert answer.xml().findtext("ArgumentValue") == "Etags"
    answer = ask(**{"x-amz-object-attributes": "ETag", "x-amz-part-number-marker": "x"})
    errors.assert_refused(answer, 400, "InvalidArgument")
    etag = ask(**{"x-amz-object-attributes": "ETag"}).xml().findtext("ETag")
    wanted = {"x-amz-object-attributes": "ETag"}
    errors.assert_refused(ask(**wanted, **{"If-Match": '"other"'}), 412, "PreconditionFailed")
    assert ask(**wanted, **{"If-Match": f'"{etag}"'}).status == 200
    assert ask(**wanted, **{"If-None-Match": f'"{etag}"'}).status == 304


def test_attributes_want_two_permissions(wire, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    both = ["s3:GetObject", "s3:GetObjectAttributes"]
    for actions, status in (both, 200), (both[:1], 403), (both, 200), (both[1:], 403):
        policy = policies.policy_of(policies.statement(bucket, actions))
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)
        deadline, found = time.monotonic() + policies.SOON_S, None
        while found != status and time.monotonic() < deadline:
            time.sleep(0.05)
            found = wire.send("GET", f"/{bucket}/k?attributes",
                              {"x-amz-object-attributes": "ETag"}).status
        assert found == status, actions
    s3.delete_bucket_policy(Bucket=bucket)


def test_attributes_of_parts_come_in_pages(wire, bucket):
    upload = Upload(wire, bucket, algorithm="CRC32")
    for number in 2, 5, 9:
        upload.part(number, PARTS[0] if number < 9 else PARTS[1], "CRC32")
    assert upload.complete().status == 200
    seen, marker = [], "0"
    for more in "true", "false":
        told = upload.attributes("ObjectParts", max_parts="2", part_number_marker=marker)
        parts = told.xml().find("ObjectParts")
        assert parts.findtext("PartsCount") == "3" and parts.findtext("MaxParts") == "2"
        assert parts.findtext("PartNumberMarker") == marker
        assert parts.findtext("IsTruncated") == more
        seen += [(part.findtext("PartNumber"), part.findtext("Size"), part.findtext("ChecksumCRC32"))
                 for part in parts.findall("Part")]
        marker = parts.findtext("NextPartNumberMarker")
    large = str(len(PARTS[0]))
    assert seen == [("2", large, upload.values[2][1]), ("5", large, upload.values[5][1]),
                    ("9", "4", upload.values[9][1])]
    assert upload.attributes("ObjectParts", max_parts="x").xml().findtext(
        "ObjectParts/MaxParts") == "1000"
