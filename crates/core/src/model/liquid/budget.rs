//! What a rendering may still spend, and the texts it makes within that.

use std::fmt;

use super::Limits;
use crate::kit::clock::Millis;

/// Why a rendering ended without a text. It names nothing of what was rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenderError {
    /// More work than [`Limits::work`].
    Work,
    /// More rounds of loops than [`Limits::rounds`].
    Rounds,
    /// A text, or the whole, longer than [`Limits::output`].
    Output,
    /// A number that is too large, or none at all, as after a division by zero.
    Number,
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Work => "the template does too much work",
            Self::Rounds => "the loops of the template have too many rounds",
            Self::Output => "the template makes too long a text",
            Self::Number => "the template divides by zero or makes too large a number",
        })
    }
}

impl std::error::Error for RenderError {}

/// What is left to spend.
pub(super) struct Budget {
    work: usize,
    rounds: usize,
    limit: usize,
    /// What `date` takes for now.
    pub(super) now: Millis,
}

impl Budget {
    /// The whole of `limits`.
    pub(super) fn new(limits: &Limits, now: Millis) -> Self {
        Self { work: limits.work, rounds: limits.rounds, limit: limits.output, now }
    }

    /// Spends units of work.
    pub(super) fn spend(&mut self, units: usize) -> Result<(), RenderError> {
        self.work = self.work.checked_sub(units).ok_or(RenderError::Work)?;
        Ok(())
    }

    /// Spends what looking at or copying so many bytes costs.
    pub(super) fn bytes(&mut self, count: usize) -> Result<(), RenderError> {
        self.spend(count / 8 + 1)
    }

    /// Spends what a list of so many elements costs. Asked before the list is made.
    pub(super) fn elements(&mut self, count: usize) -> Result<(), RenderError> {
        self.spend(count.saturating_mul(4).saturating_add(1))
    }

    /// Spends what the call of a filter costs beside the texts that it looks at.
    pub(super) fn call(&mut self) -> Result<(), RenderError> {
        self.spend(8)
    }

    /// Spends a round of a loop.
    pub(super) fn round(&mut self) -> Result<(), RenderError> {
        self.rounds = self.rounds.checked_sub(1).ok_or(RenderError::Rounds)?;
        self.spend(1)
    }

    /// An empty text that may grow as far as any text may.
    pub(super) fn text(&self) -> Text {
        Text { text: String::new(), limit: self.limit }
    }
}

/// A text with a limit.
pub(super) struct Text {
    text: String,
    limit: usize,
}

impl Text {
    /// Appends `more`, if there is room for it.
    pub(super) fn push(&mut self, more: &str) -> Result<(), RenderError> {
        if self.text.len().saturating_add(more.len()) > self.limit {
            return Err(RenderError::Output);
        }
        self.text.push_str(more);
        Ok(())
    }

    /// Appends one character.
    pub(super) fn push_char(&mut self, more: char) -> Result<(), RenderError> {
        self.push(more.encode_utf8(&mut [0; 4]))
    }

    /// The text as it stands.
    pub(super) fn into_string(self) -> String {
        self.text
    }

    /// The bytes it has.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }
}

/// For `write!`; an error says that there was no room.
impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text).map_err(|_| fmt::Error)
    }
}
