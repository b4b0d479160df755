//! The only reader of the wall clock, and the two spellings of an instant: milliseconds inside, RFC 3339 outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// Milliseconds since the Unix epoch, UTC.
pub type Millis = i64;

/// One second in [`Millis`].
pub const SECOND: Millis = 1_000;
/// One minute in [`Millis`].
pub const MINUTE: Millis = 60 * SECOND;
/// One hour in [`Millis`].
pub const HOUR: Millis = 60 * MINUTE;
/// One day in [`Millis`].
pub const DAY: Millis = 24 * HOUR;

/// Tells the time: the system's, or a fixed instant that tests advance by hand.
#[derive(Clone, Debug)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The machine's own clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still at `start` until [`Clock::advance`] is called.
    pub fn fixed(start: Millis) -> Self {
        Self(Some(Arc::new(AtomicI64::new(start))))
    }

    /// The current instant.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn now(&self) -> Millis {
        match &self.0 {
            Some(fixed) => fixed.load(Ordering::SeqCst),
            None => to_millis(OffsetDateTime::now_utc()),
        }
    }

    /// Moves a fixed clock forward by `by` milliseconds; a system clock does not move.
    pub fn advance(&self, by: Millis) {
        if let Some(fixed) = &self.0 {
            fixed.fetch_add(by, Ordering::SeqCst);
        }
    }
}

/// `2026-03-10T05:18:25.111Z`: RFC 3339, UTC, always three digits of milliseconds.
pub fn rfc3339(at: Millis) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    to_datetime(at).format(format).unwrap_or_default()
}

/// Reads an RFC 3339 instant; `None` when it is none.
pub fn parse_rfc3339(text: &str) -> Option<Millis> {
    OffsetDateTime::parse(text, &Rfc3339).ok().map(to_millis)
}

/// Reads a day written `yyyymmdd`: the instant at which it begins; `None` when it is none.
pub fn parse_day(text: &str) -> Option<Millis> {
    let day = time::Date::parse(text, format_description!("[year][month][day]")).ok()?;
    (text.len() == 8).then(|| to_millis(day.midnight().assume_utc()))
}

/// `yyyymmddhhmmssmmm`, the sortable digits that begin a log id.
pub fn digits(at: Millis) -> String {
    let format = format_description!("[year][month][day][hour][minute][second][subsecond digits:3]");
    to_datetime(at).format(format).unwrap_or_default()
}

/// The instant as a date and time of the `time` crate, clamped to the years it knows.
pub fn to_datetime(at: Millis) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn to_millis(at: OffsetDateTime) -> Millis {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_survives_the_trip_through_text() {
        let at = 1_767_323_045_678;
        assert_eq!(rfc3339(at), "2026-01-02T03:04:05.678Z");
        assert_eq!(parse_rfc3339("2026-01-02T03:04:05.678Z"), Some(at));
        assert_eq!(digits(at), "20260102030405678");
        assert_eq!(parse_rfc3339("yesterday"), None);
        assert_eq!(parse_day("20260102").map(rfc3339).as_deref(), Some("2026-01-02T00:00:00.000Z"));
        for none in ["2026-01-02", "20261301", "20260230", "260102", "", "+20260102"] {
            assert_eq!(parse_day(none), None, "{none}");
        }
    }

    #[test]
    fn a_fixed_clock_moves_only_by_hand() {
        let clock = Clock::fixed(10);
        clock.clone().advance(5);
        assert_eq!(clock.now(), 15);
    }
}
