// An ordinary working day of the AWS SDK for Go 2, with its default checksums; see test_sdks.py.
// Prints `ok STEP` after each step.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

const mib = 1024 * 1024

var (
	ctx    = context.Background()
	bucket = aws.String("sdk-go")
	small  = aws.String("a b/ü+%.txt")
)

func ok(step string) { fmt.Println("ok", step) }

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func check(holds bool, what string) {
	if !holds {
		log.Fatal(what)
	}
}

func get(client *s3.Client, key *string, piece *string) []byte {
	answer := must(client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key, Range: piece}))
	defer answer.Body.Close()
	return must(io.ReadAll(answer.Body))
}

func single(client *s3.Client) {
	must(client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: small,
		Body: strings.NewReader("hello"), ContentType: aws.String("text/plain"),
		Metadata: map[string]string{"colour": "blue"}}))
	ok("put")
	head := must(client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: small,
		ChecksumMode: types.ChecksumModeEnabled}))
	check(head.Metadata["colour"] == "blue" && *head.ContentType == "text/plain", "metadata")
	check(head.ChecksumCRC32 != nil || head.ChecksumCRC64NVME != nil, "the default checksum is kept")
	check(string(get(client, small, nil)) == "hello", "body")
	check(string(get(client, small, aws.String("bytes=1-3"))) == "ell", "range")
	ok("get")
	_, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("missing")})
	var missing *types.NoSuchKey
	check(errors.As(err, &missing), "NoSuchKey")
	ok("error")
	link := must(s3.NewPresignClient(client).PresignGetObject(ctx,
		&s3.GetObjectInput{Bucket: bucket, Key: small}, s3.WithPresignExpires(5*time.Minute)))
	answer := must(http.Get(link.URL))
	check(string(must(io.ReadAll(answer.Body))) == "hello", "presigned")
	ok("presigned")
}

func refused(err error) bool {
	var failure smithy.APIError
	return errors.As(err, &failure) && failure.ErrorCode() == "PreconditionFailed"
}

func changes(client *s3.Client) {
	copied := aws.String("copied")
	must(client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: copied,
		CopySource: aws.String(*bucket + "/" + url.QueryEscape(*small))}))
	check(string(get(client, copied, nil)) == "hello", "copy")
	ok("copy")
	tags := []types.Tag{{Key: aws.String("team"), Value: aws.String("red + blue")}}
	must(client.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: bucket, Key: copied,
		Tagging: &types.Tagging{TagSet: tags}}))
	kept := must(client.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: bucket, Key: copied}))
	check(len(kept.TagSet) == 1 && *kept.TagSet[0].Value == "red + blue", "tags")
	ok("tags")
	put := func(ifMatch, ifNoneMatch *string) error {
		_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: copied,
			Body: strings.NewReader("new"), IfMatch: ifMatch, IfNoneMatch: ifNoneMatch})
		return err
	}
	check(refused(put(nil, aws.String("*"))), "If-None-Match")
	check(refused(put(aws.String("\"other\""), nil)), "If-Match")
	head := must(client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: copied}))
	check(put(head.ETag, nil) == nil, "If-Match that holds")
	ok("conditional")
}

func transfers(client *s3.Client) {
	manager := transfermanager.New(client)
	large := bytes.Repeat([]byte("0123456789abcdef"), 20*mib/16+1)
	must(manager.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: bucket,
		Key: aws.String("large"), Body: bytes.NewReader(large)}))
	got := must(manager.GetObject(ctx, &transfermanager.GetObjectInput{Bucket: bucket, Key: aws.String("large")}))
	check(bytes.Equal(must(io.ReadAll(got.Body)), large), "large")
	ok("transfer")
	reader, writer := io.Pipe() // a stream whose length nobody knows
	go func() {
		for range 12 {
			writer.Write(large[:mib])
		}
		writer.Close()
	}()
	must(manager.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: bucket,
		Key: aws.String("stream"), Body: reader}))
	check(len(get(client, aws.String("stream"), nil)) == 12*mib, "stream")
	ok("stream")
}

func listAndDelete(client *s3.Client) {
	var objects []types.ObjectIdentifier
	for i := range 25 {
		key := aws.String(fmt.Sprintf("list/%02d", i))
		must(client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader(*key)}))
		objects = append(objects, types.ObjectIdentifier{Key: key})
	}
	pages, found := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: bucket,
		Prefix: aws.String("list/"), MaxKeys: aws.Int32(10)}), 0
	for pages.HasMorePages() {
		for _, one := range must(pages.NextPage(ctx)).Contents {
			check(*one.Key == *objects[found].Key, "order")
			found++
		}
	}
	check(found == 25, "list")
	ok("list")
	for _, key := range []string{*small, "copied", "large", "stream"} {
		objects = append(objects, types.ObjectIdentifier{Key: aws.String(key)})
	}
	gone := must(client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bucket,
		Delete: &types.Delete{Objects: objects}}))
	check(len(gone.Deleted) == 29, "deleted")
	must(client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket}))
	ok("delete")
}

func main() {
	settings := must(config.LoadDefaultConfig(ctx, config.WithRegion("us-east-1"),
		config.WithBaseEndpoint(os.Getenv("S3_ENDPOINT"))))
	client := s3.NewFromConfig(settings, func(options *s3.Options) { options.UsePathStyle = true })
	must(client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}))
	single(client)
	changes(client)
	transfers(client)
	listAndDelete(client)
}
