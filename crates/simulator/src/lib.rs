//! A local world on loopback for tests and benchmarks: a scripted SMS gateway, and a Twilio account.
//!
//! A [`Gateway`] accepts every request on every path, remembers it as a [`Received`] and answers what its script says,
//! one [`Reply`] at a time. A [`Twilio`] is a gateway that knows its own address, credentials and answers. Neither knows
//! anything of the server that calls it.

mod gateway;
mod received;
mod reply;
mod twilio;

pub use gateway::Gateway;
pub use received::Received;
pub use reply::Reply;
pub use twilio::{FAULTS, Twilio, fault};

#[cfg(test)]
mod tests;
