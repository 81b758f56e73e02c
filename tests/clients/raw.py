"""A minimal S3 client that sends exactly the bytes it is told, signed by Signature Version 4
(AWS: "Authenticating Requests (AWS Signature Version 4)"). For what the SDKs normalise, refuse
or never do wrong: odd paths, wrong dates, broken signatures."""

import contextlib
import re
import dataclasses
import datetime
import hashlib
import hmac
import http.client
import urllib.parse
import xml.etree.ElementTree as ElementTree

UNRESERVED = "-_.~"


def quote(text, safe=""):
    """Percent-encoding as SigV4 wants it; text or bytes."""
    return urllib.parse.quote(text, safe=UNRESERVED + safe)


def key_path(bucket, key):
    return f"/{bucket}/{quote(key, safe='/')}"


@dataclasses.dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def xml(self):
        """The body without namespaces, which say nothing here."""
        tree = ElementTree.fromstring(CONTROL.sub(b"?", self.body))
        for node in tree.iter():
            node.tag = node.tag.rsplit("}", 1)[-1]
        return tree

    @property
    def code(self):
        """The Code of an S3 error."""
        return self.xml().findtext("Code")

# S3 writes control characters as references that XML 1.0 does not have.
CONTROL = re.compile(rb"&#x(?:[0-8BCEF]|1[0-9A-F]|7F|FFFE|FFFF);")


class Client:
    timeout_s = 60  # of each wait for the server

    def __init__(self, endpoint, access_key, secret_key, region="us-east-1"):
        self.host = endpoint.removeprefix("http://")
        self.access_key, self.secret_key, self.region = access_key, secret_key, region

    def signature(self, stamp, canonical):
        scope = f"{stamp[:8]}/{self.region}/s3/aws4_request"
        # As http.client writes header fields.
        digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
        key = f"AWS4{self.secret_key}".encode()
        for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return scope, key.hex()

    @staticmethod
    def stamp(now=None):
        now = now or datetime.datetime.now(datetime.timezone.utc)
        return now.strftime("%Y%m%dT%H%M%SZ")

    @staticmethod
    def canonical(method, path, query, headers, payload):
        """`query` is a list of pairs; `path` is percent-encoded already."""
        pairs = sorted((quote(name), quote(value)) for name, value in query)
        fields = sorted((name.lower(), " ".join(str(value).split()))
                        for name, value in headers.items())
        signed = ";".join(name for name, _ in fields)
        text = "\n".join([method, path, "&".join(f"{n}={v}" for n, v in pairs),
                          *(f"{name}:{value}" for name, value in fields), "", signed, payload])
        return text, signed

    def signed_headers(self, method, path, query, headers, body, now=None, payload=None):
        stamp = self.stamp(now)
        payload = payload or hashlib.sha256(body).hexdigest()
        headers = {"Host": self.host, "x-amz-date": stamp, "x-amz-content-sha256": payload,
                   **headers}
        text, signed = self.canonical(method, path, query, headers, payload)
        scope, signature = self.signature(stamp, text)
        headers["Authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, "
                                    f"SignedHeaders={signed}, Signature={signature}")
        return headers

    def presign(self, method, path, expires=300, now=None, query=()):
        """The target (path and query) of a presigned request."""
        stamp = self.stamp(now)
        scope = f"{stamp[:8]}/{self.region}/s3/aws4_request"
        query = [*query, ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
                 ("X-Amz-Credential", f"{self.access_key}/{scope}"), ("X-Amz-Date", stamp),
                 ("X-Amz-Expires", str(expires)), ("X-Amz-SignedHeaders", "host")]
        text, _ = self.canonical(method, path, query, {"Host": self.host}, "UNSIGNED-PAYLOAD")
        _, signature = self.signature(stamp, text)
        return self.target(path, [*query, ("X-Amz-Signature", signature)])

    @staticmethod
    def target(path, query):
        text = "&".join(f"{quote(n)}={quote(v)}" for n, v in query)
        return f"{path}?{text}" if text else path

    def send(self, method, target, headers=(), body=b""):
        """Exactly this request, unsigned unless the caller signed it."""
        connection = http.client.HTTPConnection(self.host, timeout=self.timeout_s)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            headers = {"Host": self.host, "Content-Length": len(body), **dict(headers)}
            for name, value in headers.items():
                connection.putheader(name, str(value))
            # A refusal may come before the body has been sent; it is there to be read.
            with contextlib.suppress(BrokenPipeError):
                connection.endheaders(body or None)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def request(self, method, path, query=(), headers=(), body=b"", **signing):
        """A signed request: `path` percent-encoded, `query` pairs, not encoded."""
        signed = self.signed_headers(method, path, query, dict(headers), body, **signing)
        return self.send(method, self.target(path, query), signed, body)
