// An ordinary working day of the AWS SDK for Rust and its transfer manager, with its default
// checksums; see test_sdks.py. Prints `ok STEP` after each step.
use std::io::{Read, Write};
use std::net::TcpStream;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumMode, Delete, ObjectIdentifier, Tag, Tagging};
use aws_sdk_s3_transfer_manager::io::{InputStream, PartData, PartStream, SizeHint, StreamContext};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const BUCKET: &str = "sdk-rust";
const SMALL: &str = "a b/ü+%.txt";
const MIB: usize = 1024 * 1024;

fn ok(step: &str) {
    println!("ok {step}");
}

async fn get(s3: &Client, key: &str, range: Option<&str>) -> Outcome<Vec<u8>> {
    let request = s3.get_object().bucket(BUCKET).key(key);
    let answer = request.set_range(range.map(Into::into)).send().await?;
    Ok(answer.body.collect().await?.to_vec())
}

async fn single(s3: &Client) -> Outcome {
    let put = s3
        .put_object()
        .bucket(BUCKET)
        .key(SMALL)
        .body(ByteStream::from_static(b"hello"));
    put.content_type("text/plain")
        .metadata("colour", "blue")
        .send()
        .await?;
    ok("put");
    let head = s3.head_object().bucket(BUCKET).key(SMALL);
    let head = head.checksum_mode(ChecksumMode::Enabled).send().await?;
    assert_eq!(head.metadata().unwrap()["colour"], "blue");
    assert_eq!(head.content_type(), Some("text/plain"));
    assert!(
        head.checksum_crc32()
            .or(head.checksum_crc64_nvme())
            .is_some()
    );
    assert_eq!(get(s3, SMALL, None).await?, b"hello");
    assert_eq!(get(s3, SMALL, Some("bytes=1-3")).await?, b"ell");
    ok("get");
    let missing = s3.get_object().bucket(BUCKET).key("missing").send().await;
    assert!(missing.unwrap_err().into_service_error().is_no_such_key());
    ok("error");
    let lasting = PresigningConfig::expires_in(Duration::from_secs(300))?;
    let url = s3
        .get_object()
        .bucket(BUCKET)
        .key(SMALL)
        .presigned(lasting)
        .await?;
    assert!(fetch(url.uri())?.ends_with(b"\r\n\r\nhello"));
    ok("presigned");
    Ok(())
}

async fn put_if(s3: &Client, matching: Option<&str>, none: Option<&str>) -> Outcome<String> {
    let put = s3
        .put_object()
        .bucket(BUCKET)
        .key("copied")
        .body(ByteStream::from_static(b"new"));
    let put = put
        .set_if_match(matching.map(Into::into))
        .set_if_none_match(none.map(Into::into));
    Ok(put
        .send()
        .await
        .err()
        .and_then(|error| error.code().map(Into::into))
        .unwrap_or_default())
}

async fn changes(s3: &Client) -> Outcome {
    let source = format!("{BUCKET}/a%20b/%C3%BC%2B%25.txt");
    s3.copy_object()
        .bucket(BUCKET)
        .key("copied")
        .copy_source(source)
        .send()
        .await?;
    assert_eq!(get(s3, "copied", None).await?, b"hello");
    ok("copy");
    let tag = Tag::builder().key("team").value("red + blue").build()?;
    let tags = Tagging::builder().tag_set(tag.clone()).build()?;
    s3.put_object_tagging()
        .bucket(BUCKET)
        .key("copied")
        .tagging(tags)
        .send()
        .await?;
    let kept = s3
        .get_object_tagging()
        .bucket(BUCKET)
        .key("copied")
        .send()
        .await?;
    assert_eq!(kept.tag_set(), [tag]);
    ok("tags");
    assert_eq!(put_if(s3, None, Some("*")).await?, "PreconditionFailed");
    assert_eq!(
        put_if(s3, Some("\"other\""), None).await?,
        "PreconditionFailed"
    );
    let head = s3.head_object().bucket(BUCKET).key("copied").send().await?;
    assert_eq!(put_if(s3, head.e_tag(), None).await?, "");
    ok("conditional");
    Ok(())
}

// What any browser would do with http://HOST/REST.
fn fetch(url: &str) -> Outcome<Vec<u8>> {
    let (host, rest) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut stream = TcpStream::connect(host)?;
    write!(
        stream,
        "GET /{rest} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

// A stream whose length nobody knows: twelve MiB, then its end.
struct Pieces {
    left: usize,
    number: u64,
}

impl PartStream for Pieces {
    fn poll_part(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        stream: &StreamContext,
    ) -> Poll<Option<std::io::Result<PartData>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let size = self.left.min(stream.part_size());
        self.left -= size;
        self.number += 1;
        Poll::Ready(Some(Ok(PartData::new(self.number, vec![7u8; size]))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

async fn transfers(s3: &Client) -> Outcome {
    let config = aws_sdk_s3_transfer_manager::Config::builder()
        .client(s3.clone())
        .build();
    let manager = aws_sdk_s3_transfer_manager::Client::new(config);
    let large: Vec<u8> = (0..20 * MIB + 17).map(|i| (i % 251) as u8).collect();
    let upload = manager.upload().bucket(BUCKET).key("large");
    upload
        .body(InputStream::from(large.clone()))
        .initiate()?
        .join()
        .await?;
    let mut download = manager.download().bucket(BUCKET).key("large").initiate()?;
    let mut got = Vec::new();
    while let Some(chunk) = download.body_mut().next().await {
        got.extend_from_slice(&chunk?.data.into_contiguous());
    }
    assert!(got == large);
    ok("transfer");
    let pieces = InputStream::from_part_stream(Pieces {
        left: 12 * MIB,
        number: 0,
    });
    manager
        .upload()
        .bucket(BUCKET)
        .key("stream")
        .body(pieces)
        .initiate()?
        .join()
        .await?;
    assert_eq!(get(s3, "stream", None).await?, vec![7u8; 12 * MIB]);
    ok("stream");
    Ok(())
}

async fn list_and_delete(s3: &Client) -> Outcome {
    let names: Vec<String> = (0..25).map(|i| format!("list/{i:02}")).collect();
    for name in &names {
        let body = ByteStream::from(name.clone().into_bytes());
        s3.put_object()
            .bucket(BUCKET)
            .key(name)
            .body(body)
            .send()
            .await?;
    }
    let listing = s3.list_objects_v2().bucket(BUCKET).prefix("list/");
    let mut pages = listing.into_paginator().page_size(10).send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        found.extend(
            page?
                .contents()
                .iter()
                .map(|one| one.key().unwrap().to_owned()),
        );
    }
    assert_eq!(found, names);
    ok("list");
    let mut delete = Delete::builder();
    for name in names
        .iter()
        .map(String::as_str)
        .chain([SMALL, "copied", "large", "stream"])
    {
        delete = delete.objects(ObjectIdentifier::builder().key(name).build()?);
    }
    let gone = s3
        .delete_objects()
        .bucket(BUCKET)
        .delete(delete.build()?)
        .send()
        .await?;
    assert_eq!(gone.deleted().len(), 29);
    s3.delete_bucket().bucket(BUCKET).send().await?;
    ok("delete");
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome {
    let settings = aws_config::from_env()
        .endpoint_url(std::env::var("S3_ENDPOINT")?)
        .load()
        .await;
    let config = aws_sdk_s3::config::Builder::from(&settings)
        .force_path_style(true)
        .build();
    let s3 = Client::from_conf(config);
    s3.create_bucket().bucket(BUCKET).send().await?;
    single(&s3).await?;
    changes(&s3).await?;
    transfers(&s3).await?;
    list_and_delete(&s3).await
}
