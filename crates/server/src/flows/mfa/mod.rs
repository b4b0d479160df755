//! Second factors.

pub mod events;
pub mod send;
