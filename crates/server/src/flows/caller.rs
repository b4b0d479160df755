//! Who calls, as far as limits, logs and the gateway want to know.

use serde_json::Value;

/// The caller of a sign-in endpoint.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The end user's address: what limits count and the gateway is told.
    pub ip: String,
    /// The transport peer, never from an application's header.
    pub peer: String,
    /// `User-Agent` header.
    pub user_agent: Option<String>,
    /// Decoded `Auth0-Client` telemetry.
    pub auth0_client: Option<Value>,
}
