//! Removes what belonged to a deleted connection, in short transactions (`docs/COMPATIBILITY.md` C688, C1171-C1173).

use std::time::{Duration, Instant};

use ringpass_core::kit::clock::{Millis, SECOND};
use ringpass_core::storage::connection_removals::{self as removals, Removal, Step};
use ringpass_core::storage::{DbError, Tx};

use crate::app::App;

/// How long a node may be silent before another goes on with its removal.
pub const LEASE: Millis = 30 * SECOND;

/// Goes on with a removal until it is done, or for as long as one call may take; then leaves it to the worker. Whether
/// it is done.
pub async fn advance(app: &App, mut removal: Removal) -> Result<bool, DbError> {
    let began = Instant::now();
    for _ in 0..STEPS {
        let until = app.clock.now() + LEASE;
        let step = move |tx: &mut Tx<'_>| {
            let step = removals::step(tx, &mut removal, until, ROWS)?;
            Ok((step, removal))
        };
        let (step, same) = app.db.write("connections.step", step).await?;
        removal = same;
        match step {
            Step::More if began.elapsed() < PATIENCE => {}
            Step::More => break,
            Step::Done => {
                tracing::info!(connection = removal.connection_id, "a deleted connection and its users are gone");
                return Ok(true);
            }
            Step::Lost => return Ok(false),
        }
    }
    let now = app.clock.now();
    app.db.write("connections.release", move |tx| removals::release(tx, &removal, now)).await?;
    Ok(false)
}

/// Goes on with a removal that nobody works on: its node has stopped, or there was much to remove.
pub async fn resume(app: &App) -> Result<(), DbError> {
    let now = app.clock.now();
    if !app.db.read("connections.removals", move |tx| removals::waits(tx, now)).await? {
        return Ok(());
    }
    let claimed = app.db.write("connections.claim", move |tx| removals::claim(tx, now, now + LEASE)).await?;
    if let Some(removal) = claimed {
        advance(app, removal).await?;
    }
    Ok(())
}

/// Rows of each kind that one transaction removes, so that no sign-in waits long behind it.
const ROWS: i64 = 200;
/// Most transactions of one call.
const STEPS: usize = 10;
/// How long one call goes on.
const PATIENCE: Duration = Duration::from_millis(1_500);
