//! `/logs` (`docs/COMPATIBILITY.md` C781-C783).

use std::sync::Arc;

use http::{StatusCode, header};
use ringpass_core::model::schema::{Invalid, Place};
use ringpass_core::storage::{Tx, logs};
use serde_json::{Map, Value};

use super::paging::{Cut, Fields, Page, number};
use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::web::{Call, Reply};

/// `GET /logs`: newest first by page, or oldest first from a known event on.
pub async fn list(app: Arc<App>, request: Request) -> Outcome {
    let call = &request.call;
    if call.query("from").is_some() || call.query("take").is_some() {
        return list_after(&app, call).await;
    }
    let (page, fields) = (Page::offset(call)?, Fields::of(call)?);
    let (oldest_first, filter) = (is_oldest_first(call)?, filter(call)?);
    let Page::Offset { start, limit, totals } = page else { return Err(ApiError::Server) };
    let read = move |tx: &mut Tx<'_>| {
        let (start, limit) = (i64::try_from(start).unwrap_or(i64::MAX), i64::try_from(limit).unwrap_or(i64::MAX));
        let items = if oldest_first {
            logs::list_oldest_first(tx, &filter, limit, start)?
        } else {
            logs::list(tx, &filter, limit, start)?
        };
        Ok((items, if totals { logs::count(tx, &filter)? } else { 0 }))
    };
    let (items, total) = app.db.read("logs.list", read).await?;
    let items = items.iter().map(|event| Value::Object(fields.apply(event, &[]))).collect();
    Ok(page.reply("logs", Cut { items, total: usize::try_from(total).unwrap_or_default(), next: None }))
}

/// `GET /logs/{id}`.
pub async fn show(app: Arc<App>, request: Request) -> Outcome {
    let id = request.call.param("id").to_owned();
    let event: Map<String, Value> =
        app.db.read("logs.show", move |tx| logs::get(tx, &id)).await?.ok_or(ApiError::NoLog)?;
    Ok(Reply::json(StatusCode::OK, &event))
}

/// Events newer than `from`, with a link to what follows them. Nothing newer: the link leads here again.
async fn list_after(app: &App, call: &Call) -> Outcome {
    let take = number(call, "take", "Number of entries to retrieve", (1, 100), 50)?;
    let from = call.query("from").unwrap_or_default().to_owned();
    let (after, limit) = (from.clone(), i64::try_from(take).unwrap_or(i64::MAX));
    let events = app.db.read("logs.list_after", move |tx| logs::list_after(tx, &after, limit)).await?;
    let last = events.last().and_then(|event| event.get("log_id")).and_then(Value::as_str).unwrap_or(&from);
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("from", last)
        .append_pair("take", &take.to_string())
        .finish();
    let link = format!("<{}logs?{query}>; rel=\"next\"", app.config.http.management_audience());
    Ok(Reply::json(StatusCode::OK, &events).with(header::LINK, &link))
}

fn is_oldest_first(call: &Call) -> Result<bool, ApiError> {
    match call.query("sort").unwrap_or_default() {
        "" | "date:-1" => Ok(false),
        "date:1" => Ok(true),
        other => {
            Err(Invalid::query(&format!("No enum match for: {other}"), "sort", "Events can be sorted by date").into())
        }
    }
}

/// What of the search syntax we know: `type:x`, `type:(a OR b)`, `user_id:"x"`, `log_id:x`, joined by `AND`. Anything else
/// is refused: an ignored filter would mislead.
fn filter(call: &Call) -> Result<logs::Filter, ApiError> {
    if call.query("search").is_some_and(|search| !search.is_empty()) {
        return Err(unavailable());
    }
    let mut filter = logs::Filter::default();
    for term in call.query("q").unwrap_or_default().split(" AND ").map(str::trim).filter(|term| !term.is_empty()) {
        let (name, value) = term.split_once(':').ok_or_else(unavailable)?;
        match name {
            "type" if filter.kinds.is_empty() => filter.kinds = alternatives(value)?,
            "user_id" if filter.user_id.is_none() => filter.user_id = Some(exact(value)?),
            "log_id" | "_id" if filter.log_id.is_none() => filter.log_id = Some(exact(value)?),
            _ => return Err(unavailable()),
        }
    }
    Ok(filter)
}

fn alternatives(value: &str) -> Result<Vec<String>, ApiError> {
    match value.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(several) => several.split(" OR ").map(|one| exact(one.trim())).collect(),
        None => Ok(vec![exact(value)?]),
    }
}

/// A word, or anything in quotation marks, that must match as a whole.
fn exact(value: &str) -> Result<String, ApiError> {
    let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let plain = |text: &str| text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-|.@".contains(letter));
    match (quoted, value) {
        (Some(text), _) if !text.is_empty() && !text.contains(['"', '\\']) => Ok(text.to_owned()),
        (None, text) if !text.is_empty() && plain(text) => Ok(text.to_owned()),
        _ => Err(unavailable()),
    }
}

fn unavailable() -> ApiError {
    let sentence = "Log search is not available yet; only type, user_id and log_id can be asked for, joined by AND";
    Invalid { place: Place::Query, message: sentence.to_owned() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, Method};
    use std::net::{IpAddr, Ipv4Addr};

    fn call(name: &str, value: &str) -> Call {
        Call {
            method: Method::GET,
            path: String::new(),
            params: Vec::new(),
            query: vec![(name.to_owned(), value.to_owned())],
            headers: HeaderMap::new(),
            body: bytes::Bytes::new(),
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        }
    }

    #[test]
    fn simple_searches_are_understood_and_all_others_refused() {
        let found = filter(&call("q", r#"type:(fapi OR sapi) AND user_id:"sms|1""#)).unwrap();
        assert_eq!((found.kinds, found.user_id.as_deref()), (vec!["fapi".into(), "sapi".into()], Some("sms|1")));
        assert_eq!(filter(&call("q", "type:s")).unwrap().kinds, ["s"]);
        for refused in
            ["s", "type:s*", "ip:1.1.1.1", "type:s OR type:f", "-type:s", "date:[* TO now]", "type:s AND type:f"]
        {
            assert_eq!(filter(&call("q", refused)).unwrap_err().reply().status, 400, "{refused}");
        }
        assert!(filter(&call("search", "x")).is_err());
    }
}
