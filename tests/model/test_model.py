"""A server answers random sequences of operations just as the model of S3 does (model.py). Short
form: 100 seeds; MILLRACE_LONG=1: 2,000. One that differs is shrunk and printed to be run again."""

# operations: ListBuckets, HeadBucket, DeleteBucket, PutObject, GetObject, HeadObject, DeleteObject
# operations: DeleteObjects, ListObjects, ListObjectsV2, CreateMultipartUpload, UploadPart
# operations: CompleteMultipartUpload, AbortMultipartUpload, ListParts, ListMultipartUploads
# operations: CopyObject, UploadPartCopy, RenameObject, GetObjectTagging, PutObjectTagging
# operations: DeleteObjectTagging, GetObjectAttributes

import os

import comparison
import features
import pytest
import sequences
import server as servers

SEEDS = 2_000 if os.environ.get("MILLRACE_LONG") == "1" else 100
GROUPS = 4


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = servers.Millrace.start(tmp_path_factory.mktemp("model"), "--durability", "none")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def built(server):
    return features.probe(server)


def test_what_is_expected_is_built(built):
    assert features.EXPECTED <= built


@pytest.mark.parametrize("group", range(GROUPS))
def test_the_server_answers_as_the_model(server, built, group):
    for seed in range(group, SEEDS, GROUPS):
        sequence = sequences.Draw(seed, built).sequence()
        found = comparison.run(sequence, server)
        if found:
            pytest.fail(comparison.report(seed, *comparison.shrink(sequence, found, server)),
                        pytrace=False)


def test_a_difference_is_found_and_shrunk(server, built, monkeypatch):
    """A model that forgets what a prefix is: the shortest proof is three operations."""
    monkeypatch.setattr(comparison.model_uploads.model, "roll_up",
                        lambda keys, *_: [("key", key) for key in keys])
    for seed in range(100):
        sequence = sequences.Draw(seed, built).sequence()
        found = comparison.run(sequence, server)
        if found:
            break
    sequence, found = comparison.shrink(sequence, found, server)
    assert [op["op"] for op in sequence] == ["create_bucket", "put", "list"]
    assert found.op["op"] == "list"
