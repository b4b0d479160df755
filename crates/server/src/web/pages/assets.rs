//! The style sheet, the script and the icon of the pages, compiled in; the addresses of the first two change with their
//! contents.

use std::sync::{Arc, LazyLock};

use http::{StatusCode, header};
use ringpass_core::kit::hash;

use super::PageError;
use crate::app::App;
use crate::web::{Call, Reply};

const CSS: &str = include_str!("../../../../../templates/pages/style.css");
const JS: &str = include_str!("../../../../../templates/pages/script.js");

const ICON: &str = include_str!("../../../../../templates/pages/icon.svg");

/// Address of the icon of tenants that have none of their own.
pub(super) const ICON_PATH: &str = "/u/assets/icon.svg";

static CSS_PATH: LazyLock<String> = LazyLock::new(|| path("style.css", CSS));
static JS_PATH: LazyLock<String> = LazyLock::new(|| path("script.js", JS));

/// Address of the style sheet.
pub(super) fn css() -> &'static str {
    &CSS_PATH
}

/// Address of the script.
pub(super) fn js() -> &'static str {
    &JS_PATH
}

/// `GET /u/assets/{file}`.
pub(super) async fn show(_: Arc<App>, call: Call) -> Result<Reply, PageError> {
    let (kind, text) = match call.param("file") {
        "style.css" => ("text/css; charset=utf-8", CSS),
        "script.js" => ("text/javascript; charset=utf-8", JS),
        "icon.svg" => ("image/svg+xml", ICON),
        _ => return Err(PageError::NotFound),
    };
    Ok(Reply::bytes(StatusCode::OK, kind, text).with(header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
}

fn path(file: &str, text: &str) -> String {
    let digest = hash::base64url(hash::sha256(text.as_bytes()).split_at(9).0);
    format!("/u/assets/{file}?v={digest}")
}
