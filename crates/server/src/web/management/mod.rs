//! The Management API under `/api/v2`: the family of its endpoints (the table is `routes.rs`) and what they have in common
//! (`docs/COMPATIBILITY.md` C601-C639).
//!
//! A handler gets a [`Request`]: the call and its checked token. Reads answer from the database or the snapshot; writes
//! go through [`Request::configure`] or [`Request::change`], which add the log event to the transaction of the change.

use std::sync::Arc;

use axum::Router;
use axum::routing::any;

use super::{Answering, Call, Family, Reply, Route, Unreadable, call};
use crate::app::App;

pub mod attack_protection;
pub mod audit;
pub mod authentication_methods;
pub mod branding;
pub mod client_credentials;
pub mod client_grants;
pub mod clients;
pub mod common;
pub mod connections;
pub mod device_credentials;
pub mod email_templates;
pub mod emails;
pub mod empty;
pub mod enrollment_tickets;
pub mod enrollments;
pub mod error;
pub mod grants;
pub mod guardian;
pub mod identities;
pub mod jobs;
pub mod keys;
pub mod logs;
pub mod memberships;
pub mod multipart;
pub mod paging;
pub mod permissions;
pub mod prompts;
pub mod refresh_tokens;
pub mod request;
pub mod resource_servers;
pub mod roles;
mod routes;
pub mod search;
pub mod sessions;
pub mod stats;
pub mod tenants;
pub mod tickets;
pub mod token;
pub mod user_search;
pub mod users;
pub mod warning;

use common::fallback;

pub use audit::Audit;
pub use error::ApiError;
pub use request::{Request, checked_id};
pub use token::Token;

/// What a handler returns.
pub type Outcome = Result<Reply, ApiError>;

/// What a row of the table runs.
#[derive(Debug, Clone, Copy)]
pub struct Door {
    /// What the log says it does; empty for reads.
    pub title: &'static str,
    /// The handler.
    pub run: fn(Arc<App>, Request) -> Answering<ApiError>,
}

/// The family of `/api/v2`.
#[derive(Debug)]
pub struct Management;

impl Family for Management {
    type Handler = Door;
    const NAME: &'static str = "management";
    const PREFIX: &'static str = "/api/v2";
    const BODY_LIMIT: usize = 1_048_576;
    const ROUTES: &'static [Route<Door>] = routes::ROUTES;

    async fn serve(app: Arc<App>, route: &'static Route<Door>, call: Call) -> Reply {
        common::serve(app, route, call).await
    }

    fn unreadable(app: &App, _route: &'static Route<Door>, origin: Option<&str>, why: Unreadable) -> Reply {
        let error = match why {
            Unreadable::TooLong(limit) => ApiError::TooLong(limit),
            Unreadable::Broken => ApiError::BrokenBody,
            Unreadable::Path => ApiError::NotFound,
            Unreadable::Panicked => ApiError::Server,
        };
        let origin = origin.filter(|origin| app.snapshot().lists_origin(origin));
        common::finish(app, error.reply(), origin)
    }
}

/// Everything under `/api/v2`: the table, and one answer to all that is not in it.
pub fn router() -> Router<Arc<App>> {
    call::router::<Management>()
        .method_not_allowed_fallback(fallback)
        .route(Management::PREFIX, any(fallback))
        .route(&format!("{}/", Management::PREFIX), any(fallback))
        .route(&format!("{}/{{*rest}}", Management::PREFIX), any(fallback))
}
