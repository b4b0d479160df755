//! The second factor on the hosted pages.

/// Where a sign-in goes whose first factor is proven.
pub(super) const PATH: &str = "/u/mfa";
