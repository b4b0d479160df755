//! What a test looks at: answers and log events, printed whole for snapshots.

use std::fmt;

use bytes::Bytes;
use expect_test::Expect;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

/// An answer. It prints as status, headers, body; headers that say nothing here are left out: the length, the request's name,
/// `vary: Origin`, and the rate-limit headers of a bucket that is never empty.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The address that was asked.
    pub(crate) at: String,
}

impl Answer {
    /// The body as JSON; null when it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A text member of the body; empty when there is none.
    pub(crate) fn text(&self, name: &str) -> String {
        self.json().get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// A header; empty when there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Compares the whole answer.
    pub(crate) fn is(&self, expected: Expect) {
        expected.assert_eq(&self.to_string());
    }

    /// Status and body on one line.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.status.as_u16(), String::from_utf8_lossy(&self.body))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status)?;
        let unlimited = self.header("x-ratelimit-limit") == "100";
        let dull = |name: &str| {
            name == "content-length" || name == "x-request-id" || (unlimited && name.starts_with("x-ratelimit"))
        };
        let mut names: Vec<&str> = self.headers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        for name in names.iter().filter(|name| !dull(name)) {
            for value in self.headers.get_all(*name) {
                let value = value.to_str().unwrap();
                if (*name, value) != ("vary", "Origin") {
                    writeln!(f, "{name}: {value}")?;
                }
            }
        }
        match serde_json::from_slice::<Value>(&self.body) {
            Ok(body) => writeln!(f, "\n{body:#}"),
            Err(_) if self.body.is_empty() => Ok(()),
            Err(_) => writeln!(f, "\n{}", String::from_utf8_lossy(&self.body)),
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that grows line by line, for snapshots.
pub(crate) trait Lines {
    fn line(&mut self, line: impl fmt::Display);
}

impl Lines for String {
    fn line(&mut self, line: impl fmt::Display) {
        self.push_str(&line.to_string());
        self.push('\n');
    }
}

/// Tenant-log events. They print whole but for their ids, which depend on what else runs in this process.
#[derive(Debug)]
pub(crate) struct Logs(pub(crate) Vec<Map<String, Value>>);

impl Logs {
    /// Their types.
    pub(crate) fn kinds(&self) -> Vec<String> {
        self.0.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }

    /// One line each: `f: Connection does not exist`.
    pub(crate) fn lines(&self) -> Vec<String> {
        let text = |event: &Map<String, Value>, name: &str| event[name].as_str().unwrap().to_owned();
        self.0.iter().map(|event| format!("{}: {}", text(event, "type"), text(event, "description"))).collect()
    }

    /// Compares the whole events.
    pub(crate) fn are(&self, expected: Expect) {
        expected.assert_eq(&self.to_string());
    }
}

impl fmt::Display for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for event in &self.0 {
            let event: Map<String, Value> = event
                .iter()
                .filter(|(name, _)| !["_id", "log_id"].contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            writeln!(f, "{:#}", Value::Object(event))?;
        }
        Ok(())
    }
}
