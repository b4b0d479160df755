//! Who is calling: the transport peer, the address that a trusted proxy puts into `X-Forwarded-For`, or the one that a
//! trusted application forwards (`docs/COMPATIBILITY.md` C112-C115).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use http::request::Parts;
use http::{Extensions, header};
use ringpass_core::kit::hash;
use ringpass_core::model::client::Client;

use super::Call;
use crate::app::App;
use crate::flows::caller::Caller;

/// The caller's address. From the right of `X-Forwarded-For`, the first address that is not itself a trusted proxy; only
/// when the transport peer is one (`--trusted-proxies`). IPv4 in IPv6 form is told as IPv4.
pub fn of(app: &App, parts: &Parts) -> IpAddr {
    let peer = transport(&parts.extensions);
    let trusted = |ip: &IpAddr| is_trusted(app, ip);
    if !trusted(&peer) {
        return peer;
    }
    let hops = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = hops.flat_map(|value| value.split(',')).map(str::trim).collect();
    let mut caller = peer;
    for hop in hops.iter().rev() {
        let Ok(ip) = hop.parse::<IpAddr>() else { break };
        caller = ip.to_canonical();
        if !trusted(&caller) {
            break;
        }
    }
    caller
}

/// Whether the transport peer is a trusted proxy.
pub fn is_proxy(app: &App, extensions: &Extensions) -> bool {
    is_trusted(app, &transport(extensions))
}

fn is_trusted(app: &App, ip: &IpAddr) -> bool {
    app.config.http.trusted_proxies.iter().any(|network| network.contains(ip))
}

fn transport(extensions: &Extensions) -> IpAddr {
    extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip().to_canonical())
}

/// Who calls. `proven` is the client that authenticated itself with this call, if one did.
pub fn caller(call: &Call, proven: Option<&Client>) -> Caller {
    let peer = call.ip.to_string();
    let forwarded = proven
        .filter(|client| client.is_token_endpoint_ip_header_trusted())
        .and_then(|_| call.header("auth0-forwarded-for"))
        .and_then(|value| value.trim().parse::<IpAddr>().ok());
    let telemetry = call.header("auth0-client").and_then(hash::from_any_base64);
    Caller {
        ip: forwarded.map_or_else(|| peer.clone(), |ip| ip.to_canonical().to_string()),
        peer,
        user_agent: call.header(header::USER_AGENT.as_str()).map(str::to_owned),
        auth0_client: telemetry.and_then(|json| serde_json::from_slice(&json).ok()),
    }
}
