//! A local world on loopback for tests and benchmarks: a scripted SMS gateway, a Twilio account, and a mail server.
//!
//! A [`Gateway`] accepts every request on every path, remembers it as a [`Received`] and answers what its script says,
//! one [`Reply`] at a time. A [`Twilio`] is a gateway that knows its own address, credentials and answers. A [`MailServer`]
//! plays one [`Role`] after the other and keeps each [`Letter`]. None knows anything of the server that calls it.

mod gateway;
mod mail;
mod received;
mod reply;
mod twilio;

pub use gateway::Gateway;
pub use mail::{Letter, MailServer, Role};
pub use received::Received;
pub use reply::Reply;
pub use twilio::{FAULTS, Twilio, fault};

#[cfg(test)]
mod tests;
