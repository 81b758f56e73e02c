"""Multipart uploads as requests. A sequence names an upload by its slot; the server's id for it
is known here alone."""

import wire
from answers import common_prefixes, field, only_text, parse
from model import body_of

UNKNOWN_ID = "unknown"


class Wire(wire.Wire):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.ids = {}

    def slot_of(self, upload_id):
        return next((slot for slot, one in self.ids.items() if one == upload_id), None)

    def id_query(self, op, *more):
        return [("uploadId", self.ids.get(op["slot"], UNKNOWN_ID)), *more]

    def create_upload(self, op):
        answer, error = self.ask("POST", op, [("uploads", "")], self.headers(op))
        if error:
            return error
        self.ids[op["slot"]] = parse(answer).findtext("UploadId")
        return {"status": 200}

    def upload_part(self, op):
        query = self.id_query(op, ("partNumber", str(op["number"])))
        answer, error = self.ask("PUT", op, query, body=body_of(*op["body"]))
        return error or {"status": 200, "etag": field(answer, "ETag")}

    def upload_part_copy(self, op):
        query = self.id_query(op, ("partNumber", str(op["number"])))
        source = wire.raw.quote(f"{self.prefix}{op['from_bucket']}/{op['from_key']}", safe="/")
        headers = {"x-amz-copy-source": source}
        if op["range"]:
            headers["x-amz-copy-source-range"] = f"bytes={op['range'][0]}-{op['range'][1]}"
        answer, error = self.ask("PUT", op, query, headers)
        return error or {"status": 200, "etag": parse(answer).findtext("ETag").strip('"')}

    def complete(self, op):
        parts = "".join(f'<Part><PartNumber>{number}</PartNumber><ETag>"{etag}"</ETag></Part>'
                        for number, etag in op["parts"])
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        answer, error = self.ask("POST", op, self.id_query(op), self.headers(op), body)
        if error:
            return error
        tree = parse(answer)
        if tree.tag == "Error":  # after white space has kept the connection alive
            return {"status": 200, "code": tree.findtext("Code")}
        return {"status": 200, "etag": tree.findtext("ETag").strip('"')}

    def abort(self, op):
        answer, error = self.ask("DELETE", op, self.id_query(op))
        return error or {"status": answer.status}

    def list_parts(self, op):
        def page_of(tree, _text):
            return {"parts": [[int(node.findtext("PartNumber")), int(node.findtext("Size")),
                               node.findtext("ETag").strip('"')] for node in tree.iter("Part")]}

        def next_of(tree, _text, _page):
            return [("part-number-marker", tree.findtext("NextPartNumberMarker"))]

        return self.pages(op, self.id_query(op, ("max-parts", str(op["max"]))), [], page_of,
                          next_of)

    def list_uploads(self, op):
        query = [("uploads", ""), ("prefix", op["prefix"]), ("delimiter", op["delimiter"]),
                 ("max-uploads", str(op["max"]))]
        query += [("encoding-type", "url")] if op["encoded"] else []

        def page_of(tree, text):
            return {"uploads": [[text(only_text(node, "Key")),
                                 self.slot_of(node.findtext("UploadId"))]
                                for node in tree.iter("Upload")],
                    "prefixes": common_prefixes(tree, text)}

        def next_of(tree, text, _page):
            return [("key-marker", text(only_text(tree, "NextKeyMarker"))),
                    ("upload-id-marker", only_text(tree, "NextUploadIdMarker"))]

        return self.pages(op, query, [], page_of, next_of)
