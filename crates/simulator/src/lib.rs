//! A local world on loopback: a scripted SMS gateway for tests and benchmarks.
//!
//! A [`Gateway`] accepts every request on every path, remembers it as a [`Received`] and answers what its script says,
//! one [`Reply`] at a time. It knows nothing of the server that calls it.

mod gateway;
mod received;
mod reply;

pub use gateway::Gateway;
pub use received::Received;
pub use reply::Reply;

#[cfg(test)]
mod tests;
