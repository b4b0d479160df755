//! Liquid templates: a small engine of our own, with Shopify's semantics and a bound on everything a template can cost.
//!
//! A template is parsed once and rendered often. Names that are not there are empty, HTML is not escaped, and the clock
//! is a parameter. Whatever passes a bound of [`Limits`] ends the rendering with an error, never with a part of a text
//! (`docs/COMPATIBILITY.md` C1031-C1036).

mod ast;
mod budget;
mod date;
mod expression;
mod filters;
mod lexer;
mod parser;
mod render;
#[cfg(test)]
mod tests;
mod value;

use std::fmt;

use serde_json::{Map, Value};

pub use budget::RenderError;

use crate::kit::clock::Millis;

/// What a template may cost. Memory needs no row of its own: every element and every eighth byte that is made costs a
/// unit of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Characters of the template.
    pub length: usize,
    /// Rounds of all loops together.
    pub rounds: usize,
    /// Units of work of one rendering; a unit takes some tens of nanoseconds.
    pub work: usize,
    /// Bytes of the rendered text, and of every text on the way to it.
    pub output: usize,
}

impl Limits {
    /// For the text of a mail, which is mostly marks.
    pub const LETTER: Self = Self { length: 100_000, rounds: 1_000, work: 200_000, output: 256 * 1024 };
    /// For the text of a message.
    pub const MESSAGE: Self = Self { length: 2_000, rounds: 1_000, work: 100_000, output: 16 * 1024 };
}

/// A parsed template.
#[derive(Debug, Clone)]
pub struct Template {
    nodes: Vec<ast::Node>,
    limits: Limits,
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ParseError {}

impl Template {
    /// Parses `text`; what cannot be rendered later (unknown tags and filters, other templates) is refused here.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, ParseError> {
        let length = text.chars().count();
        if length > limits.length {
            let message = format!("the template has {length} characters, {} is the most", limits.length);
            return Err(ParseError { line: 1, message });
        }
        let nodes = lexer::pieces(text).and_then(parser::parse).map_err(|fault| ParseError {
            line: text.bytes().take(fault.at).filter(|byte| *byte == b'\n').count() + 1,
            message: fault.message,
        })?;
        Ok(Self { nodes, limits: *limits })
    }

    /// Fills the template in from `names`; `now` is what the filter `date` takes for `"now"`.
    pub fn render(&self, names: &Map<String, Value>, now: Millis) -> Result<String, RenderError> {
        render::render(&self.nodes, names, &self.limits, now)
    }
}

/// The member of an object that stands for the whole where it is printed: some names are a text and have members.
pub const PRINTED: &str = "";

/// Something wrong in a template, at a byte of it.
#[derive(Debug)]
struct Fault {
    at: usize,
    message: String,
}
