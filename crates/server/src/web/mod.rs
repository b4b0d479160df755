//! Floor 5, the doors: each family is a table of routes, one error type and one file per noun.
//!
//! A route is a row: method, path, scopes, handler. The same rows build the router and are read by the tests.

pub mod auth;
pub mod call;
pub mod dev;
pub mod management;
pub mod peer;

pub use call::{Answering, Call, Family, Handler, Reply, Route, Unreadable, router};
