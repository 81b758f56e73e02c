"""Which optional operations and headers a server has: each is tried once, and 501 means no. What
EXPECTED names must be there."""

import wire_uploads

HERE = {"bucket": "probe", "key": "probe"}
SOURCE = {"from_bucket": "probe", "from_key": "probe"}
NEVER = "00000000000000000000000000000000"

# An operation for each; that it is refused for another reason than 501 is as good as done.
PROBES = {
    "if_match": {"op": "put", **HERE, "body": [1, 0], "if_match": NEVER},
    "delete_if_match": {"op": "delete", **HERE, "if_match": NEVER},
    "delete_entries_if_match": {"op": "delete_objects", "bucket": "probe", "quiet": False,
                                "entries": [["probe", NEVER]]},
    "copy": {"op": "copy", **HERE, **SOURCE, "directive": "REPLACE"},
    "upload_part_copy": {"op": "upload_part_copy", **HERE, **SOURCE, "slot": 0, "number": 1,
                         "range": None},
    "append": {"op": "append", **HERE, "body": [1, 0], "offset": 1},
    "rename": {"op": "rename", **HERE, "from_key": "other"},
    "tags": {"op": "get_tags", **HERE},
    "attributes": {"op": "attributes", **HERE},
    "part_reads": {"op": "get", **HERE, "part": 1},
}

# Every one that is built, so that a release cannot lose one without being noticed.
EXPECTED = frozenset(PROBES)


def probe(server):
    """The names of PROBES that the server has."""
    wire = wire_uploads.Wire(server.endpoint, server.access_key, server.secret_key, "model-")
    try:
        wire.create_bucket(HERE)
        wire.put({**HERE, "body": [1, 0]})
        wire.create_upload({**HERE, "slot": 0})
        return {name for name, op in PROBES.items() if not lacks(wire.answer(op))}
    finally:
        wire.close()


def lacks(answer):
    return answer["status"] == 501 or any(code == "NotImplemented"
                                          for _, code in answer.get("errors", []))
