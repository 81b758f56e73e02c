"""The operations of sequences.py as requests to a running server over one kept connection, and
its answers in the form of model.py. What the server alone can know (upload ids, tokens) stays
here. Uploads are in wire_uploads.py."""

import base64
import contextlib
import email.utils
import hashlib
import http.client
import time
import xml.sax.saxutils

import raw
from answers import common_prefixes, decoded, field, only_text, parse, part_count
from model import body_of

SIGNED_BODY_BYTES_MAX = 1 << 16
PAGES_MAX = 200
TIMES = {"past": email.utils.formatdate(time.time() - 86400 * 365, usegmt=True),
         "future": email.utils.formatdate(time.time() + 86400, usegmt=True)}
CONDITIONS = {"if_match": "If-Match", "if_none_match": "If-None-Match",
              "modified_since": "If-Modified-Since", "unmodified_since": "If-Unmodified-Since",
              "source_if_match": "x-amz-copy-source-if-match",
              "source_if_none_match": "x-amz-copy-source-if-none-match"}


def etag_value(text):
    return text if text == "*" else f'"{text}"'


def escaped(text):
    """For XML bodies; characters that XML 1.0 lacks are written as AWS writes them."""
    return "".join(f"&#x{ord(c):X};" if ord(c) < 32 else xml.sax.saxutils.escape(c) for c in text)


def tag_query(tags):
    return "&".join(f"{raw.quote(name)}={raw.quote(value)}" for name, value in tags.items())


class Wire(raw.Client):
    """Buckets are numbers in a sequence; on the server their names begin with `prefix`."""

    def __init__(self, endpoint, access_key, secret_key, prefix):
        super().__init__(endpoint, access_key, secret_key)
        self.prefix, self.connection, self.token = prefix, None, None

    def send(self, method, target, headers=(), body=b""):
        """Over the kept connection, unlike raw.Client's."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.host, timeout=self.timeout_s)
        self.connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in {**headers, "Content-Length": len(body)}.items():
            self.connection.putheader(name, str(value))
        with contextlib.suppress(BrokenPipeError):
            self.connection.endheaders(body or None)
        answer = self.connection.getresponse()
        return raw.Answer(answer.status, answer.headers, answer.read())

    def close(self):
        if self.connection is not None:
            self.connection.close()

    def path(self, bucket, key=None):
        name = f"/{self.prefix}{bucket}"
        return name if key is None else f"{name}/{raw.quote(key, safe='/')}"

    def ask(self, method, op, query=(), headers=None, body=b"", key=True):
        """The answer, or the error's status and code as a dict."""
        payload = "UNSIGNED-PAYLOAD" if len(body) > SIGNED_BODY_BYTES_MAX else None
        path = self.path(op["bucket"], op["key"] if key else None)
        answer = self.request(method, path, query, headers or {}, body, payload=payload)
        if answer.status >= 300 and answer.status != 304:
            if method == "HEAD":
                return answer, {"status": answer.status}
            return answer, {"status": answer.status, "code": parse(answer).findtext("Code")}
        return answer, None

    def answer(self, op):
        return getattr(self, op["op"])(op)

    @staticmethod
    def headers(op):
        found = {name: TIMES[op[word]] if op[word] in TIMES else etag_value(op[word])
                 for word, name in CONDITIONS.items() if word in op}
        found.update(op.get("fields", {}))
        found.update({f"x-amz-meta-{name}": value for name, value in op.get("meta", {}).items()})
        if op.get("tags"):
            found["x-amz-tagging"] = tag_query(op["tags"])
        if "range" in op and isinstance(op["range"], str):
            found["Range"] = op["range"]
        return found

    # Buckets

    def create_bucket(self, op):
        answer, error = self.ask("PUT", op, key=False)
        return error or {"status": answer.status}

    def delete_bucket(self, op):
        answer, error = self.ask("DELETE", op, key=False)
        return error or {"status": answer.status}

    def head_bucket(self, op):
        answer, _ = self.ask("HEAD", op, key=False)
        return {"status": answer.status}

    def list_buckets(self, _op):
        names = [node.text for node in parse(self.request("GET", "/")).iter("Name")]
        mine = [name.removeprefix(self.prefix) for name in names if name.startswith(self.prefix)]
        return {"status": 200, "buckets": [int(name) for name in mine]}

    # Objects

    def put(self, op):
        answer, error = self.ask("PUT", op, headers=self.headers(op), body=body_of(*op["body"]))
        return error or {"status": answer.status, "etag": field(answer, "ETag")}

    def append(self, op):
        answer, error = self.ask("PUT", op, headers={"x-amz-write-offset-bytes": op["offset"]},
                                 body=body_of(*op["body"]))
        return error or {"status": answer.status, "etag": field(answer, "ETag"),
                         "size": int(answer.headers.get("x-amz-object-size", -1))}

    def read(self, method, op):
        query = [(f"response-{name}", value) for name, value in op.get("override", {}).items()]
        query += [("partNumber", str(op["part"]))] if "part" in op else []
        answer, error = self.ask(method, op, query, self.headers(op))
        if error:
            return error
        if answer.status == 304:
            return {"status": 304, "etag": field(answer, "ETag")}
        named = {"content-type", *op.get("override", {}), "cache-control", "content-language"}
        found = {
            "status": answer.status, "etag": field(answer, "ETag"),
            "meta": {name.lower().removeprefix("x-amz-meta-"): value
                     for name, value in answer.headers.items()
                     if name.lower().startswith("x-amz-meta-")},
            "fields": {name: answer.headers[name] for name in named if name in answer.headers},
            "tag_count": int(answer.headers.get("x-amz-tagging-count", 0)),
            "range": answer.headers.get("Content-Range"), "length": int(answer.headers["Content-Length"]),
        }
        if "x-amz-mp-parts-count" in answer.headers:
            found["part_count"] = int(answer.headers["x-amz-mp-parts-count"])
        return found if method == "HEAD" else {**found, "body": answer.body}

    def get(self, op):
        return self.read("GET", op)

    def head(self, op):
        return self.read("HEAD", op)

    def delete(self, op):
        answer, error = self.ask("DELETE", op, headers=self.headers(op))
        return error or {"status": answer.status}

    def delete_objects(self, op):
        entries = "".join(
            f"<Object><Key>{escaped(key)}</Key>"
            + (f"<ETag>{etag_value(etag)}</ETag>" if etag else "") + "</Object>"
            for key, etag in op["entries"])
        body = f"<Delete><Quiet>{'true' if op['quiet'] else 'false'}</Quiet>{entries}</Delete>"
        body = body.encode()
        digest = base64.b64encode(hashlib.md5(body).digest()).decode()
        answer, error = self.ask("POST", op, [("delete", "")], {"Content-MD5": digest}, body,
                                 key=False)
        if error:
            return error
        tree = parse(answer)
        return {"status": 200,
                "deleted": sorted(only_text(node, "Key") for node in tree.iter("Deleted")),
                "errors": sorted([only_text(node, "Key"), node.findtext("Code")]
                                 for node in tree.iter("Error"))}

    def copy(self, op):
        source = raw.quote(f"{self.prefix}{op['from_bucket']}/{op['from_key']}", safe="/")
        headers = {**self.headers(op), "x-amz-copy-source": source,
                   "x-amz-metadata-directive": op["directive"]}
        answer, error = self.ask("PUT", op, headers=headers)
        return error or {"status": 200, "etag": parse(answer).findtext("ETag").strip('"')}

    def rename(self, op):
        source = raw.quote(f"/{self.prefix}{op['bucket']}/{op['from_key']}", safe="/")
        headers = {**self.headers(op), "x-amz-rename-source": source}
        answer, error = self.ask("PUT", op, [("renameObject", "")], headers)
        return error or {"status": answer.status}

    # Tags and attributes

    def get_tags(self, op):
        answer, error = self.ask("GET", op, [("tagging", "")])
        return error or {"status": 200, "tags": {
            only_text(node, "Key"): only_text(node, "Value") for node in parse(answer).iter("Tag")}}

    def put_tags(self, op):
        tags = "".join(f"<Tag><Key>{escaped(name)}</Key><Value>{escaped(value)}</Value></Tag>"
                       for name, value in op["tags"].items())
        body = f"<Tagging><TagSet>{tags}</TagSet></Tagging>".encode()
        digest = base64.b64encode(hashlib.md5(body).digest()).decode()
        answer, error = self.ask("PUT", op, [("tagging", "")], {"Content-MD5": digest}, body)
        return error or {"status": answer.status}

    def delete_tags(self, op):
        answer, error = self.ask("DELETE", op, [("tagging", "")])
        return error or {"status": answer.status}

    def attributes(self, op):
        wanted = {"x-amz-object-attributes": "ETag,ObjectSize,ObjectParts"}
        answer, error = self.ask("GET", op, [("attributes", "")], wanted)
        if error:
            return error
        tree = parse(answer)
        return {"status": 200, "etag": tree.findtext("ETag"),
                "size": int(tree.findtext("ObjectSize")), "parts": part_count(tree)}

    # Lists

    def pages(self, op, query, first, page_of, next_of):
        """All pages, each asked for by what the one before says of the next."""
        found, more = [], first
        while len(found) < PAGES_MAX:
            answer, error = self.ask("GET", op, query + more, key="slot" in op)
            if error:
                return error
            tree = parse(answer)
            text = decoded if tree.findtext("EncodingType") == "url" else str
            page = page_of(tree, text)
            page["truncated"] = tree.findtext("IsTruncated") == "true"
            found.append(page)
            if not page["truncated"]:
                break
            more = next_of(tree, text, page)
        return {"status": 200, "pages": found}

    @staticmethod
    def page_of(tree, text):
        return {"keys": [[text(only_text(node, "Key")), int(node.findtext("Size")),
                          node.findtext("ETag").strip('"')] for node in tree.iter("Contents")],
                "prefixes": common_prefixes(tree, text)}

    @staticmethod
    def list_query(op):
        return [("prefix", op["prefix"]), ("delimiter", op["delimiter"]),
                ("max-keys", str(op["max"]))]

    def list(self, op):
        query = self.list_query(op)
        query += [("encoding-type", "url")] if op["encoded"] else []
        query += [("list-type", "2")] if op["version"] == 2 else []
        first = [("start-after" if op["version"] == 2 else "marker", op["start"])]

        def next_of(tree, text, page):
            if op["version"] == 2:
                return [("continuation-token", only_text(tree, "NextContinuationToken"))]
            if op["delimiter"]:
                return [("marker", text(only_text(tree, "NextMarker")))]
            return [("marker", page["keys"][-1][0])]

        return self.pages(op, query, first, self.page_of, next_of)

    def walk(self, op):
        if op["goes_on"] and not self.token:
            return {"status": 0}
        query = [("list-type", "2"), *self.list_query(op)]
        query += [("continuation-token", self.token)] if op["goes_on"] else []
        self.token = None
        answer, error = self.ask("GET", op, query, key=False)
        if error:
            return error
        tree = parse(answer)
        self.token = tree.findtext("NextContinuationToken")
        truncated = tree.findtext("IsTruncated") == "true"
        return {"status": 200, "pages": [{**self.page_of(tree, str), "truncated": truncated}]}
