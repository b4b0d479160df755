//! `GET /users`: lists, searches and sorts (`docs/COMPATIBILITY.md` C751, C1140-C1158).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::kit::clock::Millis;
use ringpass_core::model::lucene::Query;
use ringpass_core::model::schema::Invalid;
use ringpass_core::model::sorting::Order;
use ringpass_core::model::user::User;
use ringpass_core::model::user_search::{ORDERS, POLICY, Way};
use ringpass_core::storage::{DbError, Tx, users};
use serde_json::{Map, Value, json};

use super::enrollments::with_multifactor;
use super::paging::{self, Fields};
use super::search::{Budget, Kept, Slice, Sortable, Step, sorted, walk};
use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::web::{Call, Reply};

/// A user object as it is searched and shown.
type View = Map<String, Value>;

/// `GET /users`: oldest first unless the caller wants another order, and only as deep as the window goes.
pub async fn list(app: Arc<App>, request: Request) -> Outcome {
    let call = &request.call;
    let query = query(call)?;
    let order = Order::parse(call.query("sort").unwrap_or_default(), &ORDERS)?;
    let (slice, fields) = (Slice::of(call, BEYOND)?, Fields::of(call)?);
    let (page, total) = match query {
        None if order.is_natural => everybody(&app, order.descending, slice).await?,
        query => found(&app, query.map(Arc::new), &order, slice).await?,
    };
    let page = app.db.read("users.enrolled", move |tx| with_multifactor(tx, page)).await?;
    let page: Vec<View> = page.iter().map(|user| fields.apply(user, &[])).collect();
    if !slice.totals {
        return Ok(Reply::json(StatusCode::OK, &page));
    }
    let body = json!({"start": slice.start, "limit": slice.limit, "length": page.len(), "users": page, "total": total});
    Ok(Reply::json(StatusCode::OK, &body))
}

/// `q` and `connection`, which must both match; none when neither is given.
fn query(call: &Call) -> Result<Option<Query>, ApiError> {
    let given = |name: &str| call.query(name).filter(|value| !value.trim().is_empty());
    if let Some(engine) = given("search_engine").filter(|engine| !["v1", "v2", "v3"].contains(engine)) {
        return Err(Invalid::query(&format!("No enum match for: {engine}"), "search_engine", "").into());
    }
    if given("search").is_some() {
        return Err(Invalid::query("Users are searched with q", "search", "").into());
    }
    let q = given("q").map(|q| Query::parse(q, &POLICY)).transpose()?;
    let connection = given("connection").map(|name| Query::equals("identities.connection", name, &POLICY));
    Ok(match (q, connection) {
        (Some(q), Some(connection)) => Some(q.and(connection)),
        (q, connection) => q.or(connection),
    })
}

/// A page of the whole list, which is kept in this order.
async fn everybody(app: &App, newest_first: bool, slice: Slice) -> Result<(Vec<View>, usize), ApiError> {
    let (most, skip) = (whole(slice.limit), whole(slice.start));
    let read = move |tx: &mut Tx<'_>| {
        let page = if newest_first { users::list_newest(tx, most, skip)? } else { users::list(tx, most, skip)? };
        Ok(page.iter().map(User::view).collect())
    };
    let page = app.db.read("users.list", read).await?;
    Ok((page, if slice.totals { count(app).await? } else { 0 }))
}

/// Counts everybody, a part at a time.
async fn count(app: &App) -> Result<usize, DbError> {
    let (mut total, mut after) = (0, Some((Millis::MIN, String::new())));
    while let Some((at, id)) = after {
        let read = move |tx: &mut Tx<'_>| users::count_after(tx, (at, &id), COUNTED_AT_ONCE);
        let (more, last) = app.db.read("users.count", read).await?;
        total += usize::try_from(more).unwrap_or_default();
        after = last;
    }
    Ok(total)
}

/// Users counted in one transaction: some milliseconds.
const COUNTED_AT_ONCE: i64 = 20_000;

/// A page of the users whom a query finds, and how many it finds in all.
async fn found(
    app: &App,
    query: Option<Arc<Query>>,
    order: &Order,
    slice: Slice,
) -> Result<(Vec<View>, usize), ApiError> {
    let budget = Budget::of(app, query.as_deref(), TOO_BROAD);
    let (first, last) = match Way::of(query.as_deref()) {
        Way::Walk(first, last) => (first, last),
        way => return looked_up(app, budget, lookups(app, way), query, order, slice).await,
    };
    if order.is_natural {
        let mut kept = Kept::new(slice);
        let descending = order.descending;
        let start = if descending { (last, HIGHEST.to_owned()) } else { (first, String::new()) };
        let end = if descending { first } else { last };
        let step = move |tx: &mut Tx<'_>, place: Place, limit| {
            let users = read(tx, descending, &place, end, limit)?;
            Ok(step(&users, limit, query.as_deref(), |_, view| view))
        };
        walk(app, "users.search", budget, start, step, |found| kept.take(found)).await?;
        return Ok((kept.items, kept.total));
    }
    let (mut all, by) = (Vec::new(), order.clone());
    let step = move |tx: &mut Tx<'_>, place: Place, limit| {
        let users = read(tx, false, &place, last, limit)?;
        Ok(step(&users, limit, query.as_deref(), |user, view| sortable(user, &view, &by)))
    };
    let keep = |found: Vec<Sortable>| {
        all.extend(found);
        false
    };
    walk(app, "users.search", budget, (first, String::new()), step, keep).await?;
    let total = all.len();
    Ok((shown(app, sorted(all, order, slice)).await?, total))
}

/// A place in the list: behind (or before) this user.
type Place = (Millis, String);

fn read(tx: &mut Tx<'_>, descending: bool, (at, id): &Place, end: Millis, limit: usize) -> Result<Vec<User>, DbError> {
    if descending {
        users::list_before(tx, (*at, id), end, whole(limit))
    } else {
        users::list_after(tx, (*at, id), end, whole(limit))
    }
}

fn step<T>(users: &[User], limit: usize, query: Option<&Query>, keep: impl Fn(&User, View) -> T) -> Step<Place, T> {
    let found = users.iter().filter_map(|user| {
        let view = user.view();
        query.is_none_or(|query| query.matches(&view)).then(|| keep(user, view))
    });
    let last = users.last().filter(|_| users.len() == limit);
    Step { found: found.collect(), read: users.len(), next: last.map(|user| (user.created_at, user.user_id.clone())) }
}

fn sortable(user: &User, view: &View, order: &Order) -> Sortable {
    Sortable { key: order.key(view), place: paging::key(user.created_at, &user.user_id), id: user.user_id.clone() }
}

/// A user to look for by what is indexed.
#[derive(Debug, Clone)]
enum Lookup {
    Id(String),
    Phone(String, String),
    Email(String),
    Username(String, String),
}

impl Lookup {
    fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<User>, DbError> {
        match self {
            Self::Id(id) => Ok(users::get(tx, id)?.into_iter().collect()),
            Self::Phone(connection, phone) => Ok(users::find_by_phone(tx, connection, phone)?.into_iter().collect()),
            Self::Email(email) => users::find_by_email(tx, email),
            Self::Username(connection, name) => {
                Ok(users::find_by_username(tx, connection, name)?.into_iter().collect())
            }
        }
    }
}

/// Numbers and names are unique in their connection, and indexed with it.
fn lookups(app: &App, way: Way) -> Vec<Lookup> {
    let snapshot = app.snapshot();
    let connections: Vec<&str> = snapshot.connection_names().collect();
    let in_each = |values: Vec<String>, lookup: fn(String, String) -> Lookup| -> Vec<Lookup> {
        let pairs =
            values.iter().flat_map(|value| connections.iter().map(move |&name| (name.to_owned(), value.clone())));
        pairs.map(|(name, value)| lookup(name, value)).collect()
    };
    match way {
        Way::Ids(ids) => ids.into_iter().map(Lookup::Id).collect(),
        Way::Phones(phones) => in_each(phones, Lookup::Phone),
        Way::Emails(emails) => emails.into_iter().map(Lookup::Email).collect(),
        Way::Usernames(names) => in_each(names, Lookup::Username),
        Way::Walk(..) => Vec::new(),
    }
}

/// Runs the lookups, and holds what they find against the whole query.
async fn looked_up(
    app: &App,
    budget: Budget,
    lookups: Vec<Lookup>,
    query: Option<Arc<Query>>,
    order: &Order,
    slice: Slice,
) -> Result<(Vec<View>, usize), ApiError> {
    let (mut all, by, lookups) = (Vec::new(), order.clone(), Arc::new(lookups));
    let step = move |tx: &mut Tx<'_>, at: usize, limit: usize| {
        let some: Vec<&Lookup> = lookups.iter().skip(at).take(limit).collect();
        let mut users = Vec::new();
        for lookup in &some {
            users.extend(lookup.run(tx)?);
        }
        let Step { found, .. } = step(&users, 0, query.as_deref(), |user, view| sortable(user, &view, &by));
        Ok(Step { found, read: some.len().max(users.len()), next: (some.len() == limit).then_some(at + limit) })
    };
    let budget = Budget { step: LOOKUPS_AT_ONCE, ..budget };
    let keep = |found: Vec<Sortable>| {
        all.extend(found);
        false
    };
    walk(app, "users.look_up", budget, 0, step, keep).await?;
    let total = all.len();
    Ok((shown(app, sorted(all, order, slice)).await?, total))
}

/// Lookups in one transaction.
const LOOKUPS_AT_ONCE: usize = 100;

/// The users with these ids, in this order.
async fn shown(app: &App, ids: Vec<String>) -> Result<Vec<View>, DbError> {
    let read = move |tx: &mut Tx<'_>| {
        let users = ids.iter().map(|id| users::get(tx, id)).collect::<Result<Vec<_>, _>>()?;
        Ok(users.iter().flatten().map(User::view).collect())
    };
    app.db.read("users.found", read).await
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Sorts behind every user id.
const HIGHEST: &str = "\u{10ffff}";
const BEYOND: &str = "You can only page through the first 1000 records. \
     See https://auth0.com/docs/users/search/v3/view-search-results-by-page#limitation";
const TOO_BROAD: &str = "This search would read too many users. \
     Narrow it with AND and user_id, phone_number, email, username or a range of created_at";
