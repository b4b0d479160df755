//! Floor 0: small tools with one job each. Imports nothing of ours.

pub mod certificate;
pub mod clock;
pub mod hash;
pub mod http;
pub mod ids;
pub mod jwt;
pub mod password;
pub mod public_key;
pub mod rng;
pub mod secret;
pub mod smtp;
pub mod totp;
pub mod urgency;
