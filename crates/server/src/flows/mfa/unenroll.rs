//! Removes authenticators (`docs/COMPATIBILITY.md` C1690, C1798).

use ringpass_core::model::authenticator::Authenticator;
use ringpass_core::storage::{DbError, Tx, authenticators, known_origins};

/// Removes those authenticators of a user that `of` picks, and has each noted. The user's row is locked. With the last one
/// that counts alone, the browsers go that were remembered for it: who enrols anew must not find a stranger's among them.
pub fn unenroll(
    tx: &mut Tx<'_>,
    user_id: &str,
    of: impl Fn(&Authenticator) -> bool,
    note: impl Fn(&mut Tx<'_>, &Authenticator) -> Result<(), DbError>,
) -> Result<bool, DbError> {
    let (gone, left): (Vec<_>, Vec<_>) = authenticators::list_of_user(tx, user_id)?.into_iter().partition(of);
    for one in &gone {
        authenticators::delete(tx, &one.id)?;
        note(tx, one)?;
    }
    if !gone.is_empty() && !left.iter().any(|one| one.confirmed && one.kind.is_independent()) {
        known_origins::forget(tx, user_id, Some(known_origins::Kind::Remembered))?;
    }
    Ok(!gone.is_empty())
}
