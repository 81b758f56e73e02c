// An ordinary working day of the AWS SDK for Java 2, with its default checksums; see test_sdks.py.
// Prints `ok STEP` after each step.

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import software.amazon.awssdk.core.async.AsyncRequestBody;
import software.amazon.awssdk.core.async.AsyncResponseTransformer;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.ChecksumMode;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.Tag;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;
import software.amazon.awssdk.transfer.s3.S3TransferManager;

public class Workflow {
  static final String BUCKET = "sdk-java";
  static final String SMALL = "a b/ü+%.txt";
  static final int MIB = 1024 * 1024;
  static final URI ENDPOINT = URI.create(System.getenv("S3_ENDPOINT"));
  static final S3Client S3 =
      S3Client.builder().endpointOverride(ENDPOINT).region(Region.US_EAST_1).forcePathStyle(true).build();

  static void ok(String step) {
    System.out.println("ok " + step);
  }

  static void check(boolean holds, String what) {
    if (!holds) throw new AssertionError(what);
  }

  static byte[] get(String key, String range) {
    return S3.getObjectAsBytes(b -> b.bucket(BUCKET).key(key).range(range)).asByteArray();
  }

  static void single() throws Exception {
    S3.putObject(b -> b.bucket(BUCKET).key(SMALL).contentType("text/plain").metadata(Map.of("colour", "blue")),
        RequestBody.fromString("hello"));
    ok("put");
    var head = S3.headObject(b -> b.bucket(BUCKET).key(SMALL).checksumMode(ChecksumMode.ENABLED));
    check(head.metadata().get("colour").equals("blue"), "metadata");
    check(head.contentType().equals("text/plain"), "type");
    check(head.checksumCRC32() != null || head.checksumCRC64NVME() != null, "the default checksum is kept");
    check(new String(get(SMALL, null)).equals("hello"), "body");
    check(new String(get(SMALL, "bytes=1-3")).equals("ell"), "range");
    ok("get");
    try {
      get("missing", null);
      throw new AssertionError("found what is not there");
    } catch (NoSuchKeyException expected) {
      ok("error");
    }
    var configuration = S3Configuration.builder().pathStyleAccessEnabled(true).build();
    try (var presigner = S3Presigner.builder().endpointOverride(ENDPOINT).region(Region.US_EAST_1)
            .serviceConfiguration(configuration).build()) {
      var url = presigner.presignGetObject(
          p -> p.signatureDuration(Duration.ofMinutes(5)).getObjectRequest(b -> b.bucket(BUCKET).key(SMALL)));
      try (InputStream answer = url.url().openStream()) {
        check(new String(answer.readAllBytes()).equals("hello"), "presigned");
      }
    }
    ok("presigned");
  }

  static void refused(String ifMatch, String ifNoneMatch) {
    try {
      S3.putObject(b -> b.bucket(BUCKET).key("copied").ifMatch(ifMatch).ifNoneMatch(ifNoneMatch),
          RequestBody.fromString("no"));
      throw new AssertionError("written against its condition");
    } catch (S3Exception expected) {
      check(expected.awsErrorDetails().errorCode().equals("PreconditionFailed"), "conditional");
    }
  }

  static void changes() {
    S3.copyObject(b -> b.sourceBucket(BUCKET).sourceKey(SMALL).destinationBucket(BUCKET).destinationKey("copied"));
    check(new String(get("copied", null)).equals("hello"), "copy");
    ok("copy");
    var tags = List.of(Tag.builder().key("team").value("red + blue").build());
    S3.putObjectTagging(b -> b.bucket(BUCKET).key("copied").tagging(t -> t.tagSet(tags)));
    check(S3.getObjectTagging(b -> b.bucket(BUCKET).key("copied")).tagSet().equals(tags), "tags");
    ok("tags");
    refused(null, "*");
    refused("\"other\"", null);
    String etag = S3.headObject(b -> b.bucket(BUCKET).key("copied")).eTag();
    S3.putObject(b -> b.bucket(BUCKET).key("copied").ifMatch(etag), RequestBody.fromString("yes"));
    ok("conditional");
  }

  static void transfers() {
    byte[] large = new byte[20 * MIB + 17];
    for (int i = 0; i < large.length; ++i) large[i] = (byte) (i % 251);
    try (var client = S3AsyncClient.builder().endpointOverride(ENDPOINT).region(Region.US_EAST_1)
            .forcePathStyle(true).multipartEnabled(true).build();
        var manager = S3TransferManager.builder().s3Client(client).build()) {
      manager.upload(u -> u.putObjectRequest(b -> b.bucket(BUCKET).key("large"))
          .requestBody(AsyncRequestBody.fromBytes(large))).completionFuture().join();
      var got = client.getObject(b -> b.bucket(BUCKET).key("large"), AsyncResponseTransformer.toBytes()).join();
      check(Arrays.equals(got.asByteArray(), large), "large");
      ok("transfer");
      List<InputStream> pieces = new ArrayList<>(); // a stream whose length nobody knows
      for (int i = 0; i < 12; ++i) pieces.add(new ByteArrayInputStream(large, 0, MIB));
      var threads = Executors.newSingleThreadExecutor();
      var body = AsyncRequestBody.fromInputStream(
          s -> s.inputStream(new SequenceInputStream(Collections.enumeration(pieces))).executor(threads));
      manager.upload(u -> u.putObjectRequest(b -> b.bucket(BUCKET).key("stream")).requestBody(body))
          .completionFuture().join();
      threads.shutdown();
      check(S3.headObject(b -> b.bucket(BUCKET).key("stream")).contentLength() == 12 * MIB, "stream");
      ok("stream");
    }
  }

  static void listAndDelete() {
    var names = IntStream.range(0, 25).mapToObj(i -> String.format("list/%02d", i)).toList();
    for (String name : names) {
      S3.putObject(b -> b.bucket(BUCKET).key(name), RequestBody.fromString(name));
    }
    var found = S3.listObjectsV2Paginator(b -> b.bucket(BUCKET).prefix("list/").maxKeys(10))
                    .contents().stream().map(one -> one.key()).toList();
    check(found.equals(names), "list");
    ok("list");
    List<String> all = new ArrayList<>(names);
    all.addAll(List.of(SMALL, "copied", "large", "stream"));
    var objects = all.stream().map(name -> ObjectIdentifier.builder().key(name).build()).toList();
    var gone = S3.deleteObjects(b -> b.bucket(BUCKET).delete(d -> d.objects(objects)));
    check(gone.deleted().size() == 29, "deleted");
    S3.deleteBucket(b -> b.bucket(BUCKET));
    ok("delete");
  }

  public static void main(String[] arguments) throws Exception {
    S3.createBucket(b -> b.bucket(BUCKET));
    single();
    changes();
    transfers();
    listAndDelete();
  }
}
