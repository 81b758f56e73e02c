"""A page in a headless Chromium, from another origin than the server's: preflights, presigned PUT
and GET, a form, an error that the page can read, and an origin that is refused. The page writes
what it saw into its document, which the browser prints."""

import contextlib
import html
import http.server
import json
import re
import shutil
import subprocess
import threading

import pytest

PAGE = """<!doctype html><meta charset=utf-8><pre id=seen></pre><script>
const urls = %s;
async function tell(name, work) {
  let text;
  try { text = await work(); } catch (error) { text = "refused: " + error.name; }
  return [name, text];
}
async function run() {
  const seen = [];
  seen.push(await tell("put", async () => {
    const answer = await fetch(urls.put, {method: "PUT", body: "from a page",
                                          headers: {"x-amz-meta-page": "yes"}});
    return answer.status + " " + answer.headers.get("ETag");
  }));
  seen.push(await tell("get", async () => (await (await fetch(urls.get)).text())));
  seen.push(await tell("missing", async () => {
    const answer = await fetch(urls.missing);
    return answer.status + " " + (await answer.text()).match(/<Code>(.*)<.Code>/)[1];
  }));
  seen.push(await tell("form", async () => {
    const form = new FormData();
    for (const [name, value] of Object.entries(urls.form.fields)) form.append(name, value);
    form.append("file", new Blob(["\\r\\n--from a form--\\r\\n"]), "n\\u00e4me.txt");
    const answer = await fetch(urls.form.url, {method: "POST", body: form});
    return answer.status + " " + (await answer.text()).match(/<Key>(.*)<.Key>/)[1];
  }));
  seen.push(await tell("closed", async () => (await fetch(urls.closed)).status));
  seen.push(await tell("delete", async () => (await fetch(urls.delete, {method: "DELETE"})).status));
  document.getElementById("seen").textContent = JSON.stringify(Object.fromEntries(seen));
  document.title = "done";
}
run();
</script>"""


@contextlib.contextmanager
def served():
    """A page at an origin of its own; its text is the server's attribute `page`."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = self.server.page.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def browse(url, profile):
    """What the page's document holds when its work is done."""
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
               "--disable-dev-shm-usage", "--disable-background-networking",
               "--disable-component-update", "--disable-sync", "--disable-extensions",
               f"--user-data-dir={profile}", "--virtual-time-budget=60000", "--dump-dom", url]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120)
    found = re.search(r"<pre id=\"seen\">(.+?)</pre>", done.stdout, re.DOTALL)
    assert found, f"the page did not finish:\n{done.stdout}\n{done.stderr[-2000:]}"
    return json.loads(html.unescape(found.group(1)))


CHROMIUM = shutil.which("chromium")


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_page_of_another_origin(s3, bucket, tmp_path):
    with served() as site:
        origin = f"http://127.0.0.1:{site.server_address[1]}"
        s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [
            {"AllowedOrigins": [origin], "AllowedMethods": ["GET", "PUT", "POST"],
             "AllowedHeaders": ["x-amz-meta-*", "content-type"], "ExposeHeaders": ["ETag"]}]})
        s3.create_bucket(Bucket=f"{bucket}-closed")
        s3.put_object(Bucket=f"{bucket}-closed", Key="k", Body=b"not for pages")

        def presigned(call, **parameters):
            return s3.generate_presigned_url(call, Params={"Bucket": bucket, **parameters})

        form = s3.generate_presigned_post(
            bucket, "form/${filename}", Fields={"success_action_status": "201"},
            Conditions=[{"success_action_status": "201"}])
        site.page = PAGE % json.dumps({
            "put": presigned("put_object", Key="k", Metadata={"page": "yes"}),
            "get": presigned("get_object", Key="k"),
            "missing": presigned("get_object", Key="none"),
            "delete": presigned("delete_object", Key="k"),
            "closed": presigned("get_object", Bucket=f"{bucket}-closed", Key="k"), "form": form})
        try:
            seen = browse(origin, tmp_path / "profile")
        finally:
            s3.delete_object(Bucket=f"{bucket}-closed", Key="k")
            s3.delete_bucket(Bucket=f"{bucket}-closed")
    head = s3.head_object(Bucket=bucket, Key="k")
    assert seen == {"put": f'200 {head["ETag"]}', "get": "from a page", "missing": "404 NoSuchKey",
                    "form": "201 form/n\u00e4me.txt", "closed": "refused: TypeError",
                    "delete": "refused: TypeError"}
    assert head["Metadata"] == {"page": "yes"}
    stored = s3.get_object(Bucket=bucket, Key="form/n\u00e4me.txt")["Body"].read()
    assert stored == b"\r\n--from a form--\r\n"
