"""Asserting S3 errors as boto3 and as raw answers show them."""

import contextlib

import botocore.exceptions
import pytest


@contextlib.contextmanager
def refused(status, code):
    """The block must fail with this HTTP status and this S3 error code."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        yield caught
    response = caught.value.response
    found = (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"])
    assert found == (status, code), caught.value


def assert_refused(answer, status, code):
    """The same for an answer of raw.py."""
    assert (answer.status, answer.code) == (status, code), answer.body
