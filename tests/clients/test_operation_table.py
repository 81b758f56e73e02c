"""Every operation in the table that is not built answers 501 NotImplemented, under whatever form
it is asked for, and changes nothing."""

import re

import errors
import pytest
import server as servers

TABLE = (servers.ROOT / "s3" / "operation_table.h").read_text(encoding="utf-8")
ROW = re.compile(r'^  X\((\w+), "(\w+)", (\w+), (\w+), "(.*?)", (\w+), .*, planned\)', re.MULTILINE)
PLANNED = {name: (method.strip("_").upper(), scope, selector, variant)
           for _, name, method, scope, selector, variant in ROW.findall(TABLE)}
# What tells operations apart beside the sub-resource.
QUERIES = {"with_id": [("id", "x")], "with_part_number": [("partNumber", "1")],
           "part_copy_source": [("partNumber", "1")], "list_type_2": [("list-type", "2")]}
HEADERS = {"copy_source": {"x-amz-copy-source": "/other/key"},
           "part_copy_source": {"x-amz-copy-source": "/other/key"},
           "object_lambda_route": {"x-amz-request-route": "route"}}


def test_the_table_can_be_read():
    assert len(re.findall(r"^  X\(", TABLE, re.MULTILINE)) == len(
        re.findall(r"^  X\(.*, (?:planned|built)\)", TABLE, re.MULTILINE))


@pytest.mark.parametrize("name", sorted(set(PLANNED) - {"PreflightRequest"}))
def test_what_is_not_built_says_so(wire, s3, bucket, name):
    method, scope, selector, variant = PLANNED[name]
    s3.put_object(Bucket=bucket, Key="k", Body=b"whole")
    path = {"service": "/", "bucket": f"/{bucket}", "object": f"/{bucket}/k"}[scope]
    query = [(selector, "")] if selector else []
    answer = wire.request(method, path, query + QUERIES.get(variant, []),
                          HEADERS.get(variant, {}), b"" if method == "GET" else b"<X/>")
    errors.assert_refused(answer, 501, "NotImplemented")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"whole"
