//! Floor 4, the verbs: what two doors share, and everything that sends. A flow returns outcomes; doors turn them into
//! answers.

pub mod assertion;
pub mod caller;
pub mod deliver;
pub mod grant;
pub mod guard;
pub mod issue;
pub mod jobs;
pub mod limits;
pub mod password;
pub mod passwordless;
pub mod record;
pub mod refresh;
pub mod remove_connection;
pub mod revoke;
pub mod signing_keys;
pub mod token;
