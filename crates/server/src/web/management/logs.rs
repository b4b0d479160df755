//! `/logs` and `/users/{id}/logs` (`docs/COMPATIBILITY.md` C781-C783, C1151-C1164).

use std::sync::Arc;

use http::{StatusCode, header};
use ringpass_core::kit::ids;
use ringpass_core::model::log_search::{self, ORDERS, POLICY, Way};
use ringpass_core::model::lucene::Query;
use ringpass_core::model::sorting::Order;
use ringpass_core::storage::{DbError, Tx, logs};
use serde_json::{Map, Value};

use super::paging::{Cut, Fields, Page, number};
use super::search::{Budget, Kept, Slice, Sortable, Step, sorted, walk};
use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::web::{Call, Reply};

type Event = Map<String, Value>;

/// `GET /logs`: newest first by page, or oldest first from a known event on.
pub async fn list(app: Arc<App>, request: Request) -> Outcome {
    let call = &request.call;
    if call.query("from").is_some() || call.query("take").is_some() {
        return list_after(&app, call).await;
    }
    let query = query(call)?;
    answer(&app, call, query, None).await
}

/// `GET /users/{id}/logs`: the events of a user, newest first; none for a user who is not there.
pub async fn of_user(app: Arc<App>, request: Request) -> Outcome {
    answer(&app, &request.call, None, Some(request.call.param("id").to_owned())).await
}

/// `GET /logs/{id}`.
pub async fn show(app: Arc<App>, request: Request) -> Outcome {
    let id = request.call.param("id").to_owned();
    let event: Event = app.db.read("logs.show", move |tx| logs::get(tx, &id)).await?.ok_or(ApiError::NoLog)?;
    Ok(Reply::json(StatusCode::OK, &event))
}

/// Events newer than `from`, with a link to what follows them. Nothing newer: the link leads here again.
async fn list_after(app: &App, call: &Call) -> Outcome {
    let take = number(call, "take", "Number of entries to retrieve", (1, 100), 50)?;
    let from = call.query("from").unwrap_or_default().to_owned();
    let (after, now, limit) = (from.clone(), app.clock.now(), whole(take));
    let events = app.db.read("logs.list_after", move |tx| logs::list_after(tx, &after, now, limit)).await?;
    let last = events.last().and_then(|event| event.get("log_id")).and_then(Value::as_str).unwrap_or(&from);
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("from", last)
        .append_pair("take", &take.to_string())
        .finish();
    let link = format!("<{}logs?{query}>; rel=\"next\"", app.config.http.management_audience());
    Ok(Reply::json(StatusCode::OK, &events).with(header::LINK, &link))
}

/// `q` and the older `search`, which must both match; none when neither is given.
fn query(call: &Call) -> Result<Option<Query>, ApiError> {
    let given = |name: &str| call.query(name).filter(|value| !value.trim().is_empty());
    let q = given("q").map(|q| Query::parse(q, &POLICY)).transpose()?;
    let search = given("search").map(log_search::simple).transpose()?;
    Ok(match (q, search) {
        (Some(q), Some(search)) => Some(q.and(search)),
        (q, search) => q.or(search),
    })
}

/// Lists, of one user or of all, what a query finds.
async fn answer(app: &App, call: &Call, query: Option<Query>, user_id: Option<String>) -> Outcome {
    let (page, fields) = (Page::offset(call)?, Fields::of(call)?);
    let order = Order::parse(call.query("sort").unwrap_or_default(), &ORDERS)?;
    let slice = Slice::of(call, BEYOND)?;
    let way = Way::of(query.as_ref());
    let search = Arc::new(Search { user_id: user_id.or_else(|| way.user_id.clone()), query, way });
    let (items, total) = search.run(app, &order, slice).await?;
    let items = items.iter().map(|event| Value::Object(fields.apply(event, &[]))).collect();
    Ok(page.reply("logs", Cut { items, total, next: None }))
}

/// What is looked for, and where.
#[derive(Debug)]
struct Search {
    query: Option<Query>,
    user_id: Option<String>,
    way: Way,
}

impl Search {
    async fn run(self: Arc<Self>, app: &App, order: &Order, slice: Slice) -> Result<(Vec<Event>, usize), ApiError> {
        let budget = Budget::of(app, self.query.as_ref(), TOO_BROAD);
        if order.is_natural && self.query.is_none() {
            // Nobody is left out: the page is where it is, and the total needs no reading.
            let (slice_only, rows) = (Slice { totals: false, ..slice }, slice.end());
            let (items, _) =
                Arc::clone(&self).in_order(app, Budget { rows, step: rows, ..budget }, order, slice_only).await?;
            let total = if slice.totals { self.count(app).await? } else { 0 };
            return Ok((items, total));
        }
        if order.is_natural {
            return self.in_order(app, budget, order, slice).await;
        }
        let (mut all, by) = (Vec::new(), order.clone());
        let keep = |found: Vec<Sortable>| {
            all.extend(found);
            false
        };
        let look = move |event: Event| Sortable { key: by.key(&event), place: id(&event), id: id(&event) };
        self.walk(app, budget, false, look, keep).await?;
        let total = all.len();
        let ids = sorted(all, order, slice);
        let read = move |tx: &mut Tx<'_>| ids.iter().map(|id| logs::get(tx, id)).collect::<Result<Vec<_>, _>>();
        let events = app.db.read("logs.found", read).await?;
        Ok((events.into_iter().flatten().collect(), total))
    }

    /// Events in the order in which they are kept.
    async fn in_order(
        self: Arc<Self>,
        app: &App,
        budget: Budget,
        order: &Order,
        slice: Slice,
    ) -> Result<(Vec<Event>, usize), ApiError> {
        let mut kept = Kept::new(slice);
        self.walk(app, budget, order.descending, |event| event, |found| kept.take(found)).await?;
        Ok((kept.items, kept.total))
    }

    async fn walk<T: Send + 'static>(
        self: Arc<Self>,
        app: &App,
        budget: Budget,
        newest_first: bool,
        look: impl Fn(Event) -> T + Clone + Send + 'static,
        enough: impl FnMut(Vec<T>) -> bool,
    ) -> Result<(), ApiError> {
        let (first, last) = self.way.span;
        let (low, high) = (ids::log_bound(first), ids::log_bound(last.saturating_add(1)));
        let start = if newest_first { high.clone() } else { low.clone() };
        let step = move |tx: &mut Tx<'_>, place: String, limit| {
            let (events, is_last) = if let Some(ids) = &self.way.log_ids {
                (named(tx, ids, newest_first)?, true)
            } else {
                let user_id = self.user_id.as_deref();
                let events = if newest_first {
                    logs::newest_first(tx, user_id, (&low, &place), whole(limit))?
                } else {
                    logs::oldest_first(tx, user_id, (&place, &high), whole(limit))?
                };
                let is_last = events.len() < limit;
                (events, is_last)
            };
            let found = events.iter().filter_map(|event| self.look(event).transpose());
            let found = found.map(|event| event.map(&look)).collect::<Result<_, _>>()?;
            let next = events.last().filter(|_| !is_last).map(|last| last.log_id.clone());
            Ok(Step { found, read: events.len(), next })
        };
        walk(app, "logs.search", budget, start, step, enough).await
    }

    /// The event, if it is one of those looked for. Its type is a column, so that most need no parsing.
    fn look(&self, found: &logs::Found) -> Result<Option<Event>, DbError> {
        if self.way.kinds.as_ref().is_some_and(|kinds| !kinds.contains(&found.kind)) {
            return Ok(None);
        }
        let event = found.event()?;
        Ok(Some(event).filter(|event| self.query.as_ref().is_none_or(|query| query.matches(event))))
    }

    async fn count(&self, app: &App) -> Result<usize, DbError> {
        let user_id = self.user_id.clone();
        let total = app.db.read("logs.count", move |tx| logs::count(tx, user_id.as_deref(), COUNTED)).await?;
        Ok(usize::try_from(total).unwrap_or_default())
    }
}

/// The events with these ids.
fn named(tx: &mut Tx<'_>, ids: &[String], newest_first: bool) -> Result<Vec<logs::Found>, DbError> {
    let mut ids: Vec<&String> = ids.iter().collect();
    ids.sort();
    ids.dedup();
    if newest_first {
        ids.reverse();
    }
    let found = ids.into_iter().map(|id| logs::find(tx, id)).collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().flatten().collect())
}

fn id(event: &Event) -> String {
    event.get("log_id").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// How far a list without a query is counted.
const COUNTED: i64 = 100_000;
const BEYOND: &str = "You can only page through the first 1000 records. Use from and take to read the whole log";
const TOO_BROAD: &str = "This search would read too many log events. \
     Narrow it with AND and user_id, log_id or a range of date";
