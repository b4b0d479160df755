//! From tokens to a tree. `NOT` binds tighter than `AND`, `AND` tighter than `OR`; terms side by side are alternatives,
//! among which `+` marks what must and `-` what must not match (C1142).

use super::matching::{Bounds, Field, Kind, Leaf, Test, Wanted};
use super::tokens::{Range, Token, Word, tokens};
use super::{MAX_DEPTH, MAX_LENGTH, MAX_TERMS, Node, Policy};

/// A clause that says what is wrong.
type Wrong = String;

pub(super) fn query(text: &str, policy: &'static Policy) -> Result<Node, Wrong> {
    let tokens = bounded(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, policy };
    let node = parser.group(None, 0)?;
    match parser.peek() {
        None => Ok(node),
        Some(_) => Err("a closing parenthesis has no opening one".to_owned()),
    }
}

/// Words that must all match; see [`super::Query::parse_simple`].
pub(super) fn simple(
    text: &str,
    policy: &'static Policy,
    fields: &[&str],
    names: &[(&str, &str)],
) -> Result<Node, Wrong> {
    const FORM: &str = "words, \"phrases\", field:word and field:\"phrase\" can be searched for; use q for more";
    let tokens = bounded(text)?;
    let mut rest = tokens.as_slice();
    let mut all = Vec::new();
    while !rest.is_empty() {
        let (name, value) = match rest {
            [Token::Word(name), Token::Colon, value, tail @ ..] => {
                rest = tail;
                (Some(name.literal().ok_or(FORM)?), value)
            }
            [value, tail @ ..] => {
                rest = tail;
                (None, value)
            }
            [] => break,
        };
        let wanted = match value {
            Token::Phrase(whole) => Test::Equals(Wanted::new(whole.to_lowercase())),
            Token::Word(word) => {
                let beginning = word.literal().ok_or(FORM)?.to_lowercase();
                Test::Wildcard(vec![beginning, String::new()])
            }
            _ => return Err(FORM.to_owned()),
        };
        let leaf = |name: &str| Node::Leaf(Leaf { field: Field::new(name, policy).folded(), test: wanted.clone() });
        all.push(match name {
            None => Node::Any(fields.iter().map(|name| leaf(name)).collect()),
            Some(name) => leaf(names.iter().find(|(other, _)| *other == name).map_or(name, |(_, field)| field)),
        });
    }
    Ok(Node::All(all))
}

/// The tokens of a text that is not too long and has not too many terms.
fn bounded(text: &str) -> Result<Vec<Token>, Wrong> {
    if text.len() > MAX_LENGTH {
        return Err(format!("a query has at most {MAX_LENGTH} bytes"));
    }
    let tokens = tokens(text)?;
    let terms = tokens.iter().filter(|token| matches!(token, Token::Word(_) | Token::Phrase(_) | Token::Range(_)));
    let fields = tokens.iter().filter(|token| **token == Token::Colon);
    if terms.count().saturating_sub(fields.count()) > MAX_TERMS {
        return Err(format!("a query has at most {MAX_TERMS} terms"));
    }
    Ok(tokens)
}

/// How a term stands among those beside it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    None,
    Plus,
    Minus,
    Not,
}

struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
    policy: &'static Policy,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<&'t Token> {
        let token = self.tokens.get(self.at);
        self.at += 1;
        token
    }

    fn eat(&mut self, token: &Token) -> bool {
        let there = self.peek() == Some(token);
        self.at += usize::from(there);
        there
    }

    /// Everything up to a closing parenthesis or the end; `field` is the one in front of the parenthesis.
    fn group(&mut self, field: Option<&Field>, depth: usize) -> Result<Node, Wrong> {
        if depth > MAX_DEPTH {
            return Err(format!("parentheses nest at most {MAX_DEPTH} deep"));
        }
        let (mut must, mut must_not, mut either) = (Vec::new(), Vec::new(), Vec::new());
        let mut after_or = false;
        while !matches!(self.peek(), None | Some(Token::Close)) || after_or {
            let (mark, node) = self.conjunction(field, depth)?;
            let before_or = self.eat(&Token::Or);
            match mark {
                Mark::None => either.push(node),
                Mark::Plus => must.push(node),
                Mark::Not if after_or || before_or => either.push(Node::Not(Box::new(node))),
                Mark::Not | Mark::Minus => must_not.push(Node::Not(Box::new(node))),
            }
            after_or = before_or;
        }
        match (must.is_empty(), must_not.is_empty(), either.is_empty()) {
            (true, true, true) => return Err("there is nothing to search for".to_owned()),
            (true, true, false) => return Ok(Node::Any(either)),
            // Beside what must match, the other terms decide nothing.
            (true, false, false) => must.push(Node::Any(either)),
            _ => {}
        }
        must.extend(must_not);
        Ok(Node::All(must))
    }

    /// Terms joined by `AND`; the mark is that of a term that stands alone.
    fn conjunction(&mut self, field: Option<&Field>, depth: usize) -> Result<(Mark, Node), Wrong> {
        let (mark, first) = self.marked(field, depth)?;
        if self.peek() != Some(&Token::And) {
            return Ok((mark, first));
        }
        let mut all = vec![signed(mark, first)];
        while self.eat(&Token::And) {
            let (mark, node) = self.marked(field, depth)?;
            all.push(signed(mark, node));
        }
        Ok((Mark::None, Node::All(all)))
    }

    fn marked(&mut self, field: Option<&Field>, depth: usize) -> Result<(Mark, Node), Wrong> {
        let mark = match self.peek() {
            Some(Token::Plus) => Mark::Plus,
            Some(Token::Minus) => Mark::Minus,
            Some(Token::Not) => Mark::Not,
            _ => Mark::None,
        };
        self.at += usize::from(mark != Mark::None);
        Ok((mark, self.term(field, depth)?))
    }

    fn term(&mut self, field: Option<&Field>, depth: usize) -> Result<Node, Wrong> {
        let named = self.tokens.get(self.at + 1) == Some(&Token::Colon);
        match self.next() {
            Some(Token::Word(_)) if named && field.is_some() => {
                Err("a field cannot stand inside the parentheses of another field".to_owned())
            }
            Some(Token::Word(name)) if named => {
                self.at += 1;
                self.named(name, depth)
            }
            Some(Token::Open) => self.in_parentheses(field, depth),
            Some(value) => self.value(field, value),
            None => Err("a term is missing at the end".to_owned()),
        }
    }

    fn in_parentheses(&mut self, field: Option<&Field>, depth: usize) -> Result<Node, Wrong> {
        let node = self.group(field, depth + 1)?;
        if self.eat(&Token::Close) { Ok(node) } else { Err("a parenthesis is not closed".to_owned()) }
    }

    /// What follows `name:`.
    fn named(&mut self, name: &Word, depth: usize) -> Result<Node, Wrong> {
        let value = self.next().ok_or("a value is missing behind the colon")?;
        let Some(name) = name.literal() else {
            let all = name.is_star() && matches!(value, Token::Word(value) if value.is_star());
            return if all {
                Ok(Node::All(Vec::new()))
            } else {
                Err("wildcards in field names are not supported".to_owned())
            };
        };
        if name == "_exists_" {
            let Token::Word(field) = value else { return Err("_exists_ needs a field".to_owned()) };
            let field = field.literal().ok_or("wildcards in field names are not supported")?;
            return Ok(Node::Leaf(Leaf { field: self.field(field)?, test: Test::Exists }));
        }
        let field = self.field(name)?;
        if *value == Token::Open {
            return self.in_parentheses(Some(&field), depth);
        }
        self.value(Some(&field), value)
    }

    fn field(&self, name: &str) -> Result<Field, Wrong> {
        if name.split('.').any(str::is_empty) || (name.starts_with('_') && name != "_id") {
            return Err(format!("{name} is no field"));
        }
        Ok(Field::new(name, self.policy))
    }

    /// A value of `field`, or of any of those that terms without a field are looked for in.
    fn value(&self, field: Option<&Field>, value: &Token) -> Result<Node, Wrong> {
        let Some(field) = field else {
            return match value {
                Token::Word(word) if word.is_star() => Ok(Node::All(Vec::new())),
                Token::Range(_) => Err("a range needs a field".to_owned()),
                value => {
                    let each = self.policy.bare.iter().map(|name| leaf(&Field::new(name, self.policy), value));
                    each.collect::<Result<_, _>>().map(Node::Any)
                }
            };
        };
        leaf(field, value)
    }
}

fn signed(mark: Mark, node: Node) -> Node {
    if matches!(mark, Mark::Minus | Mark::Not) { Node::Not(Box::new(node)) } else { node }
}

fn leaf(field: &Field, value: &Token) -> Result<Node, Wrong> {
    let test = match value {
        Token::Phrase(text) => equals(field, text),
        Token::Word(word) => match word.literal() {
            Some(text) => equals(field, text),
            None => wildcard(field, word),
        },
        Token::Range(range) => within(field, range),
        _ => Err("a term is missing before or behind an operator".to_owned()),
    };
    Ok(Node::Leaf(Leaf { field: field.clone(), test: test? }))
}

fn equals(field: &Field, value: &str) -> Result<Test, Wrong> {
    let wanted = Wanted::new(field.fold(value));
    well_formed(field, value, &wanted)?;
    Ok(Test::Equals(wanted))
}

fn wildcard(field: &Field, word: &Word) -> Result<Test, Wrong> {
    if field.kind == Kind::ExactOnly {
        return Err(format!("wildcards are not available on {}", field.name()));
    }
    if word.is_star() {
        return Ok(Test::Exists);
    }
    if matches!(field.kind, Kind::Date | Kind::Number) {
        return Err(format!("wildcards are not available on {}: use a range", field.name()));
    }
    let is_prefix = matches!(word.0.as_slice(), [start, end] if !start.is_empty() && end.is_empty());
    if !is_prefix && word.0.iter().map(|part| part.chars().count()).sum::<usize>() < 3 {
        return Err("a wildcard that is not at the end needs at least 3 other characters".to_owned());
    }
    Ok(Test::Wildcard(word.0.iter().map(|part| field.fold(part)).collect()))
}

fn within(field: &Field, range: &Range) -> Result<Test, Wrong> {
    if field.kind == Kind::ExactOnly {
        return Err(format!("ranges are not available on {}", field.name()));
    }
    let bound = |bound: &Option<String>| {
        let Some(value) = bound else { return Ok(None) };
        let wanted = Wanted::new(field.fold(value));
        well_formed(field, value, &wanted).map(|()| Some(wanted))
    };
    Ok(Test::Within(Bounds { low: bound(&range.low)?, high: bound(&range.high)?, closed: range.closed }))
}

/// Refuses what no value of the field can be.
fn well_formed(field: &Field, value: &str, wanted: &Wanted) -> Result<(), Wrong> {
    match field.kind {
        Kind::Date if wanted.interval.is_none() => {
            Err(format!("{value} is no date: write 2025-12-31 or 2025-12-31T23:59:59Z, with colons in quotation marks"))
        }
        Kind::Number if wanted.number.is_none() => Err(format!("{value} is no number")),
        _ => Ok(()),
    }
}
