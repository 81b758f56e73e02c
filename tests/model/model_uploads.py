"""The model's multipart uploads, and what an operation says of the state (`resolve`)."""

import hashlib

import model
from model import Object, Refused, Upload, body_of, in_pages, md5, order, roll_up

NOWHERE = "00000000000000000000000000000000"
MISSING = hashlib.md5(b"what is not there").hexdigest()


class Model(model.Model):
    def create_upload(self, op):
        self.check_key(op["key"])
        self.bucket(op).uploads[op["slot"]] = Upload(
            op["key"], dict(op.get("fields", {})), dict(op.get("meta", {})),
            dict(op.get("tags", {})))
        return {"status": 200}

    def upload_part(self, op):
        upload, body = self.upload(op), body_of(*op["body"])
        upload.parts[op["number"]] = body
        return {"status": 200, "etag": md5(body)}

    def upload_part_copy(self, op):
        self.check_key(op["key"])
        source = self.source(op).body
        first, last = op["range"] or (0, len(source) - 1)
        if op["range"] and last >= len(source):
            raise Refused(400, "InvalidArgument")
        upload = self.upload(op)
        upload.parts[op["number"]] = source[first:last + 1]
        return {"status": 200, "etag": md5(source[first:last + 1])}

    def complete(self, op):
        self.check_key(op["key"])
        numbers = [number for number, _ in op["parts"]]
        if not numbers:
            raise Refused(400, "MalformedXML")
        if any(a >= b for a, b in zip(numbers, numbers[1:])):
            raise Refused(400, "InvalidPartOrder")
        whole = b"".join(bytes.fromhex(etag) for _, etag in op["parts"])
        etag = f"{hashlib.md5(whole).hexdigest()}-{len(numbers)}"
        bucket = self.bucket(op)
        done = bucket.completed.get(op["slot"])
        if done and (done.key, done.etag) == (op["key"], etag):
            return {"status": 200, "etag": etag}  # asked for again: nothing changes
        upload = self.upload(op)
        for number, part_etag in op["parts"]:
            if number not in upload.parts or md5(upload.parts[number]) != part_etag:
                raise Refused(400, "InvalidPart")
        bodies = [upload.parts[number] for number in numbers]
        if any(len(body) < model.PART_BYTES_MIN for body in bodies[:-1]):
            raise Refused(400, "EntityTooSmall")
        self.check_write(bucket, op["key"], op)
        bucket.objects[op["key"]] = Object(
            b"".join(bodies), etag, upload.fields, upload.meta, upload.tags,
            tuple(len(body) for body in bodies))
        upload.etag = etag
        bucket.completed[op["slot"]] = bucket.uploads.pop(op["slot"])
        return {"status": 200, "etag": etag}

    def abort(self, op):
        self.upload(op)
        del self.bucket(op).uploads[op["slot"]]
        return {"status": 204}

    def list_parts(self, op):
        parts = self.upload(op).parts
        shown = [[number, len(parts[number]), md5(parts[number])] for number in sorted(parts)]
        return {"status": 200, "pages": [{"parts": page, "truncated": truncated}
                                         for page, truncated in in_pages(shown, op["max"])]}

    def list_uploads(self, op):
        uploads = self.bucket(op).uploads
        items = []
        keys = sorted({upload.key for upload in uploads.values()}, key=order)
        for kind, name in roll_up(keys, op["prefix"], op["delimiter"], ""):
            if kind == "prefix":
                items.append((kind, name, None))
            else:
                items += [(kind, name, slot) for slot, up in uploads.items() if up.key == name]
        pages = [{"uploads": [[name, slot] for kind, name, slot in page if kind == "key"],
                  "prefixes": [name for kind, name, _ in page if kind == "prefix"],
                  "truncated": truncated} for page, truncated in in_pages(items, op["max"])]
        return {"status": 200, "pages": pages}

    # What operations say of the state

    def etag_for(self, word, bucket, key):
        """`current` and `other` become ETags; anything else is meant as it stands."""
        if word not in ("current", "other"):
            return word
        found = self.buckets.get(bucket, model.Bucket()).objects.get(key)
        return found.etag if found and word == "current" else MISSING

    def resolve(self, op):
        """The operation with ETags in place of words, by the state before it."""
        done = dict(op)
        for name in ("if_match", "if_none_match"):
            if name in done:
                done[name] = self.etag_for(done[name], op["bucket"], op["key"])
        for name in ("source_if_match", "source_if_none_match"):
            if name in done:
                done[name] = self.etag_for(done[name], op["from_bucket"], op["from_key"])
        if op.get("offset") == "end":
            found = self.buckets.get(op["bucket"], model.Bucket()).objects.get(op["key"])
            done["offset"] = len(found.body) if found else 0
        if op["op"] == "delete_objects":
            done["entries"] = [[key, word and self.etag_for(word, op["bucket"], key)]
                               for key, word in op["entries"]]
        if op["op"] == "complete":
            bucket = self.buckets.get(op["bucket"], model.Bucket())
            upload = bucket.uploads.get(op["slot"]) or bucket.completed.get(op["slot"])
            parts = upload.parts if upload else {}
            done["parts"] = [[number, md5(parts[number]) if number in parts and word == "current"
                              else MISSING] for number, word in op["parts"]]
        return done
