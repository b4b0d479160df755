//! Reads a small `multipart/form-data` body that is whole in memory (RFC 7578): names and bytes of its parts.

/// One part.
#[derive(Debug, PartialEq, Eq)]
pub struct Part<'b> {
    /// `name` of its `Content-Disposition`.
    pub name: String,
    /// Its bytes, untouched.
    pub body: &'b [u8],
}

/// The parts of a body, given the value of its `Content-Type`; the error is a sentence.
pub fn parts<'b>(content_type: &str, body: &'b [u8]) -> Result<Vec<Part<'b>>, &'static str> {
    let mut pieces = content_type.split(';').map(str::trim);
    if !pieces.next().is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/form-data")) {
        return Err("Expected multipart/form-data");
    }
    let boundary = pieces.find_map(|piece| parameter(piece, "boundary")).ok_or("Multipart body without a boundary")?;
    let delimiter = format!("\r\n--{boundary}");
    // What stands before the first delimiter means nothing; the first one may stand at the very beginning.
    let first = delimiter.get(2..).unwrap_or_default().as_bytes();
    let mut rest = match body.strip_prefix(first) {
        Some(rest) => rest,
        None => after(body, delimiter.as_bytes()).ok_or(BROKEN)?.1,
    };
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        if parts.len() == MOST_PARTS {
            return Err("Too many parts in a multipart body");
        }
        let start = rest.strip_prefix(b"\r\n").ok_or(BROKEN)?;
        let (part, next) = after(start, delimiter.as_bytes()).ok_or(BROKEN)?;
        let (head, body) = match part.strip_prefix(b"\r\n") {
            Some(body) => (&b""[..], body),
            None => after(part, b"\r\n\r\n").ok_or(BROKEN)?,
        };
        parts.push(Part { name: name(head).ok_or("Part of a multipart body without a name")?, body });
        rest = next;
    }
}

/// What stands before and after the first `needle`.
fn after<'b>(body: &'b [u8], needle: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let at = body.windows(needle.len()).position(|window| window == needle)?;
    Some((body.get(..at)?, body.get(at + needle.len()..)?))
}

fn name(head: &[u8]) -> Option<String> {
    let head = std::str::from_utf8(head).ok()?;
    let line = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let mut pieces = line.split(';').map(str::trim);
    pieces.next().filter(|kind| kind.eq_ignore_ascii_case("form-data"))?;
    pieces.find_map(|piece| parameter(piece, "name"))
}

/// The value of `name=value` or `name="value"`; an empty one is none.
fn parameter(piece: &str, wanted: &str) -> Option<String> {
    let (name, value) = piece.split_once('=')?;
    let value = value.trim();
    let value = value.strip_prefix('"').map_or(value, |value| value.strip_suffix('"').unwrap_or(value));
    (name.trim().eq_ignore_ascii_case(wanted) && !value.is_empty()).then(|| value.to_owned())
}

const BROKEN: &str = "The multipart body could not be read";
const MOST_PARTS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_as_clients_write_them() {
        let body = b"--x\r\nContent-Disposition: form-data; name=\"users\"; filename=\"u.json\"\r\n\
            Content-Type: application/json\r\n\r\n[{\r\n--y\r\n}]\r\n--x\r\ncontent-disposition: form-data; name=upsert\r\n\r\n\
            true\r\n--x--\r\n";
        for kind in ["multipart/form-data; boundary=x", "Multipart/Form-Data; charset=utf-8; boundary=\"x\""] {
            let parts = parts(kind, body).unwrap();
            assert_eq!(parts[0], Part { name: "users".into(), body: b"[{\r\n--y\r\n}]" });
            assert_eq!(parts[1], Part { name: "upsert".into(), body: b"true" });
            assert_eq!(parts.len(), 2);
        }
        let with_preamble = [b"hello\r\n".as_slice(), body].concat();
        assert_eq!(parts("multipart/form-data; boundary=x", &with_preamble).unwrap().len(), 2);
        assert_eq!(parts("multipart/form-data; boundary=x", b"--x--").unwrap(), []);
    }

    #[test]
    fn a_body_that_is_none_is_refused() {
        let good = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--";
        assert!(parts("multipart/form-data; boundary=x", good).is_ok());
        for (kind, body) in [
            ("", good.as_slice()),
            ("application/json", good),
            ("multipart/form-data", good),
            ("multipart/form-data; boundary=", good),
            ("multipart/form-data; boundary=y", good),
            ("multipart/form-data; boundary=x", b""),
            ("multipart/form-data; boundary=x", b"--x"),
            ("multipart/form-data; boundary=x", b"--x\r\n\r\n1"),
            ("multipart/form-data; boundary=x", b"--x\r\n\r\n1\r\n--x--"),
            ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--"),
            ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n1\r\n--x--"),
        ] {
            assert!(parts(kind, body).is_err(), "{kind} {}", String::from_utf8_lossy(body));
        }
        for end in 0..good.len() - 2 {
            assert!(parts("multipart/form-data; boundary=x", &good[..end]).is_err(), "{end}");
        }
        let many = "--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n".repeat(101);
        assert!(parts("multipart/form-data; boundary=x", format!("{many}--x--").as_bytes()).is_err());
    }
}
