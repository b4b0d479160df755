//! Floor 4, the verbs: what two doors share, and everything that sends. A flow returns outcomes; doors turn them into
//! answers.

pub mod assertion;
pub mod authorize;
pub mod back_channel;
pub mod caller;
pub mod code;
pub mod consent;
pub mod cross_origin;
pub mod deliver;
pub mod enrollment_tickets;
pub mod grant;
pub mod guard;
pub mod inbox;
pub mod issue;
pub mod jobs;
pub mod limits;
pub mod login;
pub mod logout;
pub mod mail;
pub mod mfa;
pub mod new_password;
pub mod password;
pub mod passwordless;
pub mod record;
pub mod refresh;
pub mod remove_connection;
pub mod revoke;
pub mod second_factor;
pub mod session;
pub mod settle;
pub mod signing_keys;
pub mod signup;
pub mod tickets;
pub mod token;
pub mod wrong_codes;
