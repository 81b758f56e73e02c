// An ordinary working day of the AWS SDK for JavaScript 3, with its default checksums; see
// test_sdks.py. Prints `ok STEP` after each step.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import {
  CopyObjectCommand, CreateBucketCommand, DeleteBucketCommand, DeleteObjectsCommand,
  GetObjectCommand, GetObjectTaggingCommand, HeadObjectCommand, NoSuchKey, paginateListObjectsV2,
  PutObjectCommand, PutObjectTaggingCommand, S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const Bucket = "sdk-javascript";
const s3 = new S3Client({ endpoint: process.env.S3_ENDPOINT, region: "us-east-1", forcePathStyle: true });
const ok = (step) => console.log(`ok ${step}`);
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const bodyOf = async (answer) => Buffer.from(await answer.Body.transformToByteArray());

await s3.send(new CreateBucketCommand({ Bucket }));
const small = { Bucket, Key: "a b/ü+%.txt" };
await s3.send(new PutObjectCommand({ ...small, Body: "hello", Metadata: { colour: "blue" }, ContentType: "text/plain" }));
ok("put");

const head = await s3.send(new HeadObjectCommand({ ...small, ChecksumMode: "ENABLED" }));
assert.equal(head.Metadata.colour, "blue");
assert.equal(head.ContentType, "text/plain");
assert.ok(head.ChecksumCRC32 ?? head.ChecksumCRC64NVME ?? head.ChecksumCRC32C, "the default checksum is kept");
assert.equal((await bodyOf(await s3.send(new GetObjectCommand(small)))).toString(), "hello");
const piece = await s3.send(new GetObjectCommand({ ...small, Range: "bytes=1-3" }));
assert.equal((await bodyOf(piece)).toString(), "ell");
ok("get");

await assert.rejects(s3.send(new GetObjectCommand({ Bucket, Key: "missing" })), NoSuchKey);
ok("error");

const large = Buffer.alloc(20 * 1024 * 1024 + 17, "0123456789abcde");
await new Upload({ client: s3, params: { Bucket, Key: "large", Body: large } }).done();
assert.equal(sha256(await bodyOf(await s3.send(new GetObjectCommand({ Bucket, Key: "large" })))), sha256(large));
ok("transfer");

// A stream whose length nobody knows.
const pieces = Array.from({ length: 12 }, () => large.subarray(0, 1024 * 1024));
await new Upload({ client: s3, params: { Bucket, Key: "stream", Body: Readable.from(pieces) } }).done();
assert.equal((await s3.send(new HeadObjectCommand({ Bucket, Key: "stream" }))).ContentLength, 12 * 1024 * 1024);
ok("stream");

const url = await getSignedUrl(s3, new GetObjectCommand(small), { expiresIn: 300 });
assert.equal(await (await fetch(url)).text(), "hello");
ok("presigned");

const copy = { Bucket, Key: "copied" };
await s3.send(new CopyObjectCommand({ ...copy, CopySource: encodeURI(`${Bucket}/`) + encodeURIComponent(small.Key) }));
assert.equal((await bodyOf(await s3.send(new GetObjectCommand(copy)))).toString(), "hello");
ok("copy");

const TagSet = [{ Key: "team", Value: "red + blue" }];
await s3.send(new PutObjectTaggingCommand({ ...copy, Tagging: { TagSet } }));
assert.deepEqual((await s3.send(new GetObjectTaggingCommand(copy))).TagSet, TagSet);
ok("tags");

const refused = { name: "PreconditionFailed" };
await assert.rejects(s3.send(new PutObjectCommand({ ...copy, Body: "no", IfNoneMatch: "*" })), refused);
await assert.rejects(s3.send(new PutObjectCommand({ ...copy, Body: "no", IfMatch: '"other"' })), refused);
await s3.send(new PutObjectCommand({ ...copy, Body: "yes", IfMatch: head.ETag }));
ok("conditional");

const names = Array.from({ length: 25 }, (_, i) => `list/${String(i).padStart(2, "0")}`);
for (const Key of names) await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
const found = [];
for await (const page of paginateListObjectsV2({ client: s3, pageSize: 10 }, { Bucket, Prefix: "list/" })) {
  found.push(...page.Contents.map((one) => one.Key));
}
assert.deepEqual(found, names);
ok("list");

const gone = await s3.send(new DeleteObjectsCommand({
  Bucket, Delete: { Objects: [...names, small.Key, "copied", "large", "stream"].map((Key) => ({ Key })) },
}));
assert.equal(gone.Deleted.length, 29);
await s3.send(new DeleteBucketCommand({ Bucket }));
ok("delete");
