//! The rows about the hosted pages: branding, prompts and their texts.

use super::{Door, Route, branding, prompts};

/// Every row, in order of its path.
pub(super) const ROWS: &[Route<Door>] = &[
    route!("GET", "/branding", ["read:branding"], branding::show),
    route!("PATCH", "/branding", ["update:branding"], branding::update, "Update branding settings"),
    route!("GET", "/branding/templates/universal-login", ["read:branding"], branding::show_template),
    route!(
        "PUT",
        "/branding/templates/universal-login",
        ["update:branding"],
        branding::put_template,
        "Set the page template of Universal Login"
    ),
    route!(
        "DELETE",
        "/branding/templates/universal-login",
        ["delete:branding"],
        branding::remove_template,
        "Delete the page template of Universal Login"
    ),
    route!("POST", "/branding/themes", ["update:branding"], branding::create_theme, "Create a branding theme"),
    route!("GET", "/branding/themes/default", ["read:branding"], branding::show_default_theme),
    route!("GET", "/branding/themes/{id}", ["read:branding"], branding::show_theme),
    route!("PATCH", "/branding/themes/{id}", ["update:branding"], branding::update_theme, "Update a branding theme"),
    route!("DELETE", "/branding/themes/{id}", ["delete:branding"], branding::remove_theme, "Delete a branding theme"),
    route!("GET", "/prompts", ["read:prompts"], prompts::show),
    route!("PATCH", "/prompts", ["update:prompts"], prompts::update, "Update prompt settings"),
    route!("GET", "/prompts/rendering", ["read:prompts"], prompts::list_renderings),
    route!(
        "PATCH",
        "/prompts/rendering",
        ["update:prompts"],
        prompts::update_renderings,
        "Update the rendering of screens"
    ),
    route!("GET", "/prompts/{prompt}/custom-text/{language}", ["read:prompts"], prompts::show_texts),
    route!(
        "PUT",
        "/prompts/{prompt}/custom-text/{language}",
        ["update:prompts"],
        prompts::put_texts,
        "Set the texts of a prompt"
    ),
    route!("GET", "/prompts/{prompt}/partials", ["read:prompts"], prompts::show_partials),
    route!(
        "PUT",
        "/prompts/{prompt}/partials",
        ["update:prompts"],
        prompts::put_partials,
        "Set the partials of a prompt"
    ),
    route!("GET", "/prompts/{prompt}/screen/{screen}/rendering", ["read:prompts"], prompts::show_rendering),
    route!(
        "PATCH",
        "/prompts/{prompt}/screen/{screen}/rendering",
        ["update:prompts"],
        prompts::update_rendering,
        "Update the rendering of a screen"
    ),
];
