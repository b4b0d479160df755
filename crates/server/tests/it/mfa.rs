//! Second factors at the token endpoint and at the MFA API (C1770-C1813).

mod application;
mod around;
mod asking;
mod enrolling;
mod managing;
mod outcomes;
mod phone;
