//! Filters that make texts of texts. Whatever is no text is taken as it prints.

use super::{Budget, Made, RenderError, Value, argument};
use crate::model::liquid::budget::Text;

/// A finished text as a value.
pub(super) fn made<'a>(budget: &mut Budget, text: Text) -> Made<'a> {
    budget.bytes(text.len())?;
    Ok(Value::text(text.into_string()))
}

/// A part of the input, or the input changed at most in length by a constant factor.
fn changed<'a>(budget: &mut Budget, input: &Value<'a>, change: impl FnOnce(&str) -> String) -> Made<'a> {
    let text = change(&input.printed(budget)?);
    let mut out = budget.text();
    out.push(&text)?;
    made(budget, out)
}

fn joined<'a>(budget: &mut Budget, parts: &[&str]) -> Made<'a> {
    let mut out = budget.text();
    parts.iter().try_for_each(|part| out.push(part))?;
    made(budget, out)
}

pub(super) fn append<'a>(budget: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    let end = argument(arguments, 0);
    let (text, end) = (input.printed(budget)?, end.printed(budget)?);
    joined(budget, &[&text, &end])
}

pub(super) fn prepend<'a>(budget: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    let start = argument(arguments, 0);
    let (text, start) = (input.printed(budget)?, start.printed(budget)?);
    joined(budget, &[&start, &text])
}

pub(super) fn upcase<'a>(budget: &mut Budget, input: &Value<'a>, _: &[Value<'a>]) -> Made<'a> {
    changed(budget, input, str::to_uppercase)
}

pub(super) fn downcase<'a>(budget: &mut Budget, input: &Value<'a>, _: &[Value<'a>]) -> Made<'a> {
    changed(budget, input, str::to_lowercase)
}

pub(super) fn capitalize<'a>(budget: &mut Budget, input: &Value<'a>, _: &[Value<'a>]) -> Made<'a> {
    changed(budget, input, |text| {
        let mut letters = text.chars();
        letters.next().map_or_else(String::new, |first| {
            first.to_uppercase().chain(letters.as_str().to_lowercase().chars()).collect()
        })
    })
}

pub(super) fn strip<'a>(budget: &mut Budget, input: &Value<'a>, _: &[Value<'a>]) -> Made<'a> {
    changed(budget, input, |text| text.trim().to_owned())
}

pub(super) fn lstrip<'a>(budget: &mut Budget, input: &Value<'a>, _: &[Value<'a>]) -> Made<'a> {
    changed(budget, input, |text| text.trim_start().to_owned())
}

pub(super) fn rstrip<'a>(budget: &mut Budget, input: &Value<'a>, _: &[Value<'a>]) -> Made<'a> {
    changed(budget, input, |text| text.trim_end().to_owned())
}

pub(super) fn strip_newlines<'a>(budget: &mut Budget, input: &Value<'a>, _: &[Value<'a>]) -> Made<'a> {
    changed(budget, input, |text| text.replace("\r\n", "").replace('\n', ""))
}

/// Replaces at most `count` times; an empty pattern stands before every character and at the end.
fn substitute<'a>(
    budget: &mut Budget,
    input: &Value<'a>,
    pattern: &Value<'a>,
    replacement: &Value<'a>,
    count: usize,
) -> Made<'a> {
    let text = input.printed(budget)?;
    let (pattern, replacement) = (pattern.printed(budget)?, replacement.printed(budget)?);
    let (mut out, mut copied) = (budget.text(), 0);
    for (at, found) in text.match_indices(&*pattern).take(count) {
        out.push(text.get(copied..at).unwrap_or_default())?;
        out.push(&replacement)?;
        copied = at + found.len();
    }
    out.push(text.get(copied..).unwrap_or_default())?;
    made(budget, out)
}

pub(super) fn replace<'a>(budget: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    substitute(budget, input, &argument(arguments, 0), &argument(arguments, 1), usize::MAX)
}

pub(super) fn replace_first<'a>(budget: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    substitute(budget, input, &argument(arguments, 0), &argument(arguments, 1), 1)
}

pub(super) fn remove<'a>(budget: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    substitute(budget, input, &argument(arguments, 0), &Value::Nil, usize::MAX)
}

pub(super) fn remove_first<'a>(budget: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    substitute(budget, input, &argument(arguments, 0), &Value::Nil, 1)
}

/// A blank splits at white space, an empty text between all characters. Empty texts at the end are left out.
pub(super) fn split<'a>(budget: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    let text = input.printed(budget)?;
    let pattern = argument(arguments, 0);
    let pattern = pattern.printed(budget)?;
    let mut items: Vec<Value<'a>> = Vec::new();
    let mut add = |item: &str| {
        budget.elements(1)?;
        budget.bytes(item.len())?;
        items.push(Value::text(item));
        Ok::<_, RenderError>(())
    };
    match &*pattern {
        " " => text.split_whitespace().try_for_each(&mut add)?,
        "" => text.chars().try_for_each(|letter| add(letter.encode_utf8(&mut [0; 4])))?,
        pattern => text.split(pattern).try_for_each(&mut add)?,
    }
    while items.last().and_then(Value::as_str) == Some("") {
        items.pop();
    }
    Ok(Value::list(items))
}

/// At most so many characters, the dots included; 50 unless said otherwise.
pub(super) fn truncate<'a>(budget: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    let text = input.printed(budget)?;
    let (length, dots) = bounds(arguments, 50);
    let dots = dots.printed(budget)?;
    if text.chars().count() <= length {
        return joined(budget, &[&text]);
    }
    let kept = length.saturating_sub(dots.chars().count());
    let end = text.char_indices().nth(kept).map_or(text.len(), |(at, _)| at);
    joined(budget, &[text.get(..end).unwrap_or_default(), &dots])
}

/// At most so many words, the dots beside them; 15 unless said otherwise.
pub(super) fn truncatewords<'a>(budget: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    let text = input.printed(budget)?;
    let (count, dots) = bounds(arguments, 15);
    let dots = dots.printed(budget)?;
    let count = count.max(1);
    if text.split_whitespace().nth(count).is_none() {
        return joined(budget, &[&text]);
    }
    let mut out = budget.text();
    for (at, word) in text.split_whitespace().take(count).enumerate() {
        out.push(if at == 0 { "" } else { " " })?;
        out.push(word)?;
    }
    out.push(&dots)?;
    made(budget, out)
}

fn bounds<'a>(arguments: &[Value<'a>], usual: usize) -> (usize, Value<'a>) {
    let length = arguments.first().map_or(usual, |length| usize::try_from(length.whole()).unwrap_or_default());
    (length, arguments.get(1).cloned().unwrap_or(Value::Str("...")))
}
