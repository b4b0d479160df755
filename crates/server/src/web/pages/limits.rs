//! How often one address may ask for a page, and post its form (`docs/COMPATIBILITY.md` C1370-C1372).
//!
//! These buckets are kept in memory, by each node for itself: what they protect, codes and accounts, has limits of its own
//! that all nodes share.

use ringpass_core::kit::clock::MINUTE;
use ringpass_core::storage::buckets::Shape;

use super::PageError;
use crate::app::App;
use crate::flows::limits::{note, wait};
use crate::web::{Call, peer};

/// Charges an address for looking at a page.
pub(super) async fn page(app: &App, call: &Call, path: &'static str) -> Result<(), PageError> {
    charge(app, call, path, "GET", SHAPE_OF_PAGE).await
}

/// Charges an address for posting a form.
pub(super) async fn form(app: &App, call: &Call, path: &'static str) -> Result<(), PageError> {
    charge(app, call, path, "POST", SHAPE_OF_FORM).await
}

/// Charges an address for a page that takes codes: looking and posting together.
pub(super) async fn challenge(app: &App, call: &Call, path: &'static str) -> Result<(), PageError> {
    charge(app, call, path, "", SHAPE_OF_CHALLENGE).await
}

async fn charge(app: &App, call: &Call, path: &'static str, method: &str, shape: Shape) -> Result<(), PageError> {
    if !app.config.limits.documented {
        return Ok(());
    }
    let (bucket, now) = (format!("{method}|{path}|{}", call.ip), app.clock.now());
    if app.buckets.take(&bucket, shape, now) {
        return Ok(());
    }
    note(app, &peer::caller(call, None), &bucket, path, shape.burst).await?;
    Err(PageError::TooManyRequests(path, wait(shape, app.buckets.full_at(&bucket), now)))
}

const SHAPE_OF_PAGE: Shape = Shape { burst: 20, interval: MINUTE / 10 };
const SHAPE_OF_FORM: Shape = Shape { burst: 10, interval: MINUTE / 5 };
const SHAPE_OF_CHALLENGE: Shape = Shape { burst: 5, interval: MINUTE / 5 };
