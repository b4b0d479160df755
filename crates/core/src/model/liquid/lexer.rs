//! Cuts a template into text, `{{ outputs }}` and `{% tags %}`, and the inside of those into tokens. White space beside
//! a `-` goes here, and so do `raw` (its body is text) and `comment` (its body is nothing).

use super::Fault;

/// A piece of a template, and the byte where it begins.
#[derive(Debug)]
pub(super) struct Piece<'t> {
    pub(super) at: usize,
    pub(super) kind: Kind<'t>,
}

/// What a piece is.
#[derive(Debug)]
pub(super) enum Kind<'t> {
    Text(&'t str),
    /// The inside of `{{ }}`.
    Output(&'t str),
    /// The name of a tag and the rest of it.
    Tag(&'t str, &'t str),
}

/// Cuts a template into its pieces. Takes time in proportion to the text: nothing is searched twice.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, Fault> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut trims = false;
    while !rest.is_empty() {
        let at = text.len() - rest.len();
        let (before, tail) = rest.split_at_checked(opening(rest)).unwrap_or((rest, ""));
        let before = if trims { before.trim_start() } else { before };
        let inside = tail.get(2..).unwrap_or_default();
        let before = if inside.starts_with('-') { before.trim_end() } else { before };
        push_text(&mut pieces, at, before);
        if tail.is_empty() {
            break;
        }
        let at = text.len() - tail.len();
        let is_tag = tail.starts_with("{%");
        let (open, close) = if is_tag { ("{%", "%}") } else { ("{{", "}}") };
        let Some((inside, after)) = inside.split_once(close) else {
            return Err(Fault { at, message: format!("`{open}` is not closed by `{close}`") });
        };
        trims = inside.ends_with('-');
        let inside = inside.strip_prefix('-').unwrap_or(inside);
        let inside = inside.strip_suffix('-').unwrap_or(inside).trim();
        rest = after;
        if !is_tag {
            pieces.push(Piece { at, kind: Kind::Output(inside) });
            continue;
        }
        let (name, markup) = tag(inside);
        match name {
            "raw" | "comment" => {
                let body = verbatim(after, name)
                    .ok_or_else(|| Fault { at, message: format!("`{name}` is not closed by `end{name}`") })?;
                if name == "raw" {
                    let text = if trims { body.text.trim_start() } else { body.text };
                    push_text(&mut pieces, at, if body.trims_before { text.trim_end() } else { text });
                }
                (rest, trims) = (body.after, body.trims_after);
            }
            _ => pieces.push(Piece { at, kind: Kind::Tag(name, markup) }),
        }
    }
    Ok(pieces)
}

fn push_text<'t>(pieces: &mut Vec<Piece<'t>>, at: usize, text: &'t str) {
    if !text.is_empty() {
        pieces.push(Piece { at, kind: Kind::Text(text) });
    }
}

/// Where the next `{{` or `{%` is, or the end.
fn opening(text: &str) -> usize {
    let pairs = text.bytes().zip(text.bytes().skip(1));
    pairs.into_iter().position(|pair| matches!(pair, (b'{', b'{' | b'%'))).unwrap_or(text.len())
}

/// The name of a tag, and what follows it.
fn tag(inside: &str) -> (&str, &str) {
    let end = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inside.len());
    let (name, markup) = inside.split_at_checked(end).unwrap_or_default();
    (name, markup.trim_start())
}

/// The body of `raw` or `comment`.
struct Verbatim<'t> {
    text: &'t str,
    trims_before: bool,
    trims_after: bool,
    after: &'t str,
}

/// Everything up to the closing tag. Comments nest, `raw` does not.
fn verbatim<'t>(text: &'t str, name: &str) -> Option<Verbatim<'t>> {
    let mut open = 1_usize;
    for (at, _) in text.match_indices("{%") {
        let inside = text.get(at + 2..)?;
        let trims_before = inside.starts_with('-');
        let (found, after) = tag(inside.strip_prefix('-').unwrap_or(inside).trim_start());
        if found == "comment" && name == "comment" {
            open += 1;
        }
        let trims_after = after.starts_with('-');
        let closed = after.strip_prefix('-').unwrap_or(after).strip_prefix("%}");
        let (Some(after), Some("raw" | "comment")) = (closed, found.strip_prefix("end").filter(|it| *it == name))
        else {
            continue;
        };
        open -= 1;
        if open == 0 {
            return Some(Verbatim { text: text.get(..at)?, trims_before, trims_after, after });
        }
    }
    None
}

/// A token inside an output or a tag.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'t> {
    Name(&'t str),
    Text(&'t str),
    Int(i64),
    Float(f64),
    Sign(&'static str),
}

/// Cuts the inside of an output or a tag into tokens.
pub(super) fn tokens(markup: &str) -> Result<Vec<Token<'_>>, String> {
    let mut tokens = Vec::new();
    let mut rest = markup.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '"' | '\'' => {
                let text = rest.get(1..).unwrap_or_default();
                let (text, after) =
                    text.split_once(first).ok_or_else(|| format!("a text lacks its closing {first}"))?;
                (Token::Text(text), after)
            }
            '0'..='9' => number(rest)?,
            '-' if rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) => number(rest)?,
            'a'..='z' | 'A'..='Z' | '_' => name(rest),
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                let sign = sign.ok_or_else(|| format!("the character `{first}` means nothing here"))?;
                (Token::Sign(sign), rest.get(sign.len()..).unwrap_or_default())
            }
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn name(text: &str) -> (Token<'_>, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').unwrap_or(text.len());
    let end = if text.get(end..).is_some_and(|after| after.starts_with('?')) { end + 1 } else { end };
    let (name, after) = text.split_at_checked(end).unwrap_or((text, ""));
    (Token::Name(name), after)
}

/// A whole number, or one with a fraction; the dots of a range are no fraction.
fn number(text: &str) -> Result<(Token<'_>, &str), String> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let sign = usize::from(text.starts_with('-'));
    let whole = sign + digits(text.get(sign..).unwrap_or_default());
    let fraction = text.get(whole..).and_then(|after| after.strip_prefix('.')).map_or(0, digits);
    let end = if fraction == 0 { whole } else { whole + 1 + fraction };
    let (number, after) = text.split_at_checked(end).unwrap_or((text, ""));
    let too_large = || format!("the number {number} is too large");
    let token = if fraction == 0 {
        Token::Int(number.parse().map_err(|_| too_large())?)
    } else {
        Token::Float(number.parse().ok().filter(|it: &f64| it.is_finite()).ok_or_else(too_large)?)
    };
    Ok((token, after))
}

/// Longer signs come before those that they begin with.
const SIGNS: &[&str] = &["..", "==", "!=", "<>", "<=", ">=", "|", ":", ",", ".", "[", "]", "(", ")", "<", ">", "="];
