//! Ringpass below the waterline: basic tools, nouns, storage, providers and the outbound client.
//!
//! The floors, from the bottom: [`kit`] imports nothing of ours; [`model`] is pure; [`storage`], [`providers`] and
//! [`outbound`] are hands that never touch each other. `docs/ARCHITECTURE.md` has the map.

pub mod kit;
pub mod model;
pub mod outbound;
pub mod providers;
pub mod storage;
