//! Uploads in parts.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Map, json};

use super::body;
use super::checksum::{Algorithm, Checksum, etag_of_parts, md5};
use super::fault::{invalid_argument, invalid_request, malformed_xml};
use super::get::read_range;
use super::headers::{self, Headers, VERSION_ID};
use super::put::{check_key, same_etag};
use super::record::{About, Data, Part, Upload, rows};
use super::xml::Element;
use super::{S3, Target, acl};
use crate::wire::{self, Call, Content, Fault, Reply};

/// The smallest part but for the last, in bytes.
const SMALLEST: u64 = 5 * 1024 * 1024;

impl S3 {
    pub(super) fn create_upload(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        check_key(&at.key)?;
        let mut state = self.state();
        let about = About::read(call, state.bucket(&at.bucket)?)?;
        let algorithm = call.header("x-amz-checksum-algorithm");
        let algorithm = algorithm.map(Algorithm::read).transpose()?;
        let checksum = algorithm.map(|algorithm| {
            // The 64-bit one is always of all bytes.
            let full = call.header("x-amz-checksum-type") == Some("FULL_OBJECT")
                || algorithm == Algorithm::Crc64Nvme;
            (algorithm.name().to_owned(), full)
        });
        let upload = Upload {
            begun: at.now,
            tags: headers::tags(call)?,
            checksum,
            about,
            parts: BTreeMap::new(),
        };
        let id = uuid::Uuid::new_v4().simple().to_string();
        let mut headers = Headers::default();
        headers.encryption(&upload.about);
        if let Some((name, full)) = &upload.checksum {
            headers.set("x-amz-checksum-algorithm", name);
            let kind = if *full { "FULL_OBJECT" } else { "COMPOSITE" };
            headers.set("x-amz-checksum-type", kind);
        }
        state
            .uploads
            .put(&format!("{}{id}", rows(&at.bucket, &at.key)), upload)?;
        let mut reply = Reply::output(json!({"InitiateMultipartUploadResult": {
            "Bucket": at.bucket,
            "Key": at.key,
            "UploadId": id,
        }}));
        reply.headers = headers.0;
        Ok(reply)
    }

    pub(super) async fn upload_part(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        let number = part_number(call)?;
        let (_, upload) = self.upload(call, at)?;
        let received = body::Upload::read(call)?;
        let checksum = match (received.checksum, &upload.checksum) {
            (Some(checksum), _) => Some(checksum),
            (None, Some((name, _))) => Some(Algorithm::read(name)?.of(&received.bytes)),
            (None, None) => None,
        };
        let part = Part {
            file: self.write_file(&received.bytes).await?,
            size: received.bytes.len() as u64,
            etag: hex::encode(received.md5),
            checksum,
            modified: at.now,
        };
        let mut headers = Headers::default();
        headers.set("etag", format!("\"{}\"", part.etag));
        headers.encryption(&upload.about);
        if let Some(checksum) = &part.checksum {
            headers.set(&checksum.algorithm.header(), &checksum.value);
        }
        self.keep_part(call, at, number, part)?;
        let mut reply = Reply::with_status(StatusCode::OK, Content::Empty);
        reply.headers = headers.0;
        Ok(reply)
    }

    pub(super) async fn copy_part(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        let number = part_number(call)?;
        let (_, upload) = self.upload(call, at)?;
        let source = self.source(call)?;
        let range = match call.header("x-amz-copy-source-range") {
            Some(range) => read_range(range, source.data.size)?,
            None => None,
        };
        let range = range.map(|(from, to)| (from, to - from + 1));
        let bytes = self.read_file(&source.data.file, range).await?;
        let checksum = match &upload.checksum {
            Some((name, _)) => Some(Algorithm::read(name)?.of(&bytes)),
            None => None,
        };
        let part = Part {
            file: self.write_file(&bytes).await?,
            size: bytes.len() as u64,
            etag: hex::encode(md5(&bytes)),
            checksum,
            modified: at.now,
        };
        let etag = format!("\"{}\"", part.etag);
        self.keep_part(call, at, number, part)?;
        Ok(Reply::output(json!({"CopyPartResult": {
            "ETag": etag,
            "LastModified": wire::time(at.now),
        }})))
    }

    fn upload(&self, call: &Call, at: &Target) -> Result<(String, Upload), Fault> {
        let id = call.query("uploadId").unwrap_or_default();
        self.state().upload(&at.bucket, &at.key, id)
    }

    fn keep_part(&self, call: &Call, at: &Target, number: u16, part: Part) -> Result<(), Fault> {
        let file = part.file.clone();
        let id = call.query("uploadId").unwrap_or_default();
        let kept = {
            let mut state = self.state();
            state
                .upload(&at.bucket, &at.key, id)
                .and_then(|(row, mut upload)| {
                    let replaced = upload.parts.insert(number, part);
                    state.uploads.put(&row, upload)?;
                    Ok(replaced.map(|part| part.file))
                })
        };
        match kept {
            Ok(replaced) => {
                self.remove_files(&replaced.into_iter().collect::<Vec<_>>());
                Ok(())
            }
            Err(fault) => {
                self.remove_files(&[file]);
                Err(fault)
            }
        }
    }

    pub(super) async fn complete_upload(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        let (row, upload) = self.upload(call, at)?;
        let root = Element::read(
            &call.body,
            &["CompleteMultipartUpload", "CompleteMultipartUploadRequest"],
        )?;
        let parts = chosen(&upload, &root)?;
        let mut bytes = Vec::new();
        for part in &parts {
            bytes.extend_from_slice(&self.read_file(&part.file, None).await?);
        }
        let etags: Vec<&str> = parts.iter().map(|part| part.etag.as_str()).collect();
        let checksum = checksum(&upload, &parts, &bytes)?;
        let data = Data {
            file: self.write_file(&bytes).await?,
            size: bytes.len() as u64,
            etag: etag_of_parts(&etags),
            checksum,
            parts: Some(parts.len()),
            tags: upload.tags.clone(),
            about: upload.about.clone(),
        };
        let mut headers = Headers::default();
        headers.encryption(&data.about);
        let mut out = Map::from_iter([
            (
                "Location".to_owned(),
                json!(format!("/{}/{}", at.bucket, at.key)),
            ),
            ("Bucket".to_owned(), json!(at.bucket)),
            ("Key".to_owned(), json!(at.key)),
            ("ETag".to_owned(), json!(format!("\"{}\"", data.etag))),
        ]);
        if let Some(checksum) = &data.checksum {
            let member = format!("Checksum{}", checksum.algorithm.name());
            out.insert(member, json!(checksum.value));
            out.insert("ChecksumType".to_owned(), json!(checksum.kind()));
        }
        if let Some(version) = self.keep(call, at, data)? {
            headers.set(VERSION_ID.as_str(), version);
        }
        self.forget(&row)?;
        let mut reply = Reply::output(json!({ "CompleteMultipartUploadResult": out }));
        reply.headers = headers.0;
        Ok(reply)
    }

    pub(super) fn abort_upload(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        let (row, _) = self.upload(call, at)?;
        self.forget(&row)?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }

    /// Removes an upload and its files.
    fn forget(&self, row: &str) -> Result<(), Fault> {
        let gone = self.state().uploads.remove(row)?;
        let files = gone
            .into_iter()
            .flat_map(|upload| upload.parts.into_values());
        self.remove_files(&files.map(|part| part.file).collect::<Vec<_>>());
        Ok(())
    }

    pub(super) fn list_parts(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        let (_, upload) = self.upload(call, at)?;
        let number = |name: &str| call.query(name).and_then(|text| text.parse::<u16>().ok());
        let after = number("part-number-marker").unwrap_or_default();
        let most = usize::from(number("max-parts").unwrap_or(1000).min(1000));
        let mut left = upload.parts.range(after + 1..);
        let listed: Vec<_> = left.by_ref().take(most).collect();
        let more = left.next().is_some();
        let last = listed.last().map_or(after, |(number, _)| **number);
        let parts: Vec<_> = listed
            .into_iter()
            .map(|(number, part)| {
                json!({
                    "PartNumber": number,
                    "LastModified": wire::time(part.modified),
                    "ETag": format!("\"{}\"", part.etag),
                    "Size": part.size,
                })
            })
            .collect();
        Ok(Reply::output(json!({"ListPartsResult": {
            "Bucket": at.bucket,
            "Key": at.key,
            "UploadId": call.query("uploadId"),
            "PartNumberMarker": after,
            "NextPartNumberMarker": last,
            "MaxParts": most,
            "IsTruncated": more,
            "Part": wire::flat(parts),
            "Initiator": acl::owner(),
            "Owner": acl::owner(),
            "StorageClass": upload.about.class.as_deref().unwrap_or("STANDARD"),
        }})))
    }

    pub(super) fn list_uploads(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        let state = self.state();
        state.bucket(&at.bucket)?;
        let start = format!("{}/", at.bucket);
        let prefix = call.query("prefix").unwrap_or_default();
        for name in ["delimiter", "key-marker", "upload-id-marker"] {
            if call.query(name).is_some_and(|value| !value.is_empty()) {
                return Err(Fault::absent(format!("{name} in lists of uploads")));
            }
        }
        let uploads: Vec<_> = state
            .uploads
            .under(&format!("{start}{prefix}"))
            .filter_map(|(row, upload)| {
                let (key, id) = row[start.len()..].rsplit_once('\u{0}')?;
                Some(json!({
                    "Key": key,
                    "UploadId": id,
                    "Initiator": acl::owner(),
                    "Owner": acl::owner(),
                    "StorageClass": upload.about.class.as_deref().unwrap_or("STANDARD"),
                    "Initiated": wire::time(upload.begun),
                }))
            })
            .collect();
        let most = uploads.len().max(1000);
        Ok(Reply::output(json!({"ListMultipartUploadsResult": {
            "Bucket": at.bucket,
            "KeyMarker": "",
            "UploadIdMarker": "",
            "Prefix": prefix,
            "MaxUploads": most,
            "IsTruncated": false,
            "Upload": wire::flat(uploads),
        }})))
    }
}

fn part_number(call: &Call) -> Result<u16, Fault> {
    let text = call.query("partNumber").unwrap_or_default();
    match text.parse() {
        Ok(number @ 1..=10_000) => Ok(number),
        Ok(_) | Err(_) => Err(invalid_argument(
            "Part number must be an integer between 1 and 10000, inclusive",
            "partNumber",
            text,
        )),
    }
}

/// The parts that a request wants to make the object of, in order.
fn chosen<'a>(upload: &'a Upload, root: &Element) -> Result<Vec<&'a Part>, Fault> {
    let mut parts: Vec<&Part> = Vec::new();
    let mut before = 0;
    for wanted in root.all("Part") {
        let number = wanted
            .get("PartNumber")
            .and_then(|text| text.parse::<u16>().ok());
        let number = number.ok_or_else(malformed_xml)?;
        let etag = wanted.get("ETag").ok_or_else(malformed_xml)?;
        if number <= before {
            return Err(Fault::bad(
                "InvalidPartOrder",
                "The list of parts was not in ascending order. The parts list must be specified in order by part number.",
            ));
        }
        before = number;
        match upload.parts.get(&number) {
            Some(part) if same_etag(etag, &part.etag) => parts.push(part),
            Some(_) | None => {
                return Err(Fault::bad(
                    "InvalidPart",
                    "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
                )
                .field("PartNumber", number.to_string()));
            }
        }
    }
    let Some((_, but_last)) = parts.split_last() else {
        return Err(malformed_xml());
    };
    if but_last.iter().any(|part| part.size < SMALLEST) {
        return Err(Fault::bad(
            "EntityTooSmall",
            "Your proposed upload is smaller than the minimum allowed size",
        ));
    }
    Ok(parts)
}

/// The checksum of the whole object.
fn checksum(upload: &Upload, parts: &[&Part], bytes: &[u8]) -> Result<Option<Checksum>, Fault> {
    let Some((name, full)) = &upload.checksum else {
        return Ok(Some(Algorithm::Crc64Nvme.of(bytes)));
    };
    let algorithm = Algorithm::read(name)?;
    if *full {
        return Ok(Some(algorithm.of(bytes)));
    }
    let of_parts: Vec<Checksum> = parts
        .iter()
        .filter_map(|part| part.checksum.clone())
        .collect();
    if of_parts.len() < parts.len() || of_parts.iter().any(|c| c.algorithm != algorithm) {
        return Err(invalid_request(
            "The upload was created using another checksum algorithm than its parts.",
        ));
    }
    Ok(algorithm.composite(&of_parts))
}
