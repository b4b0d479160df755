//! Cuts a query into tokens. Every character either belongs to one or is refused by name.

use std::iter::Peekable;
use std::str::Chars;

/// A token of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Word(Word),
    Phrase(String),
    Range(Range),
    Colon,
    Open,
    Close,
    And,
    Or,
    Not,
    Plus,
    Minus,
}

/// A word as the texts between its `*`: one text when it has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word(pub(super) Vec<String>);

impl Word {
    /// The word, when it has no wildcard.
    pub(super) fn literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [text] => Some(text),
            _ => None,
        }
    }

    /// Whether it is nothing but a `*`.
    pub(super) fn is_star(&self) -> bool {
        self.0.len() == 2 && self.0.iter().all(String::is_empty)
    }
}

/// `[low TO high]`; a bound that is `*` is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) low: Option<String>,
    pub(super) high: Option<String>,
    /// Whether the bounds themselves belong to the range.
    pub(super) closed: (bool, bool),
}

type Text<'q> = Peekable<Chars<'q>>;

/// All tokens of a query, or a clause that says what is wrong.
pub(super) fn tokens(query: &str) -> Result<Vec<Token>, String> {
    let mut text = query.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(&next) = text.peek() {
        let simple = match next {
            space if space.is_whitespace() => {
                text.next();
                continue;
            }
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            ':' => Some(Token::Colon),
            '+' => Some(Token::Plus),
            '-' => Some(Token::Minus),
            '!' => Some(Token::Not),
            _ => None,
        };
        if let Some(token) = simple {
            text.next();
            tokens.push(token);
            continue;
        }
        tokens.push(match next {
            '"' => Token::Phrase(phrase(&mut text)?),
            '[' | '{' => Token::Range(range(&mut text)?),
            '/' => return Err("regular expressions are not supported".to_owned()),
            '<' | '>' => return Err("write comparisons as ranges: [10 TO *]".to_owned()),
            _ => word(&mut text)?,
        });
    }
    Ok(tokens)
}

fn word(text: &mut Text<'_>) -> Result<Token, String> {
    let (mut parts, mut current, mut escaped) = (Vec::new(), String::new(), false);
    while let Some(&next) = text.peek() {
        match next {
            end if end.is_whitespace() || matches!(end, '(' | ')' | ':' | '"' | '[' | '{') => break,
            '*' => parts.push(std::mem::take(&mut current)),
            '\\' => {
                text.next();
                escaped = true;
                current.push(*text.peek().ok_or("a backslash at the end escapes nothing")?);
            }
            '?' => return Err("the wildcard ? is not supported".to_owned()),
            '~' => return Err("fuzzy and proximity searches (~) are not supported".to_owned()),
            '^' => return Err("boosting (^) is not supported".to_owned()),
            ']' | '}' | '!' => return Err(format!("{next} must be escaped or in quotation marks")),
            plain => current.push(plain),
        }
        text.next();
    }
    parts.push(current);
    let word = Word(parts);
    Ok(match word.literal().filter(|_| !escaped) {
        Some("AND" | "&&") => Token::And,
        Some("OR" | "||") => Token::Or,
        Some("NOT") => Token::Not,
        _ => Token::Word(word),
    })
}

/// Reads from the opening quotation mark to the closing one.
fn phrase(text: &mut Text<'_>) -> Result<String, String> {
    text.next();
    let mut phrase = String::new();
    loop {
        match text.next() {
            Some('"') => return Ok(phrase),
            Some('\\') => phrase.extend(text.next()),
            Some(plain) => phrase.push(plain),
            None => return Err("a quotation mark is not closed".to_owned()),
        }
    }
}

fn range(text: &mut Text<'_>) -> Result<Range, String> {
    const FORM: &str = "a range is written [low TO high] or {low TO high}";
    let closed_below = text.next() == Some('[');
    let low = bound(text)?;
    if bound(text)? != Some("TO".to_owned()) {
        return Err(FORM.to_owned());
    }
    let high = bound(text)?;
    skip_blanks(text);
    let closed_above = match text.next() {
        Some(']') => true,
        Some('}') => false,
        _ => return Err(FORM.to_owned()),
    };
    if low.as_deref() == Some("") || high.as_deref() == Some("") {
        return Err(FORM.to_owned());
    }
    Ok(Range { low, high, closed: (closed_below, closed_above) })
}

/// A bound of a range, up to the next blank or bracket; `None` for `*`.
fn bound(text: &mut Text<'_>) -> Result<Option<String>, String> {
    skip_blanks(text);
    if text.peek() == Some(&'"') {
        return phrase(text).map(Some);
    }
    let mut bound = String::new();
    while let Some(&next) = text.peek() {
        match next {
            end if end.is_whitespace() || matches!(end, ']' | '}' | '[' | '{' | '"') => break,
            '\\' => {
                text.next();
                bound.extend(text.peek());
            }
            plain => bound.push(plain),
        }
        text.next();
    }
    match bound.as_str() {
        "*" => Ok(None),
        other if other.contains(['*', '?']) => {
            Err("wildcards inside the bounds of a range are not supported".to_owned())
        }
        _ => Ok(Some(bound)),
    }
}

fn skip_blanks(text: &mut Text<'_>) {
    while text.next_if(|next| next.is_whitespace()).is_some() {}
}
