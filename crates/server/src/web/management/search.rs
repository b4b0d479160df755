//! Walks long lists in short transactions: a search never keeps a database thread for long, and reads no more than it may
//! (`docs/COMPATIBILITY.md` C1155).

use std::cmp::Ordering;

use ringpass_core::model::lucene::Query;
use ringpass_core::model::sorting::{Key, Order};
use ringpass_core::storage::{DbError, Tx};

use super::error::ApiError;
use super::paging::Page;
use crate::app::App;
use crate::web::Call;

/// Which part of what is found is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Slice {
    /// Items to skip.
    pub start: usize,
    /// Most items to return.
    pub limit: usize,
    /// Whether all that can be found must be counted.
    pub totals: bool,
}

impl Slice {
    /// Reads an offset page within the first 1,000 items; `beyond` is what to say otherwise.
    pub fn of(call: &Call, beyond: &'static str) -> Result<Self, ApiError> {
        let Page::Offset { start, limit, totals } = Page::offset(call)? else { return Err(ApiError::Server) };
        if start.saturating_add(limit) > WINDOW {
            return Err(ApiError::BeyondWindow(beyond));
        }
        Ok(Self { start, limit, totals })
    }

    /// Just behind the last item wanted.
    pub fn end(self) -> usize {
        self.start + self.limit
    }
}

/// How deep paging goes into users and into the log.
const WINDOW: usize = 1_000;

/// What one transaction of a walk gives.
#[derive(Debug)]
pub struct Step<P, T> {
    /// What it found.
    pub found: Vec<T>,
    /// How many rows it read.
    pub read: usize,
    /// Where the next one begins; none at the end of the list.
    pub next: Option<P>,
}

/// What a walk may cost.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Rows to read.
    pub rows: usize,
    /// Rows to read in one transaction.
    pub step: usize,
    /// What to tell a caller whose search needs more.
    pub too_broad: &'static str,
}

impl Budget {
    /// The budget of a query; one of many terms reads fewer rows.
    pub fn of(app: &App, query: Option<&Query>, too_broad: &'static str) -> Self {
        let cost = query.map_or(1, |query| query.cost().max(1));
        let rows = app.config.limits.search_rows;
        Self { rows: rows.min(rows.saturating_mul(CHEAP) / cost), step: STEP, too_broad }
    }
}

/// Comparisons for each row that are cheap beside reading it.
const CHEAP: usize = 32;
/// Rows read in one transaction: some milliseconds.
const STEP: usize = 500;

/// Walks from `place` on, `step` by `step`, until `enough` says so, the list ends, or the budget does.
pub async fn walk<P, T, S>(
    app: &App,
    name: &'static str,
    mut budget: Budget,
    place: P,
    step: S,
    mut enough: impl FnMut(Vec<T>) -> bool,
) -> Result<(), ApiError>
where
    P: Send + 'static,
    T: Send + 'static,
    S: Fn(&mut Tx<'_>, P, usize) -> Result<Step<P, T>, DbError> + Clone + Send + 'static,
{
    let mut place = Some(place);
    while let Some(at) = place {
        let limit = budget.rows.min(budget.step);
        if limit == 0 {
            return Err(ApiError::TooBroad(budget.too_broad));
        }
        let step = step.clone();
        let done = app.db.read(name, move |tx| step(tx, at, limit)).await?;
        budget.rows = budget.rows.saturating_sub(done.read);
        if enough(done.found) {
            return Ok(());
        }
        place = done.next;
    }
    Ok(())
}

/// The items of a slice as a walk brings them, and how many there are in all.
#[derive(Debug)]
pub struct Kept<T> {
    slice: Slice,
    /// The items of the slice.
    pub items: Vec<T>,
    /// How many were found so far.
    pub total: usize,
}

impl<T> Kept<T> {
    /// None yet.
    pub fn new(slice: Slice) -> Self {
        Self { slice, items: Vec::new(), total: 0 }
    }

    /// Takes what belongs to the slice; whether nothing more is needed.
    pub fn take(&mut self, found: Vec<T>) -> bool {
        for item in found {
            if (self.slice.start..self.slice.end()).contains(&self.total) {
                self.items.push(item);
            }
            self.total += 1;
        }
        !self.slice.totals && self.items.len() == self.slice.limit
    }
}

/// An item of a list that is to be sorted: what it is sorted by, its place in the list itself, and its id.
#[derive(Debug)]
pub struct Sortable {
    /// The value of the field.
    pub key: Key,
    /// Sorts as the list does.
    pub place: String,
    /// Names the item.
    pub id: String,
}

/// The ids of a slice of sorted items.
pub fn sorted(mut items: Vec<Sortable>, order: &Order, slice: Slice) -> Vec<String> {
    let by_place = |one: &Sortable, other: &Sortable| {
        let ordering = one.place.cmp(&other.place);
        if order.descending { ordering.reverse() } else { ordering }
    };
    items.sort_by(|one, other| match order.compare(&one.key, &other.key) {
        Ordering::Equal => by_place(one, other),
        ordering => ordering,
    });
    items.into_iter().skip(slice.start).take(slice.limit).map(|item| item.id).collect()
}
