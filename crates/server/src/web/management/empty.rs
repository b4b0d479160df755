//! What this server does not have, and tools ask for all the same: lists that are always empty, in the shape that each of
//! them has where it is not (`docs/COMPATIBILITY.md` C1230-C1235).

use http::StatusCode;
use serde_json::{Value, json};

use super::paging::{Cut, Page};
use super::{Outcome, Request};
use crate::web::Reply;

/// How a list is paged, and the member that holds its items.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A bare array, whatever is asked.
    Bare,
    /// `page`, `per_page`, `include_totals`.
    Offset(&'static str),
    /// `from`, `take`; always an object.
    Checkpoint(&'static str),
    /// The first or the second, whichever is asked for.
    Both(&'static str),
}

/// The empty list.
pub fn list(request: &Request, shape: Shape) -> Outcome {
    let call = &request.call;
    let (page, items) = match shape {
        Shape::Bare => return Ok(Reply::json(StatusCode::OK, &json!([]))),
        Shape::Offset(items) => (Page::offset(call)?, items),
        Shape::Checkpoint(items) => (Page::checkpoint(call)?, items),
        Shape::Both(items) => (Page::of(call)?, items),
    };
    Ok(page.reply(items, Cut::<Value> { items: Vec::new(), total: 0, next: None }))
}
