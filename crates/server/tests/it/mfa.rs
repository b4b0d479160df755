//! Second factors at the token endpoint and at the MFA API (C1770-C1819).

mod application;
