//! The search syntax of `q`: a subset of Lucene's query language, parsed once and then held against one document after
//! another (Auth0: "User Search Query Syntax", "Log Search Query Syntax"; `docs/COMPATIBILITY.md` C1140-C1152).
//!
//! What is not understood is refused, never ignored. Text, terms and nesting are bounded, and a match reads each value
//! of the document once per term: no query can be made to run for long on one document.

mod date;
mod matching;
mod parse;
#[cfg(test)]
mod tests;
mod tokens;

use serde_json::{Map, Value};

use super::schema::Invalid;
use crate::kit::clock::Millis;
use matching::{Leaf, Test};

/// What the documents of one kind are like.
#[derive(Debug)]
pub struct Policy {
    /// Fields whose texts are compared without regard to case.
    pub folded: &'static [&'static str],
    /// Fields that a term without a field is looked for in.
    pub bare: &'static [&'static str],
    /// Fields that hold instants: a day means all of it.
    pub dates: &'static [&'static str],
    /// Fields that hold numbers.
    pub numbers: &'static [&'static str],
    /// Objects inside which only whole values are compared: no wildcards, no ranges.
    pub exact_only: &'static [&'static str],
}

/// A query, ready to be held against documents.
#[derive(Debug, Clone)]
pub struct Query(Node);

#[derive(Debug, Clone)]
enum Node {
    /// Every one; true when there is none.
    All(Vec<Node>),
    /// At least one; false when there is none.
    Any(Vec<Node>),
    Not(Box<Node>),
    Leaf(Leaf),
}

/// Longest query, bytes.
pub const MAX_LENGTH: usize = 4_096;
/// Most terms in a query.
pub const MAX_TERMS: usize = 128;
/// Deepest nesting of parentheses.
pub const MAX_DEPTH: usize = 16;

impl Query {
    /// Reads the value of `q`. The refusal is worded for the query parameter of that name.
    pub fn parse(q: &str, policy: &'static Policy) -> Result<Self, Invalid> {
        parse::query(q, policy).map(Self).map_err(|why| refusal("lucene", "q", q, &why))
    }

    /// Reads the value of `search`, the older way to search logs: words that must all match, each the beginning of a
    /// value or in quotation marks the whole of it, without regard to case (C1152). `fields` are those of a word
    /// without a field, `names` other names for fields.
    pub fn parse_simple(
        search: &str,
        policy: &'static Policy,
        fields: &[&str],
        names: &[(&str, &str)],
    ) -> Result<Self, Invalid> {
        let parsed = parse::simple(search, policy, fields, names);
        parsed.map(Self).map_err(|why| refusal("search", "search", search, &why))
    }

    /// Documents whose `field` has exactly this value.
    pub fn equals(field: &str, value: &str, policy: &'static Policy) -> Self {
        Self(Node::Leaf(Leaf::equals(field, value, policy)))
    }

    /// Both this and `other`.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(Node::All(vec![self.0, other.0]))
    }

    /// Whether a document is one of those searched for.
    pub fn matches(&self, document: &Map<String, Value>) -> bool {
        self.0.matches(document)
    }

    /// How many comparisons one document may cost.
    pub fn cost(&self) -> usize {
        self.0.leaves()
    }

    /// The values of which every match has one in `field`; `None` when the query does not say so. Values of fields
    /// that are compared without regard to case are in lower case.
    pub fn values_of(&self, field: &str) -> Option<Vec<&str>> {
        let mut conjuncts = Vec::new();
        self.0.conjuncts(&mut conjuncts);
        conjuncts.into_iter().filter_map(|node| node.values_of(field)).min_by_key(Vec::len)
    }

    /// The first and the last instant that every match has in `field`; the ends of time when the query does not say.
    pub fn span_of(&self, field: &str) -> (Millis, Millis) {
        let mut conjuncts = Vec::new();
        self.0.conjuncts(&mut conjuncts);
        conjuncts
            .into_iter()
            .filter_map(|node| match node {
                Node::Leaf(leaf) if leaf.is_of(field) => leaf.span(),
                _ => None,
            })
            .fold((Millis::MIN, Millis::MAX), |(low, high), (first, last)| (low.max(first), high.min(last)))
    }
}

impl Node {
    fn matches(&self, document: &Map<String, Value>) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.matches(document)),
            Self::Any(nodes) => nodes.iter().any(|node| node.matches(document)),
            Self::Not(node) => !node.matches(document),
            Self::Leaf(leaf) => leaf.matches(document),
        }
    }

    fn leaves(&self) -> usize {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().map(Self::leaves).sum(),
            Self::Not(node) => node.leaves(),
            Self::Leaf(_) => 1,
        }
    }

    /// The parts that must all be true.
    fn conjuncts<'n>(&'n self, into: &mut Vec<&'n Self>) {
        match self {
            Self::All(nodes) => nodes.iter().for_each(|node| node.conjuncts(into)),
            Self::Any(nodes) if nodes.len() == 1 => nodes.iter().for_each(|node| node.conjuncts(into)),
            other => into.push(other),
        }
    }

    fn values_of(&self, field: &str) -> Option<Vec<&str>> {
        match self {
            Self::Leaf(leaf) if leaf.is_of(field) => match &leaf.test {
                Test::Equals(wanted) => Some(vec![wanted.text.as_str()]),
                _ => None,
            },
            Self::Any(nodes) => {
                let each: Option<Vec<Vec<&str>>> = nodes.iter().map(|node| node.values_of(field)).collect();
                each.map(|each| each.into_iter().flatten().collect())
            }
            Self::All(nodes) => nodes.iter().find_map(|node| node.values_of(field)),
            _ => None,
        }
    }
}

fn refusal(format: &str, parameter: &str, text: &str, why: &str) -> Invalid {
    let shown: String = text.chars().take(SHOWN).collect();
    Invalid::query(&format!("Object didn't pass validation for format {format}: {shown}"), parameter, why)
}

/// How much of a refused query is repeated, characters.
const SHOWN: usize = 256;
