//! Pages of a list: by offset or by checkpoint, and the choice of members (`docs/COMPATIBILITY.md` C631-C636).

use http::StatusCode;
use ringpass_core::kit::clock::Millis;
use ringpass_core::kit::hash;
use ringpass_core::model::fields;
use ringpass_core::model::schema::Invalid;
use serde_json::{Map, Value, json};

use super::error::ApiError;
use crate::web::{Call, Reply};

/// Which part of a list a caller asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// `page`, `per_page`, `include_totals`.
    Offset {
        /// Items to skip.
        start: usize,
        /// Most items to return.
        limit: usize,
        /// Whether the answer is an object with totals.
        totals: bool,
    },
    /// `from`, `take`.
    Checkpoint {
        /// Key of the last item seen; none at the beginning.
        after: Option<String>,
        /// Most items to return.
        limit: usize,
    },
}

const PER_PAGE: &str = "Number of results per page";
const PAGE: &str = "Page index of the results to return. First page is 0";
const TAKE: &str = "Number of results per page";
const FROM: &str = "Id from which to start selection";

impl Page {
    /// Reads the page asked for; `take` or `from` wins over `page`.
    pub fn of(call: &Call) -> Result<Self, ApiError> {
        if call.query("take").is_some() || call.query("from").is_some() {
            Self::checkpoint(call)
        } else {
            Self::offset(call)
        }
    }

    /// The same for a list that knows offsets only.
    pub fn offset(call: &Call) -> Result<Self, ApiError> {
        let limit = number(call, "per_page", PER_PAGE, (1, 100), 50)?;
        let page = number(call, "page", PAGE, (0, 1_000_000_000), 0)?;
        Ok(Self::Offset {
            start: page.saturating_mul(limit),
            limit,
            totals: flag(call, "include_totals")?.unwrap_or(false),
        })
    }

    /// The same for a list that knows checkpoints only.
    pub fn checkpoint(call: &Call) -> Result<Self, ApiError> {
        let limit = number(call, "take", TAKE, (1, 100), 50)?;
        let after = match call.query("from") {
            None | Some("") => None,
            Some(opaque) => {
                let key = hash::from_base64url(opaque).and_then(|key| String::from_utf8(key).ok());
                Some(key.ok_or_else(|| Invalid::query("Invalid checkpoint", "from", FROM))?)
            }
        };
        Ok(Self::Checkpoint { after, limit })
    }

    /// The page as the database takes it: how many items to skip, how many to read, and whether they are to be counted.
    pub fn window(&self) -> (i64, i64, bool) {
        let number = |it: &usize| i64::try_from(*it).unwrap_or(i64::MAX);
        match self {
            Self::Offset { start, limit, totals } => (number(start), number(limit), *totals),
            Self::Checkpoint { limit, .. } => (0, number(limit), false),
        }
    }

    /// Where a checkpoint page of a list in order of creation begins, as [`key`] says it, and one item more than it holds: the
    /// database need not read the whole list.
    pub fn after(&self) -> Result<((Millis, String), i64), ApiError> {
        let (after, limit) = match self {
            Self::Checkpoint { after, limit } => (after.as_deref(), limit),
            Self::Offset { limit, .. } => (None, limit),
        };
        let position = match after {
            None => (Millis::MIN, String::new()),
            Some(key) => {
                let parsed = key.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned())));
                let clean = parsed.filter(|(_, id): &(Millis, String)| !id.contains('\0'));
                clean.ok_or_else(|| Invalid::query("Invalid checkpoint", "from", FROM))?
            }
        };
        Ok((position, i64::try_from(*limit).unwrap_or(i64::MAX).saturating_add(1)))
    }

    /// Cuts the page out of the whole list. `key` names an item for checkpoints: unique, never changing, and sorting as
    /// the list does (a padded creation time, then the id), so that a checkpoint outlives its item.
    pub fn cut<T>(&self, items: Vec<T>, key: impl Fn(&T) -> String) -> Cut<T> {
        let total = items.len();
        match self {
            Self::Offset { start, limit, .. } => {
                Cut { items: items.into_iter().skip(*start).take(*limit).collect(), total, next: None }
            }
            Self::Checkpoint { after, limit } => {
                let start = match after {
                    None => 0,
                    Some(after) => {
                        let same = items.iter().position(|item| key(item) == *after).map(|at| at + 1);
                        same.or_else(|| items.iter().position(|item| key(item) > *after)).unwrap_or(total)
                    }
                };
                let items: Vec<T> = items.into_iter().skip(start).take(*limit).collect();
                let more = start + items.len() < total;
                let next = items.last().filter(|_| more).map(|last| hash::base64url(key(last).as_bytes()));
                Cut { items, total, next }
            }
        }
    }

    /// The answer: a bare array, an object with totals, or an object with a checkpoint. `name` is the items' member.
    pub fn reply(&self, name: &str, cut: Cut<Value>) -> Reply {
        let mut body = Map::new();
        match self {
            Self::Offset { totals: false, .. } => return Reply::json(StatusCode::OK, &cut.items),
            Self::Offset { start, limit, .. } => {
                body.insert("start".into(), json!(start));
                body.insert("limit".into(), json!(limit));
                body.insert("total".into(), json!(cut.total));
            }
            Self::Checkpoint { .. } => {
                if let Some(next) = cut.next {
                    body.insert("next".into(), next.into());
                }
            }
        }
        body.insert(name.to_owned(), cut.items.into());
        Reply::json(StatusCode::OK, &body)
    }
}

/// A page of items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut<T> {
    /// The items of the page.
    pub items: Vec<T>,
    /// How many there are on all pages.
    pub total: usize,
    /// Where the next page begins; none on the last.
    pub next: Option<String>,
}

impl<T> Cut<T> {
    /// A page of which one item more was read than it holds, to learn whether another one follows.
    pub fn of(mut items: Vec<T>, read: i64, key: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(read).unwrap_or(usize::MAX).saturating_sub(1);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| hash::base64url(key(last).as_bytes()));
        Self { total: items.len(), items, next }
    }

    /// The same page of something else.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Cut<U> {
        Cut { items: self.items.into_iter().map(change).collect(), total: self.total, next: self.next }
    }
}

/// `fields` and `include_fields`: which members an answer shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    names: String,
    include: bool,
}

impl Fields {
    /// Reads the choice; none shows everything.
    pub fn of(call: &Call) -> Result<Self, ApiError> {
        let names = call.query("fields").unwrap_or_default().to_owned();
        Ok(Self { names, include: flag(call, "include_fields")?.unwrap_or(true) })
    }

    /// The chosen members, and those of `always`.
    pub fn apply(&self, whole: &Map<String, Value>, always: &[&str]) -> Map<String, Value> {
        let mut chosen = fields::project(whole, &self.names, self.include);
        for name in always {
            if let (Some(value), false) = (whole.get(*name), chosen.contains_key(*name)) {
                chosen.insert((*name).to_owned(), value.clone());
            }
        }
        chosen
    }
}

/// A checkpoint key for lists in order of creation.
pub fn key(created_at: Millis, id: &str) -> String {
    format!("{created_at:015}.{id}")
}

/// A whole number of the query between two bounds.
pub fn number(
    call: &Call,
    name: &str,
    about: &str,
    (min, max): (usize, usize),
    default: usize,
) -> Result<usize, ApiError> {
    let Some(text) = call.query(name).filter(|text| !text.is_empty()) else { return Ok(default) };
    let refuse = |reason: String| Err(Invalid::query(&reason, name, about).into());
    match text.parse::<i64>() {
        Err(_) => refuse("Expected type integer but found type string".to_owned()),
        Ok(value) => match usize::try_from(value) {
            Ok(value) if value > max => refuse(format!("Value {value} is greater than maximum {max}")),
            Ok(value) if value >= min => Ok(value),
            _ => refuse(format!("Value {value} is less than minimum {min}")),
        },
    }
}

/// `true` or `false` of the query.
pub fn flag(call: &Call, name: &str) -> Result<Option<bool>, ApiError> {
    match call.query(name) {
        None | Some("") => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(Invalid::query("Expected type boolean but found type string", name, "").into()),
    }
}
