//! Filters for HTML and URLs.

use std::fmt::Write as _;

use super::text::made;
use super::{Budget, Made, Value};
use crate::model::liquid::budget::{RenderError, Text};

pub(super) fn escape<'a>(budget: &mut Budget, input: &Value<'a>, _: &[Value<'a>]) -> Made<'a> {
    escaped(budget, input, false)
}

/// Leaves alone what is escaped already.
pub(super) fn escape_once<'a>(budget: &mut Budget, input: &Value<'a>, _: &[Value<'a>]) -> Made<'a> {
    escaped(budget, input, true)
}

fn escaped<'a>(budget: &mut Budget, input: &Value<'a>, once: bool) -> Made<'a> {
    let text = input.printed(budget)?;
    let mut out = budget.text();
    for (at, letter) in text.char_indices() {
        match letter {
            '&' if once && text.get(at + 1..).is_some_and(is_entity) => out.push("&")?,
            '&' => out.push("&amp;")?,
            '<' => out.push("&lt;")?,
            '>' => out.push("&gt;")?,
            '"' => out.push("&quot;")?,
            '\'' => out.push("&#39;")?,
            letter => out.push_char(letter)?,
        }
    }
    made(budget, out)
}

/// Whether what follows an ampersand is the rest of an entity.
fn is_entity(text: &str) -> bool {
    let (name, is_number) = text.strip_prefix('#').map_or((text, false), |digits| (digits, true));
    let fits = |byte: &u8| if is_number { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() };
    let length = name.bytes().take_while(fits).count();
    length > 0 && name.as_bytes().get(length) == Some(&b';')
}

pub(super) fn newline_to_br<'a>(budget: &mut Budget, input: &Value<'a>, _: &[Value<'a>]) -> Made<'a> {
    let text = input.printed(budget)?;
    let mut out = budget.text();
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        if lines.peek().is_some() {
            out.push(line.strip_suffix('\r').unwrap_or(line))?;
            out.push("<br />\n")?;
        } else {
            out.push(line)?;
        }
    }
    made(budget, out)
}

/// Takes out scripts, styles and comments with what is in them, then every other tag.
pub(super) fn strip_html<'a>(budget: &mut Budget, input: &Value<'a>, _: &[Value<'a>]) -> Made<'a> {
    let text = input.printed(budget)?;
    let mut blocks = budget.text();
    without(&text, &mut [("<script", "</script>"), ("<!--", "-->"), ("<style", "</style>")].map(Some), &mut blocks)?;
    let mut out = budget.text();
    without(&blocks.into_string(), &mut [Some(("<", ">"))], &mut out)?;
    made(budget, out)
}

/// Copies what stands outside of the pairs. A pair whose end is nowhere ahead is not looked for again, so that the text
/// is searched once.
fn without(text: &str, pairs: &mut [Option<(&str, &str)>], out: &mut Text) -> Result<(), RenderError> {
    let mut rest = text;
    while let Some((before, tail)) = rest.find('<').and_then(|at| rest.split_at_checked(at)) {
        out.push(before)?;
        let pair = pairs.iter_mut().find(|pair| pair.is_some_and(|(open, _)| tail.starts_with(open)));
        let inside = pair.as_ref().and_then(|pair| **pair).and_then(|(open, close)| {
            let inside = tail.get(open.len()..)?;
            inside.find(close).and_then(|at| inside.get(at + close.len()..))
        });
        if let Some(after) = inside {
            rest = after;
            continue;
        }
        if let Some(pair) = pair {
            *pair = None;
        }
        out.push("<")?;
        rest = tail.get(1..).unwrap_or_default();
    }
    out.push(rest)
}

pub(super) fn url_encode<'a>(budget: &mut Budget, input: &Value<'a>, _: &[Value<'a>]) -> Made<'a> {
    let text = input.printed(budget)?;
    let mut out = budget.text();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push_char(char::from(byte))?,
            b' ' => out.push("+")?,
            byte => write!(out, "%{byte:02X}").map_err(|_| RenderError::Output)?,
        }
    }
    made(budget, out)
}

/// Bytes that are no UTF-8 become U+FFFD.
pub(super) fn url_decode<'a>(budget: &mut Budget, input: &Value<'a>, _: &[Value<'a>]) -> Made<'a> {
    let text = input.printed(budget)?;
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok()).filter(|_| *first == b'%');
        let byte = pair.filter(|pair| !pair.starts_with('+')).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        bytes.push(byte.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    let mut out = budget.text();
    out.push(&String::from_utf8_lossy(&bytes))?;
    made(budget, out)
}
