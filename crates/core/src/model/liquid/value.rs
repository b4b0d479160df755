//! Values while a template is rendered: borrowed from the template and from what it is filled in with as far as possible.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Write as _;
use std::rc::Rc;

use serde_json::{Map, Value as Json};

use super::budget::{Budget, RenderError, Text};

/// A value.
#[derive(Clone)]
pub(super) enum Value<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// A text of the template or of the names.
    Str(&'a str),
    /// A text made on the way.
    Text(Rc<str>),
    Array(&'a [Json]),
    /// A list made on the way.
    List(Rc<[Value<'a>]>),
    Object(&'a Map<String, Json>),
    /// From the first to the last, both included.
    Range(i64, i64),
    Round(Rc<Round>),
    /// The words that only comparisons know.
    Blank,
    Empty,
}

/// `forloop` and `tablerowloop`.
pub(super) struct Round {
    pub(super) index: usize,
    pub(super) length: usize,
    /// Columns of a table.
    pub(super) columns: Option<usize>,
    pub(super) parent: Option<Rc<Round>>,
}

impl<'a> Value<'a> {
    /// A value of the names.
    pub(super) fn of(json: &'a Json) -> Self {
        match json {
            Json::Null => Self::Nil,
            Json::Bool(it) => Self::Bool(*it),
            Json::Number(it) => it.as_i64().map_or_else(|| Self::Float(it.as_f64().unwrap_or(f64::MAX)), Self::Int),
            Json::String(it) => Self::Str(it),
            Json::Array(it) => Self::Array(it),
            Json::Object(it) => Self::Object(it),
        }
    }

    /// A text made on the way.
    pub(super) fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// A list made on the way.
    pub(super) fn list(items: Vec<Self>) -> Self {
        Self::List(items.into())
    }

    /// A count as a number.
    pub(super) fn count(count: usize) -> Self {
        Self::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// Everything but `nil` and `false` counts as true.
    pub(super) fn is_truthy(&self) -> bool {
        !matches!(self, Self::Nil | Self::Bool(false))
    }

    /// The text of a text.
    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number of items of a list, a range or an object.
    pub(super) fn length(&self) -> Option<usize> {
        match self {
            Self::Array(items) => Some(items.len()),
            Self::List(items) => Some(items.len()),
            Self::Object(members) => Some(members.len()),
            Self::Range(from, to) if from > to => Some(0),
            Self::Range(from, to) => Some(usize::try_from(to.abs_diff(*from)).unwrap_or(usize::MAX).saturating_add(1)),
            _ => None,
        }
    }

    /// The item of a list or a range at `index`.
    pub(super) fn at(&self, index: usize) -> Self {
        match self {
            Self::Array(items) => items.get(index).map_or(Self::Nil, Self::of),
            Self::List(items) => items.get(index).cloned().unwrap_or(Self::Nil),
            Self::Range(from, to) => {
                let item = i64::try_from(index).ok().and_then(|index| from.checked_add(index));
                item.filter(|item| item <= to).map_or(Self::Nil, Self::Int)
            }
            _ => Self::Nil,
        }
    }

    /// What `value.name` is.
    pub(super) fn member(&self, name: &str, budget: &mut Budget) -> Result<Self, RenderError> {
        if let (Some(text), "size") = (self.as_str(), name) {
            budget.bytes(text.len())?;
            return Ok(Self::count(text.chars().count()));
        }
        Ok(match (self, name) {
            (Self::Object(members), _) if members.contains_key(name) => members.get(name).map_or(Self::Nil, Self::of),
            (Self::Round(round), _) => round.member(name),
            (_, "size") => self.length().map_or(Self::Nil, Self::count),
            (_, "first") => self.at(0),
            (_, "last") => self.length().and_then(|length| length.checked_sub(1)).map_or(Self::Nil, |at| self.at(at)),
            _ => Self::Nil,
        })
    }

    /// What `value[index]` is: a member of an object, or an item of a list, counted from its end when negative.
    pub(super) fn index(&self, index: &Self, budget: &mut Budget) -> Result<Self, RenderError> {
        budget.bytes(index.as_str().map_or(0, str::len))?;
        Ok(match (self, index) {
            (Self::Object(members), _) => index.as_str().and_then(|name| members.get(name)).map_or(Self::Nil, Self::of),
            (_, Self::Int(at)) => {
                let at = usize::try_from(*at).ok().or_else(|| {
                    let back = usize::try_from(at.unsigned_abs()).ok()?;
                    self.length()?.checked_sub(back)
                });
                at.map_or(Self::Nil, |at| self.at(at))
            }
            _ => Self::Nil,
        })
    }

    /// Appends the value as it prints.
    pub(super) fn write(&self, out: &mut Text, budget: &mut Budget) -> Result<(), RenderError> {
        let before = out.len();
        let written = match self {
            Self::Nil | Self::Blank | Self::Empty => Ok(()),
            Self::Str(_) | Self::Text(_) => out.write_str(self.as_str().unwrap_or_default()),
            Self::Bool(it) => write!(out, "{it}"),
            Self::Int(it) => write!(out, "{it}"),
            Self::Float(it) if it.fract() == 0.0 => write!(out, "{it:.1}"),
            Self::Float(it) => write!(out, "{it}"),
            Self::Range(from, to) => write!(out, "{from}..{to}"),
            Self::Round(_) => out.write_str("forloop"),
            Self::Object(members) => match members.get(super::PRINTED) {
                Some(Json::String(text)) => out.write_str(text),
                _ => write!(out, "{}", Shown(members)),
            },
            Self::Array(_) | Self::List(_) => {
                for at in 0..self.length().unwrap_or_default() {
                    budget.spend(1)?;
                    self.at(at).write(out, budget)?;
                }
                Ok(())
            }
        };
        written.map_err(|_| RenderError::Output)?;
        budget.bytes(out.len() - before)
    }

    /// The value as it prints.
    pub(super) fn printed(&self, budget: &mut Budget) -> Result<Cow<'_, str>, RenderError> {
        if let Some(text) = self.as_str() {
            budget.bytes(text.len())?;
            return Ok(Cow::Borrowed(text));
        }
        let mut out = budget.text();
        self.write(&mut out, budget)?;
        Ok(Cow::Owned(out.into_string()))
    }

    /// The value as a number: texts begin with one or are 0.
    pub(super) fn number(&self) -> Self {
        match self {
            Self::Int(_) | Self::Float(_) => self.clone(),
            _ => number(self.as_str().unwrap_or_default()),
        }
    }

    /// The value as a whole number.
    pub(super) fn whole(&self) -> i64 {
        match self.number() {
            Self::Int(it) => it,
            Self::Float(it) => truncated(it),
            _ => 0,
        }
    }

    /// Whether two values are equal, or one has the property that the other names.
    pub(super) fn equals(&self, other: &Self, budget: &mut Budget) -> Result<bool, RenderError> {
        budget.bytes(self.as_str().map_or(0, str::len) + other.as_str().map_or(0, str::len))?;
        Ok(match (self, other) {
            (Self::Nil, Self::Nil) | (Self::Blank, Self::Blank) | (Self::Empty, Self::Empty) => true,
            (it, Self::Blank) | (Self::Blank, it) => !it.is_truthy() || it.is_empty(true),
            (it, Self::Empty) | (Self::Empty, it) => it.is_empty(false),
            (Self::Bool(one), Self::Bool(two)) => one == two,
            (Self::Range(one, two), Self::Range(three, four)) => (one, two) == (three, four),
            (Self::Int(_) | Self::Float(_), Self::Int(_) | Self::Float(_)) => {
                self.order(other, budget)? == Some(Ordering::Equal)
            }
            (Self::Object(one), Self::Object(two)) => {
                let mut same = one.len() == two.len();
                for (name, member) in *one {
                    let Some(other) = two.get(name).filter(|_| same) else { return Ok(false) };
                    same = Self::of(member).equals(&Self::of(other), budget)?;
                }
                same
            }
            (Self::Array(_) | Self::List(_), Self::Array(_) | Self::List(_)) => {
                let mut same = self.length() == other.length();
                for at in 0..self.length().unwrap_or_default() {
                    same = same && self.at(at).equals(&other.at(at), budget)?;
                }
                same
            }
            _ => match (self.as_str(), other.as_str()) {
                (Some(one), Some(two)) => one == two,
                _ => false,
            },
        })
    }

    fn is_empty(&self, or_white: bool) -> bool {
        match self.as_str() {
            Some(text) if or_white => text.trim().is_empty(),
            Some(text) => text.is_empty(),
            None => !matches!(self, Self::Range(..)) && self.length() == Some(0),
        }
    }

    /// How two numbers or two texts compare; other pairs do not.
    pub(super) fn order(&self, other: &Self, budget: &mut Budget) -> Result<Option<Ordering>, RenderError> {
        if let (Some(one), Some(two)) = (self.as_str(), other.as_str()) {
            budget.bytes(one.len().min(two.len()))?;
            return Ok(Some(one.cmp(two)));
        }
        Ok(match (self, other) {
            (Self::Int(one), Self::Int(two)) => Some(one.cmp(two)),
            (Self::Int(one), Self::Float(two)) => as_float(*one).partial_cmp(two),
            (Self::Float(one), Self::Int(two)) => one.partial_cmp(&as_float(*two)),
            (Self::Float(one), Self::Float(two)) => one.partial_cmp(two),
            _ => None,
        })
    }

    /// Whether a text holds a text, a list an item, an object a name.
    pub(super) fn contains(&self, item: &Self, budget: &mut Budget) -> Result<bool, RenderError> {
        if matches!(item, Self::Nil) {
            return Ok(false);
        }
        if let Some(text) = self.as_str() {
            budget.bytes(text.len())?;
            return Ok(text.contains(&*item.printed(budget)?));
        }
        match self {
            Self::Object(members) => {
                budget.bytes(item.as_str().map_or(0, str::len))?;
                Ok(item.as_str().is_some_and(|name| members.contains_key(name)))
            }
            Self::Range(from, to) => Ok(matches!(item, Self::Int(it) if (from..=to).contains(&it))),
            _ => {
                for at in 0..self.length().unwrap_or_default() {
                    if self.at(at).equals(item, budget)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }
}

impl Round {
    fn member(self: &Rc<Self>, name: &str) -> Value<'static> {
        let columns = self.columns.unwrap_or(1).max(1);
        match name {
            "index" => Value::count(self.index + 1),
            "index0" => Value::count(self.index),
            "rindex" => Value::count(self.length - self.index),
            "rindex0" => Value::count(self.length - self.index - 1),
            "first" => Value::Bool(self.index == 0),
            "last" => Value::Bool(self.index + 1 == self.length),
            "length" => Value::count(self.length),
            "parentloop" => self.parent.clone().map_or(Value::Nil, Value::Round),
            "col" if self.columns.is_some() => Value::count(self.index % columns + 1),
            "col0" if self.columns.is_some() => Value::count(self.index % columns),
            "col_first" if self.columns.is_some() => Value::Bool(self.index.is_multiple_of(columns)),
            "col_last" if self.columns.is_some() => Value::Bool(self.index % columns == columns - 1),
            "row" if self.columns.is_some() => Value::count(self.index / columns + 1),
            _ => Value::Nil,
        }
    }
}

/// An object as JSON.
struct Shown<'a>(&'a Map<String, Json>);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("{")?;
        for (at, (name, value)) in self.0.iter().enumerate() {
            write!(f, "{}{}:{value}", if at == 0 { "" } else { "," }, Json::from(name.as_str()))?;
        }
        f.write_str("}")
    }
}

/// The number at the beginning of a text; with a fraction only if the text is nothing else.
fn number(text: &str) -> Value<'static> {
    let text = text.trim_start();
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let fraction = unsigned.get(digits..).and_then(|rest| rest.strip_prefix('.'));
    let is_fraction = |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
    if digits > 0 && fraction.is_some_and(is_fraction) {
        return text.parse().map_or(Value::Int(0), Value::Float);
    }
    let whole = text.get(..text.len() - unsigned.len() + digits).unwrap_or_default();
    Value::Int(whole.parse().unwrap_or(match (digits, text.starts_with('-')) {
        (0, _) => 0,
        (_, true) => i64::MIN,
        (_, false) => i64::MAX,
    }))
}

/// A whole number as one with a fraction; large ones are rounded.
#[expect(clippy::cast_precision_loss, reason = "what floating-point arithmetic is")]
pub(super) fn as_float(whole: i64) -> f64 {
    whole as f64
}

/// A number without its fraction, as near as a whole number comes.
#[expect(clippy::cast_possible_truncation, reason = "the cast goes to the nearest bound")]
pub(super) fn truncated(number: f64) -> i64 {
    number as i64
}
