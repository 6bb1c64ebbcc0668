//! HTTP requests with the responses that follow them on the same descriptor.
//!
//! In: chosen I/O events with their data. Out: a record for each response, listed or grouped.
//! Next: `table` or `rows`.
//!
//! A record has these values, in this order: time of the response (ns), `>` for requests that the
//! process sent and `<` for those it received, method, URL with the host, status code, time from
//! request to response (ns), `Content-Length`; then the fields that the plan adds.

use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde_json::Value as Json;

use super::rows::{Rows, RowsRow};
use super::table::{key, Input, Table, TableRow};
use super::{check_fields, Sink};
use crate::ctx::Ctx;
use crate::error::Result;
use crate::extract::Extractors;
use crate::source::Block;
use crate::tables::flag;
use crate::value::Value;

/// Most requests that may wait for a response; beyond it they are forgotten.
const MAX_PENDING: usize = 1 << 16;

/// Values of a record before the fields that the plan adds.
const RECORD_LEN: usize = 7;

/// Longest method name looked for.
const MAX_METHOD: usize = 20;

/// What becomes of the records.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Into {
    /// They are grouped; fields are positions in the record.
    Table(TableRow),
    /// They are listed; fields are positions in the record.
    Rows(RowsRow),
}

/// The sink as the plan declares it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpRow {
    /// Position of the field that holds the data.
    pub data: usize,
    /// Positions of the fields that tell connections apart.
    pub connection: Vec<usize>,
    /// Positions of the fields added to each record.
    pub fields: Vec<usize>,
    /// What becomes of the records.
    pub into: Into,
}

enum Consumer {
    Table(Box<Table>),
    Rows(Rows),
}

/// A request without its response.
struct Request {
    ts_ns: u64,
    sent: bool,
    method: Vec<u8>,
    url: Vec<u8>,
}

/// Pairs requests and responses.
pub struct HttpSink {
    data: usize,
    connection: Vec<usize>,
    fields: Vec<usize>,
    consumer: Consumer,
    pending: FxHashMap<Box<[u8]>, Request>,
    key: Vec<u8>,
}

impl HttpSink {
    /// Checks the plan's row.
    ///
    /// # Errors
    /// [`crate::error::Error::Plan`] for a field that is not in the plan, and those of the
    /// consumer.
    pub fn new(row: &HttpRow, fields: &Extractors) -> Result<Self> {
        let used = row.connection.iter().chain(&row.fields).chain([&row.data]);
        check_fields(used, fields.len())?;
        let known = RECORD_LEN + row.fields.len();
        let consumer = match &row.into {
            Into::Table(row) => Consumer::Table(Box::new(Table::new(row, fields, known)?)),
            Into::Rows(row) => Consumer::Rows(Rows::new(row, known)?),
        };
        Ok(HttpSink {
            data: row.data,
            connection: row.connection.clone(),
            fields: row.fields.clone(),
            consumer,
            pending: FxHashMap::default(),
            key: Vec::new(),
        })
    }

    fn note_key(&mut self, ctx: &Ctx<'_>, fields: &Extractors) {
        self.key.clear();
        for field in &self.connection {
            match fields.extract(*field, ctx) {
                Some(value) => key::encode(&mut self.key, &value),
                None => key::encode_absent(&mut self.key),
            }
        }
    }

    fn ask(&mut self, request: Request) {
        if self.pending.len() >= MAX_PENDING {
            self.pending.clear();
        }
        self.pending.insert(self.key.as_slice().into(), request);
    }

    fn answer(&mut self, data: &[u8], code: u64, ctx: &Ctx<'_>, fields: &Extractors) {
        let Some(request) = self.pending.remove(self.key.as_slice()) else { return };
        let mut record = vec![
            Some(Value::Uint(ctx.ev.ts_ns)),
            Some(Value::text(if request.sent { b">" } else { b"<" })),
            Some(Value::owned(request.method)),
            Some(Value::owned(request.url)),
            Some(Value::Uint(code)),
            Some(Value::Uint(ctx.ev.ts_ns.saturating_sub(request.ts_ns))),
            header(data, b"content-length").and_then(decimal).map(Value::Uint),
        ];
        record.extend(self.fields.iter().map(|f| fields.extract(*f, ctx)));
        match &mut self.consumer {
            Consumer::Table(table) => table.take(Input::Record(&record)),
            Consumer::Rows(rows) => rows.take(Input::Record(&record)),
        }
    }
}

/// Method and URL of a request that begins `data`.
fn request(data: &[u8]) -> Option<(&[u8], Vec<u8>)> {
    let space = data.iter().take(MAX_METHOD + 1).position(|b| *b == b' ')?;
    let (method, rest) = data.split_at_checked(space)?;
    if method.len() < 3 || !method.iter().all(u8::is_ascii_uppercase) {
        return None;
    }
    let rest = rest.get(1..)?;
    let end = rest.iter().position(|b| matches!(b, b' ' | b'\r' | b'\n')).unwrap_or(rest.len());
    let (path, after) = rest.split_at_checked(end)?;
    if path.is_empty() || !(after.is_empty() || after.starts_with(b" HTTP/")) {
        return None;
    }
    let mut url = header(data, b"host").unwrap_or_default().to_vec();
    url.extend_from_slice(path);
    Some((method, url))
}

/// Status code of a response that begins `data`.
fn response(data: &[u8]) -> Option<u64> {
    let rest = data.strip_prefix(b"HTTP/")?;
    let space = rest.iter().take(8).position(|b| *b == b' ')?;
    let code = rest.get(space + 1..space + 4)?;
    decimal(code)
}

/// The value of header `name` (lower case) in the head of a message.
fn header<'a>(data: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    for line in data.split(|b| *b == b'\n').skip(1) {
        let line = line.trim_ascii();
        if line.is_empty() {
            return None;
        }
        let Some((key, value)) = line.split_at_checked(name.len()) else { continue };
        if key.eq_ignore_ascii_case(name) {
            if let Some(value) = value.strip_prefix(b":") {
                return Some(value.trim_ascii());
            }
        }
    }
    None
}

fn decimal(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

impl Sink for HttpSink {
    fn metadata(&mut self, _block: &Block<'_>) -> Result<()> {
        Ok(())
    }

    fn event(&mut self, ctx: &Ctx<'_>, _block: &Block<'_>, fields: &Extractors) -> Result<bool> {
        let data = match fields.extract(self.data, ctx) {
            Some(Value::Bytes(bytes) | Value::Text(bytes)) => bytes,
            _ => return Ok(false),
        };
        self.note_key(ctx, fields);
        if let Some((method, url)) = request(&data) {
            let sent = ctx.ev.info.has(flag::WRITES_TO_FD);
            self.ask(Request { ts_ns: ctx.ev.ts_ns, sent, method: method.to_vec(), url });
        } else if let Some(code) = response(&data) {
            self.answer(&data, code, ctx, fields);
        }
        Ok(true)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    fn result(&mut self, reset: bool) -> Option<Json> {
        Some(match &mut self.consumer {
            Consumer::Table(table) => table.result(reset),
            Consumer::Rows(rows) => rows.result(),
        })
    }

    fn is_full(&self) -> bool {
        matches!(&self.consumer, Consumer::Rows(rows) if rows.is_full())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_found_with_their_host() {
        let data = b"GET /a?b HTTP/1.1\r\nAccept: */*\r\nhOST: example.com\r\n\r\nHost: no";
        let (method, url) = request(data).unwrap();
        assert_eq!((method, url.as_slice()), (&b"GET"[..], &b"example.com/a?b"[..]));
        assert_eq!(request(b"POST /cut-after-the-pa").unwrap().1, b"/cut-after-the-pa");
    }

    #[test]
    fn what_is_no_request_is_none() {
        for data in [&b""[..], b"GET", b"get / HTTP/1.1", b"GET  HTTP/1.1", b"BEGIN WORK now\n"] {
            assert!(request(data).is_none(), "{data:?}");
        }
    }

    #[test]
    fn responses_have_a_code_and_a_length() {
        let data = b"HTTP/1.1 404 Not Found\r\nContent-Length: 17\r\n\r\n";
        assert_eq!(response(data), Some(404));
        assert_eq!(header(data, b"content-length").and_then(decimal), Some(17));
        assert_eq!(response(b"HTTP/1.1"), None);
        assert_eq!(response(b"HTTP/1.1 2x0 "), None);
    }

    #[test]
    fn a_header_of_the_body_is_none_of_the_head() {
        assert_eq!(header(b"HTTP/1.1 200 OK\r\n\r\nContent-Length: 5", b"content-length"), None);
    }
}
