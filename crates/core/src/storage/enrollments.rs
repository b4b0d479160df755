//! Who has enrolled a second factor (`docs/COMPATIBILITY.md` C1698).

use std::collections::HashSet;

use super::db::{DbError, Tx, Value};

/// Those of `users` who have a confirmed authenticator that counts alone.
pub fn enrolled(tx: &mut Tx<'_>, users: &[&str]) -> Result<HashSet<String>, DbError> {
    let mut enrolled = HashSet::new();
    for some in users.chunks(AT_ONCE) {
        // The same statement for any number of users: the places left over ask for one whom nobody is.
        let params: Vec<Value> =
            some.iter().copied().chain(std::iter::repeat("")).take(AT_ONCE).map(Value::from).collect();
        let rows = tx.query(
            "SELECT DISTINCT user_id FROM authenticators WHERE confirmed = 1 AND kind IN ('phone', 'totp') \
             AND user_id IN (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, \
             ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, \
             ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, \
             ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38, ?39, ?40, \
             ?41, ?42, ?43, ?44, ?45, ?46, ?47, ?48, ?49, ?50)",
            &params,
        )?;
        for row in rows {
            enrolled.insert(row.text(0)?);
        }
    }
    Ok(enrolled)
}

/// Places in the statement.
const AT_ONCE: usize = 50;
