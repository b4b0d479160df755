//! Floor 1: the nouns. Plain data, parsing and rules; no async, no IO, and `now` is a parameter.

pub mod event;
pub mod signing_key;
