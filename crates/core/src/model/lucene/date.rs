//! Instants as people write them in a query: the less is said, the longer the time that is meant.

use time::{Date, Month};

use crate::kit::clock::{DAY, MINUTE, Millis, SECOND, parse_rfc3339};

/// The first and the last millisecond of what `text` names: a year, a month, a day, a minute, a second, an instant, or
/// milliseconds since the Unix epoch. Times are UTC unless they say otherwise.
pub(super) fn interval(text: &str) -> Option<(Millis, Millis)> {
    match text.split_once('T') {
        None if (10..=14).contains(&text.len()) && is_digits(text) => text.parse().ok().map(|at| (at, at)),
        None => days(text),
        Some((date, time)) => instant(date, time),
    }
}

fn days(text: &str) -> Option<(Millis, Millis)> {
    let mut parts = text.split('-');
    let year = number(parts.next()?, 4)?;
    let month = parts.next().map(|part| number(part, 2).ok_or(())).transpose().ok()?;
    let day = parts.next().map(|part| number(part, 2).ok_or(())).transpose().ok()?;
    if parts.next().is_some() {
        return None;
    }
    let first = midnight(year, month.unwrap_or(1), day.unwrap_or(1))?;
    let after = match (month, day) {
        (_, Some(_)) => first + DAY,
        (Some(12) | None, None) => midnight(year + 1, 1, 1)?,
        (Some(month), None) => midnight(year, month + 1, 1)?,
    };
    Some((first, after - 1))
}

fn instant(date: &str, time: &str) -> Option<(Millis, Millis)> {
    let (time, zone) = match time.find(['Z', '+', '-']) {
        Some(at) => time.split_at(at),
        None => (time, "Z"),
    };
    let (seconds, length) = match (time.len(), time.contains('.')) {
        (5, _) => (":00", MINUTE),
        (8, _) => ("", SECOND),
        (_, true) => ("", 1),
        _ => return None,
    };
    let first = parse_rfc3339(&format!("{date}T{time}{seconds}{zone}"))?;
    Some((first, first + length - 1))
}

fn midnight(year: i32, month: i32, day: i32) -> Option<Millis> {
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()?;
    Some(date.midnight().assume_utc().unix_timestamp() * SECOND)
}

fn number(text: &str, digits: usize) -> Option<i32> {
    if text.len() == digits && is_digits(text) { text.parse().ok() } else { None }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::clock::rfc3339;

    #[test]
    fn the_less_is_said_the_longer_it_lasts() {
        for (text, first, last) in [
            ("2025", "2025-01-01T00:00:00.000Z", "2025-12-31T23:59:59.999Z"),
            ("2024-02", "2024-02-01T00:00:00.000Z", "2024-02-29T23:59:59.999Z"),
            ("2025-12", "2025-12-01T00:00:00.000Z", "2025-12-31T23:59:59.999Z"),
            ("2025-12-31", "2025-12-31T00:00:00.000Z", "2025-12-31T23:59:59.999Z"),
            ("2025-12-31T10:30", "2025-12-31T10:30:00.000Z", "2025-12-31T10:30:59.999Z"),
            ("2025-12-31T10:30Z", "2025-12-31T10:30:00.000Z", "2025-12-31T10:30:59.999Z"),
            ("2025-12-31T10:30:15+02:00", "2025-12-31T08:30:15.000Z", "2025-12-31T08:30:15.999Z"),
            ("2025-12-31T10:30:15.25Z", "2025-12-31T10:30:15.250Z", "2025-12-31T10:30:15.250Z"),
            ("1767323045678", "2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"),
        ] {
            let (from, to) = interval(text).unwrap();
            assert_eq!((rfc3339(from), rfc3339(to)), (first.to_owned(), last.to_owned()), "{text}");
        }
        for none in [
            "",
            "now",
            "25",
            "2025-13",
            "2025-02-30",
            "2025-1-1",
            "2025-01-01-01",
            "2025-01-01T",
            "2025-01-01T10",
            "T10:00",
            "2025-01-01T10:0x",
            "123456789",
            "999999999999999",
            "2025-01-01T1é:00",
            "9999-12",
        ] {
            assert_eq!(interval(none), None, "{none}");
        }
    }
}
