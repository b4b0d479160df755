//! Instants in templates: read from what a template may hold, written by `strftime` directives.

use std::fmt::Write as _;

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime};

use super::budget::{RenderError, Text};
use super::value::Value;
use crate::kit::clock::{self, Millis};

/// The instant that a value names: seconds since 1970, `now`, an RFC 3339 text, or a date with or without a time.
pub(super) fn read(value: &Value<'_>, now: Millis) -> Option<OffsetDateTime> {
    if let Value::Int(seconds) = value {
        return OffsetDateTime::from_unix_timestamp(*seconds).ok();
    }
    let text = value.as_str()?.trim();
    if text == "now" || text == "today" {
        return Some(clock::to_datetime(now));
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return OffsetDateTime::from_unix_timestamp(text.parse().ok()?).ok();
    }
    let plain = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let day = format_description!("[year]-[month]-[day]");
    OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| PrimitiveDateTime::parse(text, plain).map(PrimitiveDateTime::assume_utc))
        .or_else(|_| Date::parse(text, day).map(|day| day.midnight().assume_utc()))
        .ok()
}

/// Writes an instant in its own offset. What is no directive stays as it stands.
pub(super) fn write(at: OffsetDateTime, format: &str, out: &mut Text) -> Result<(), RenderError> {
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        out.push(before)?;
        let flagged = after.trim_start_matches(['-', '_', '0', '^', '#', ':']);
        let flags = after.get(..after.len() - flagged.len()).unwrap_or_default();
        let Some(directive) = flagged.chars().next() else {
            out.push("%")?;
            rest = after;
            break;
        };
        rest = flagged.get(directive.len_utf8()..).unwrap_or_default();
        if let Some(text) = directive_text(at, directive, flags) {
            out.push(&text)?;
        } else {
            out.push("%")?;
            out.push(flags)?;
            out.push_char(directive)?;
        }
    }
    out.push(rest)
}

fn directive_text(at: OffsetDateTime, directive: char, flags: &str) -> Option<String> {
    let nested = |format: &str| {
        let mut text = String::new();
        for part in format.chars() {
            match part {
                'A'..='Z' | 'a'..='z' => text.push_str(&directive_text(at, part, "")?),
                other => text.push(other),
            }
        }
        Some(text)
    };
    let hour12 = u32::from((at.hour() + 11) % 12 + 1);
    let number = |value: i64, width: usize, pad: char| {
        if flags.contains('-') {
            return Some(value.to_string());
        }
        let pad = if flags.contains('_') {
            ' '
        } else if flags.contains('0') {
            '0'
        } else {
            pad
        };
        Some(if pad == '0' { format!("{value:0width$}") } else { format!("{value:width$}") })
    };
    let cased = |text: String| Some(if flags.contains('^') { text.to_uppercase() } else { text });
    let first = |text: String, count: usize| text.get(..count).map(str::to_owned).unwrap_or(text);
    match directive {
        'Y' => number(at.year().into(), 1, '0'),
        'C' => number((at.year().div_euclid(100)).into(), 2, '0'),
        'y' => number(at.year().rem_euclid(100).into(), 2, '0'),
        'G' => number(at.to_iso_week_date().0.into(), 1, '0'),
        'V' => number(at.iso_week().into(), 2, '0'),
        'U' => number(at.sunday_based_week().into(), 2, '0'),
        'W' => number(at.monday_based_week().into(), 2, '0'),
        'm' => number(u8::from(at.month()).into(), 2, '0'),
        'd' => number(at.day().into(), 2, '0'),
        'e' => number(at.day().into(), 2, ' '),
        'j' => number(at.ordinal().into(), 3, '0'),
        'H' => number(at.hour().into(), 2, '0'),
        'k' => number(at.hour().into(), 2, ' '),
        'I' => number(hour12.into(), 2, '0'),
        'l' => number(hour12.into(), 2, ' '),
        'M' => number(at.minute().into(), 2, '0'),
        'S' => number(at.second().into(), 2, '0'),
        'L' => number(at.millisecond().into(), 3, '0'),
        'N' => number(at.nanosecond().into(), 9, '0'),
        's' => number(at.unix_timestamp(), 1, '0'),
        'u' => number(at.weekday().number_from_monday().into(), 1, '0'),
        'w' => number(at.weekday().number_days_from_sunday().into(), 1, '0'),
        'A' => cased(at.weekday().to_string()),
        'a' => cased(first(at.weekday().to_string(), 3)),
        'B' => cased(at.month().to_string()),
        'b' | 'h' => cased(first(at.month().to_string(), 3)),
        'p' if !flags.contains('#') => Some(if at.hour() < 12 { "AM" } else { "PM" }.to_owned()),
        'p' | 'P' => Some(if at.hour() < 12 { "am" } else { "pm" }.to_owned()),
        'z' => {
            let (sign, minutes) =
                (if at.offset().is_negative() { '-' } else { '+' }, at.offset().whole_minutes().unsigned_abs());
            let colon = if flags.contains(':') { ":" } else { "" };
            let mut text = String::new();
            write!(text, "{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60).ok()?;
            Some(text)
        }
        'Z' => Some(if at.offset().is_utc() { "UTC".to_owned() } else { String::new() }),
        'D' | 'x' => nested("m/d/y"),
        'F' => nested("Y-m-d"),
        'T' | 'X' => nested("H:M:S"),
        'R' => nested("H:M"),
        'r' => nested("I:M:S p"),
        'c' => nested("a b e H:M:S Y"),
        'n' => Some("\n".to_owned()),
        't' => Some("\t".to_owned()),
        '%' => Some("%".to_owned()),
        _ => None,
    }
}
