//! Floor 5, the doors: each family is a table of routes, one error type and one file per noun.
//!
//! A route is a row: method, path, scopes, handler. The same rows build the router and are read by the tests.

pub mod auth;
pub mod call;
pub mod dev;
pub mod exports;
pub mod management;
pub mod pages;
pub mod peer;
pub mod request_id;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};

use crate::app::App;
use auth::Auth;
use pages::Pages;
use request_id::RequestId;

pub use call::{Answering, Call, Family, Handler, Reply, Route, Unreadable, router};

/// Every door of the server, in front of one [`App`].
pub fn public(app: Arc<App>) -> Router {
    let auth = router::<Auth>().method_not_allowed_fallback(async |State(app): State<Arc<App>>, request: Request| {
        RequestId::of(&app, request.headers(), request.extensions()).sign(auth::method_not_allowed(&app, &request))
    });
    auth.merge(management::router())
        .merge(router::<Pages>())
        .merge(exports::router())
        .fallback(async |State(app): State<Arc<App>>, request: Request| {
            RequestId::of(&app, request.headers(), request.extensions()).sign(auth::not_found(&app, &request))
        })
        .with_state(app)
}
