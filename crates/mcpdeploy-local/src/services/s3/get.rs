//! Getting objects.

use http::StatusCode;
use time::{Duration, OffsetDateTime};

use super::fault::precondition_failed;
use super::headers::{Headers, read_http_date};
use super::put::same_etag;
use super::record::{Data, Object};
use super::{S3, Target};
use crate::wire::{Call, Content, Fault, Reply, full};

impl S3 {
    pub(super) async fn get_object(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        let (status, headers, data, part) = self.look(call, at)?;
        let bytes = self.read_file(&data.file, Some(part)).await?;
        let mut reply = Reply::with_status(status, Content::Raw(full(bytes)));
        reply.headers = headers.0;
        Ok(reply)
    }

    pub(super) fn head_object(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        let (status, mut headers, _, (_, count)) = self.look(call, at)?;
        headers.set("content-length", count.to_string());
        let mut reply = Reply::with_status(status, Content::Raw(full("")));
        reply.headers = headers.0;
        Ok(reply)
    }

    /// Everything but the bytes: where they begin, and how many are wanted.
    fn look(
        &self,
        call: &Call,
        at: &Target,
    ) -> Result<(StatusCode, Headers, Data, (u64, u64)), Fault> {
        super::bucket::check_owner(call)?;
        let version = call.query("versionId");
        let (object, data) = self.state().data(&at.bucket, &at.key, version)?;
        check_conditions(call, &object, &data, "")?;
        let mut headers = Headers::default();
        headers.object(call, &object, &data);
        let range = call.header("range");
        let part = match range {
            Some(range) => read_range(range, data.size)?,
            None => None,
        };
        let Some((from, to)) = part else {
            if call.header("x-amz-checksum-mode").is_some() {
                headers.checksum(data.checksum.as_ref());
            }
            let size = data.size;
            return Ok((StatusCode::OK, headers, data, (0, size)));
        };
        headers.set("content-range", format!("bytes {from}-{to}/{}", data.size));
        Ok((
            StatusCode::PARTIAL_CONTENT,
            headers,
            data,
            (from, to - from + 1),
        ))
    }
}

/// First and last byte of a range; none when it is to be ignored, as HTTP wants it.
pub(super) fn read_range(range: &str, size: u64) -> Result<Option<(u64, u64)>, Fault> {
    let unsatisfiable = || {
        Fault::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "InvalidRange",
            "The requested range is not satisfiable",
        )
        .field("RangeRequested", range)
        .field("ActualObjectSize", size.to_string())
    };
    // More than one range is answered as none.
    let one = range.strip_prefix("bytes=").filter(|r| !r.contains(','));
    let Some((from, to)) = one.and_then(|range| range.split_once('-')) else {
        return Ok(None);
    };
    let number = |text: &str| text.trim().parse::<u64>();
    let found = match (from.trim(), to.trim()) {
        ("", "") => return Ok(None),
        ("", last) => match number(last) {
            Ok(0) => return Err(unsatisfiable()),
            Ok(count) if size > 0 => (size.saturating_sub(count), size - 1),
            Ok(_) => return Err(unsatisfiable()),
            Err(_) => return Ok(None),
        },
        (from, "") => match number(from) {
            Ok(from) => (from, size.saturating_sub(1)),
            Err(_) => return Ok(None),
        },
        (from, to) => match (number(from), number(to)) {
            (Ok(from), Ok(to)) if from <= to => (from, to.min(size.saturating_sub(1))),
            (Ok(_) | Err(_), _) => return Ok(None),
        },
    };
    if found.0 >= size {
        return Err(unsatisfiable());
    }
    Ok(Some(found))
}

/// The conditions of reads, and with a prefix those of copies.
pub(super) fn check_conditions(
    call: &Call,
    object: &Object,
    data: &Data,
    prefix: &str,
) -> Result<(), Fault> {
    let header = |name: &str| call.header(&format!("{prefix}{name}"));
    let date = |name: &str| header(name).and_then(read_http_date);
    let modified = to_second(object.modified);
    let etags = |list: &str| list.split(',').any(|etag| same_etag(etag, &data.etag));
    if let Some(list) = header("if-match") {
        if !etags(list) {
            return Err(precondition_failed("If-Match"));
        }
    } else if date("if-unmodified-since").is_some_and(|since| modified > since) {
        return Err(precondition_failed("If-Unmodified-Since"));
    }
    let unchanged = match header("if-none-match") {
        Some(list) => etags(list).then_some("If-None-Match"),
        None => date("if-modified-since")
            .filter(|since| modified <= *since)
            .map(|_| "If-Modified-Since"),
    };
    match unchanged {
        None => Ok(()),
        Some(condition) if !prefix.is_empty() => Err(precondition_failed(condition)),
        Some(_) => {
            let mut headers = Headers::default();
            headers.object(call, object, data);
            let mut fault = Fault::new(StatusCode::NOT_MODIFIED, "NotModified", "Not Modified");
            fault.headers = headers.0;
            Err(fault)
        }
    }
}

fn to_second(at: OffsetDateTime) -> OffsetDateTime {
    at - Duration::nanoseconds(i64::from(at.nanosecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (range, size, wanted) in [
            ("bytes=0-4", 10, Ok(Some((0, 4)))),
            ("bytes=5-", 10, Ok(Some((5, 9)))),
            ("bytes=-3", 10, Ok(Some((7, 9)))),
            ("bytes=-30", 10, Ok(Some((0, 9)))),
            ("bytes=0-99", 10, Ok(Some((0, 9)))),
            ("bytes=10-", 10, Err("InvalidRange")),
            ("bytes=0-", 0, Err("InvalidRange")),
            ("bytes=-0", 10, Err("InvalidRange")),
            ("bytes=4-2", 10, Ok(None)),
            ("bytes=0-1,3-4", 10, Ok(None)),
            ("items=0-1", 10, Ok(None)),
            ("bytes=a-b", 10, Ok(None)),
        ] {
            let found = read_range(range, size).map_err(|fault| fault.code);
            assert_eq!(found, wanted.map_err(str::to_owned), "{range} of {size}");
        }
    }
}
