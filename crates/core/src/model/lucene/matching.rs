//! Holds one field of a query against a document.

use serde_json::{Map, Value};

use super::Policy;
use super::date::interval;
use crate::kit::clock::{Millis, parse_rfc3339};

/// A field and what is asked of it.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub(super) field: Field,
    pub(super) test: Test,
}

/// A field by its path; levels that are arrays are not part of it.
#[derive(Debug, Clone)]
pub(super) struct Field {
    path: Vec<String>,
    pub(super) kind: Kind,
}

/// How the values of a field are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// As they are.
    Plain,
    /// Without regard to case.
    Folded,
    /// As instants.
    Date,
    /// As numbers.
    Number,
    /// As they are, and only as a whole.
    ExactOnly,
}

/// What is asked of a value.
#[derive(Debug, Clone)]
pub(super) enum Test {
    /// It is there, and neither null nor empty.
    Exists,
    Equals(Wanted),
    /// These texts in this order, anything between them.
    Wildcard(Vec<String>),
    Within(Bounds),
}

/// A value of a query as everything that it can be.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) text: String,
    pub(super) number: Option<f64>,
    pub(super) interval: Option<(Millis, Millis)>,
}

/// The bounds of a range, and whether they belong to it.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    pub(super) low: Option<Wanted>,
    pub(super) high: Option<Wanted>,
    pub(super) closed: (bool, bool),
}

impl Leaf {
    pub(super) fn equals(field: &str, value: &str, policy: &Policy) -> Self {
        let field = Field::new(field, policy);
        let test = Test::Equals(Wanted::new(field.fold(value)));
        Self { field, test }
    }

    pub(super) fn is_of(&self, field: &str) -> bool {
        self.field.path.iter().map(String::as_str).eq(field.split('.'))
    }

    pub(super) fn matches(&self, document: &Map<String, Value>) -> bool {
        let Some((first, rest)) = self.field.path.split_first() else { return false };
        match (document.get(first), rest) {
            (Some(Value::String(email)), [domain]) if first == "email" && domain == "domain" => {
                let domain = email.rsplit_once('@').map(|(_, domain)| Value::from(domain));
                domain.is_some_and(|domain| self.passes(&domain))
            }
            (Some(value), rest) => self.reaches(value, rest),
            (None, _) => false,
        }
    }

    fn reaches(&self, value: &Value, path: &[String]) -> bool {
        match (value, path.split_first()) {
            (Value::Array(items), _) => items.iter().any(|item| self.reaches(item, path)),
            (value, None) => self.passes(value),
            (Value::Object(members), Some((name, rest))) => {
                members.get(name).is_some_and(|value| self.reaches(value, rest))
            }
            _ => false,
        }
    }

    fn passes(&self, value: &Value) -> bool {
        match (&self.test, value) {
            (_, Value::Null) => false,
            (Test::Exists, Value::Object(members)) => !members.is_empty(),
            (Test::Exists, _) => true,
            (Test::Equals(wanted), value) => self.equal(wanted, value),
            (Test::Wildcard(parts), Value::String(text)) => is_like(&self.field.fold(text), parts),
            (Test::Within(bounds), Value::String(text)) => bounds.hold_text(&self.field.fold(text)),
            (Test::Within(bounds), Value::Number(number)) => number.as_f64().is_some_and(|it| bounds.hold_number(it)),
            _ => false,
        }
    }

    fn equal(&self, wanted: &Wanted, value: &Value) -> bool {
        match value {
            Value::String(text) if self.field.kind == Kind::Date => {
                wanted.interval.zip(parse_rfc3339(text)).is_some_and(|((first, last), at)| (first..=last).contains(&at))
            }
            Value::String(text) if self.field.kind == Kind::Folded => fold(text) == wanted.text,
            Value::String(text) => *text == wanted.text,
            Value::Bool(flag) => wanted.text == if *flag { "true" } else { "false" },
            Value::Number(number) => {
                wanted.text == number.to_string()
                    || wanted
                        .number
                        .zip(number.as_f64())
                        .is_some_and(|(wanted, number)| wanted.total_cmp(&number).is_eq())
            }
            _ => false,
        }
    }

    /// The first and the last instant that pass; only fields of instants have them.
    pub(super) fn span(&self) -> Option<(Millis, Millis)> {
        if self.field.kind != Kind::Date {
            return None;
        }
        match &self.test {
            Test::Equals(wanted) => wanted.interval,
            Test::Within(bounds) => {
                let low = bounds.low.as_ref().and_then(|low| low.interval);
                let high = bounds.high.as_ref().and_then(|high| high.interval);
                let first = low.map(|(first, last)| if bounds.closed.0 { first } else { last + 1 });
                let last = high.map(|(first, last)| if bounds.closed.1 { last } else { first - 1 });
                Some((first.unwrap_or(Millis::MIN), last.unwrap_or(Millis::MAX)))
            }
            Test::Exists | Test::Wildcard(_) => None,
        }
    }
}

impl Field {
    pub(super) fn new(name: &str, policy: &Policy) -> Self {
        let path: Vec<String> = name.split('.').map(str::to_owned).collect();
        let root = path.first().map_or("", String::as_str);
        let kind = if policy.folded.contains(&name) {
            Kind::Folded
        } else if policy.dates.contains(&name) {
            Kind::Date
        } else if policy.numbers.contains(&name) {
            Kind::Number
        } else if policy.exact_only.contains(&root) {
            Kind::ExactOnly
        } else {
            Kind::Plain
        };
        Self { path, kind }
    }

    /// The same field, compared without regard to case.
    pub(super) fn folded(mut self) -> Self {
        self.kind = Kind::Folded;
        self
    }

    pub(super) fn name(&self) -> String {
        self.path.join(".")
    }

    /// A text as it is compared.
    pub(super) fn fold(&self, text: &str) -> String {
        if self.kind == Kind::Folded { fold(text) } else { text.to_owned() }
    }
}

impl Wanted {
    pub(super) fn new(text: String) -> Self {
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        // A date is written with capital letters, also where case does not matter.
        Self { number, interval: interval(&text.to_uppercase()), text }
    }
}

impl Bounds {
    fn hold_number(&self, number: f64) -> bool {
        let low = self.low.as_ref().is_none_or(|low| {
            low.number.is_some_and(|low| number > low || (self.closed.0 && number.total_cmp(&low).is_eq()))
        });
        let high = self.high.as_ref().is_none_or(|high| {
            high.number.is_some_and(|high| number < high || (self.closed.1 && number.total_cmp(&high).is_eq()))
        });
        low && high
    }

    /// Instants are compared as such when the bounds are dates, other texts letter by letter.
    fn hold_text(&self, text: &str) -> bool {
        let is_date = |bound: &Option<Wanted>| bound.as_ref().is_none_or(|bound| bound.interval.is_some());
        match parse_rfc3339(&text.to_uppercase()) {
            Some(at) if is_date(&self.low) && is_date(&self.high) => self.hold_instant(at),
            _ => {
                let low =
                    self.low.as_ref().is_none_or(|low| text > low.text.as_str() || (self.closed.0 && text == low.text));
                let high = self
                    .high
                    .as_ref()
                    .is_none_or(|high| text < high.text.as_str() || (self.closed.1 && text == high.text));
                low && high
            }
        }
    }

    fn hold_instant(&self, at: Millis) -> bool {
        let low = self.low.as_ref().and_then(|low| low.interval);
        let high = self.high.as_ref().and_then(|high| high.interval);
        low.is_none_or(|(first, last)| if self.closed.0 { at >= first } else { at > last })
            && high.is_none_or(|(first, last)| if self.closed.1 { at <= last } else { at < first })
    }
}

fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// Whether `text` is the parts in order with anything between them. Each part is looked for once, from left to right:
/// the leftmost place is as good as any.
fn is_like(text: &str, parts: &[String]) -> bool {
    let [first, inner @ .., last] = parts else { return parts.iter().any(|only| only == text) };
    let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
    for part in inner {
        let Some((_, behind)) = rest.split_once(part.as_str()) else { return false };
        rest = behind;
    }
    rest.ends_with(last.as_str())
}
