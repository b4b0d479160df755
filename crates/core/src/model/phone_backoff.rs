//! Messages that wait longer each time (Auth0: "Phone provider protection"; `docs/COMPATIBILITY.md` C1814).

use crate::kit::clock::{DAY, HOUR, MINUTE, Millis};

/// Where a user stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PhoneBackoff {
    /// Messages that count now.
    pub steps: i64,
    /// When the last one went.
    pub last_at: Millis,
    /// When the next one may go.
    pub next_at: Millis,
}

impl PhoneBackoff {
    /// One more message: where the user stands then, or nothing when it has to wait. A quiet hour takes one step back, a
    /// quiet day all. `chance` makes the wait up to a tenth shorter or longer.
    #[must_use]
    pub fn sent(self, chance: u8, now: Millis) -> Option<Self> {
        if now < self.next_at {
            return None;
        }
        let quiet = now - self.last_at;
        let kept = if quiet >= DAY { 0 } else { (self.steps - quiet / HOUR).max(0) };
        let steps = (kept + 1).min(MOST);
        let wait = match steps {
            ..IMMEDIATE => 0,
            steps => MINUTE << (steps - IMMEDIATE),
        };
        let jitter = wait / 10 * (i64::from(chance) - 128) / 128;
        Some(Self { steps, last_at: now, next_at: now + wait + jitter })
    }

    /// The last message did not go out.
    #[must_use]
    pub fn taken_back(self) -> Self {
        Self { steps: (self.steps - 1).max(0), next_at: self.last_at, ..self }
    }
}

/// Messages that go without a wait.
const IMMEDIATE: i64 = 3;
/// Steps up to the longest wait, 32 minutes.
const MOST: i64 = IMMEDIATE + 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_go_at_once_and_each_further_one_waits_twice_as_long() {
        let (mut standing, mut now, mut waits) = (PhoneBackoff::default(), DAY, Vec::new());
        for _ in 0..10 {
            standing = standing.sent(128, now).unwrap();
            waits.push((standing.next_at - now) / MINUTE);
            assert!(standing.sent(128, standing.next_at - 1).is_none());
            now = standing.next_at;
        }
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32, 32, 32]);
        // Two quiet hours are two steps, a quiet day is a fresh start.
        assert_eq!(standing.sent(128, now + 2 * HOUR).unwrap().steps, 7);
        assert_eq!(standing.sent(128, now + DAY).unwrap().steps, 1);
        let (shorter, longer) = (standing.sent(0, now).unwrap(), standing.sent(255, now).unwrap());
        assert!(shorter.next_at < now + 32 * MINUTE && longer.next_at > now + 32 * MINUTE);
        assert!(longer.next_at - shorter.next_at <= 2 * 32 * MINUTE / 10);
    }

    #[test]
    fn what_did_not_go_out_is_taken_back() {
        let mut standing = PhoneBackoff::default();
        for _ in 0..3 {
            standing = standing.sent(128, DAY).unwrap();
        }
        assert!(standing.sent(128, DAY).is_none());
        assert!(standing.taken_back().sent(128, DAY).is_some());
    }
}
