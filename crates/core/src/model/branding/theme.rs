//! The theme: checked as a whole, and prepared for a style sheet
//! (<https://auth0.com/docs/customize/login-pages/universal-login/customize-themes>; `docs/COMPATIBILITY.md` C1458).

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::address::Address;
use super::color::Color;
use super::theme_fields::{COLOR_FIELDS, TEXT_FIELDS, THEME};
use crate::kit::ids;
use crate::kit::rng::Rng;
use crate::model::schema::{self, Invalid};

/// A new theme: the object on the wire, with an id.
pub fn create(body: &Value, rng: &Rng) -> Result<Map<String, Value>, Invalid> {
    whole(body, &ids::object(rng))
}

/// The theme `id` replaced by `body`: a write always says everything.
pub fn replace(body: &Value, id: &str) -> Result<Map<String, Value>, Invalid> {
    whole(body, id)
}

fn whole(body: &Value, id: &str) -> Result<Map<String, Value>, Invalid> {
    let mut sent = schema::without_nulls(schema::check(&THEME, body)?);
    let mut theme = Map::new();
    for name in ["borders", "colors", "displayName", "fonts", "identifiers", "page_background", "themeId", "widget"] {
        let member = match name {
            "themeId" => Some(id.into()),
            "displayName" => Some(sent.shift_remove(name).unwrap_or_else(|| UNNAMED.into())),
            _ => sent.shift_remove(name),
        };
        theme.extend(member.map(|member| (name.to_owned(), member)));
    }
    Ok(theme)
}

/// What of a theme the pages need.
#[derive(Debug, Clone)]
pub struct Theme {
    /// Where the form stands: `center`, `left` or `right`.
    pub page_layout: String,
    /// `center`, `left` or `right`.
    pub header_text_alignment: String,
    /// `center`, `left`, `right` or `none`.
    pub logo_position: String,
    /// Whether links are underlined always.
    pub underlines_links: bool,
    /// A picture behind the page.
    pub background_image: Option<Address>,
    /// The logo above the form.
    pub logo: Option<Address>,
    /// The font file.
    pub font: Option<Address>,
    /// Behind the page.
    pub background: Option<Color>,
    /// Behind buttons, and the text on them.
    pub button: (Option<Color>, Option<Color>),
    /// `--theme-NAME:VALUE;` for everything else.
    properties: String,
}

impl Theme {
    /// Prepares a theme as it is stored.
    pub fn of(theme: &Map<String, Value>) -> Self {
        let member = |group: &str, name: &str| theme.get(group).and_then(|group| group.get(name));
        let text = |group: &str, name: &str| member(group, name).and_then(Value::as_str).unwrap_or_default();
        let color = |group: &str, name: &str| Color::parse(text(group, name));
        Self {
            page_layout: text("page_background", "page_layout").to_owned(),
            header_text_alignment: text("widget", "header_text_alignment").to_owned(),
            logo_position: text("widget", "logo_position").to_owned(),
            underlines_links: text("fonts", "links_style") == "underlined",
            background_image: Address::parse(text("page_background", "background_image_url")),
            logo: Address::parse(text("widget", "logo_url")),
            font: Address::parse(text("fonts", "font_url")),
            background: color("page_background", "background_color"),
            button: (color("colors", "primary_button"), color("colors", "primary_button_label")),
            properties: properties(theme),
        }
    }

    /// Custom properties of CSS, each `--theme-NAME:VALUE;`: every color (`--theme-body-text`), lengths
    /// (`--theme-button-radius`, `-button-border-width`, `-input-radius`, `-input-border-width`, `-widget-radius`,
    /// `-widget-border-width`, `-logo-height`, `-text-size`), sizes and weights of texts (`--theme-title-size`, `--theme-title-weight`) and
    /// `--theme-widget-shadow`.
    pub fn properties(&self) -> &str {
        &self.properties
    }
}

fn properties(theme: &Map<String, Value>) -> String {
    let member = |group: &str, name: &str| theme.get(group).and_then(|group| group.get(name));
    let mut out = String::new();
    for name in COLOR_FIELDS.iter().map(|field| field.name) {
        if let Some(color) = member("colors", name).and_then(Value::as_str).and_then(Color::parse) {
            put(&mut out, name, &color.to_string());
        }
    }
    let number = |group: &str, name: &str| member(group, name).and_then(Value::as_f64);
    let corner = |style: &str, radius: &str| match member("borders", style).and_then(Value::as_str) {
        Some("pill") => Some(9_999.0),
        Some("sharp") => Some(0.0),
        _ => number("borders", radius),
    };
    for (name, pixels) in [
        ("button_radius", corner("buttons_style", "button_border_radius")),
        ("button_border_width", number("borders", "button_border_weight")),
        ("input_radius", corner("inputs_style", "input_border_radius")),
        ("input_border_width", number("borders", "input_border_weight")),
        ("widget_radius", number("borders", "widget_corner_radius")),
        ("widget_border_width", number("borders", "widget_border_weight")),
        ("logo_height", number("widget", "logo_height")),
        ("text_size", number("fonts", "reference_text_size")),
    ] {
        if let Some(pixels) = pixels {
            put(&mut out, name, &format!("{pixels}px"));
        }
    }
    for name in TEXT_FIELDS.iter().map(|field| field.name) {
        let part = member("fonts", name);
        let size = part.and_then(|part| part.get("size")).and_then(Value::as_f64);
        let bold = part.and_then(|part| part.get("bold")).and_then(Value::as_bool).unwrap_or(false);
        if let Some(size) = size {
            put(&mut out, &format!("{name}_size"), &format!("{size}%"));
            put(&mut out, &format!("{name}_weight"), if bold { "700" } else { "400" });
        }
    }
    let shadow = member("borders", "show_widget_shadow").and_then(Value::as_bool).unwrap_or(false);
    put(&mut out, "widget_shadow", if shadow { "0 12px 40px rgb(0 0 0/.12)" } else { "none" });
    out
}

fn put(out: &mut String, name: &str, value: &str) {
    let _ = write!(out, "--theme-{}:{value};", name.replace('_', "-"));
}

const UNNAMED: &str = "Unnamed Theme";

#[cfg(test)]
mod tests {
    use super::super::tests::theme;
    use super::*;
    use expect_test::expect;
    use serde_json::json;

    #[test]
    fn a_theme_comes_back_whole_with_its_id_and_a_name() {
        let mut body = theme();
        let stored = replace(&body, "abc").unwrap();
        assert_eq!(
            stored.keys().collect::<Vec<_>>(),
            ["borders", "colors", "displayName", "fonts", "page_background", "themeId", "widget"]
        );
        assert_eq!((&stored["themeId"], &stored["displayName"]), (&json!("abc"), &json!("Unnamed Theme")));
        body["displayName"] = "Mine".into();
        assert_eq!(create(&body, &Rng::seeded(1)).unwrap()["displayName"], "Mine");
    }

    #[test]
    fn every_part_must_be_there_and_in_its_bounds() {
        for (path, value, text) in [
            ("/borders", Value::Null, "Missing required property: borders"),
            (
                "/borders/button_border_radius",
                json!(0),
                "Value 0 is less than minimum 1' on property borders.button_border_radius (Button border radius).",
            ),
            ("/borders/buttons_style", json!("round"), "No enum match for: round"),
            ("/borders/show_widget_shadow", json!("yes"), "Expected type boolean but found type string"),
            ("/colors/error", json!("red"), "String does not match pattern"),
            ("/colors/header", Value::Null, "Missing required property: header' on property colors"),
            ("/colors/extra", json!("#fff"), "Additional properties not allowed: extra' on property colors"),
            ("/fonts/title/size", json!(74), "Value 74 is less than minimum 75' on property fonts.title.size"),
            ("/fonts/title/bold", Value::Null, "Missing required property: bold"),
            ("/fonts/font_url", json!("http://a.example/f.woff2"), "on property fonts.font_url (Font URL)."),
            ("/fonts/reference_text_size", json!(25), "Value 25 is greater than maximum 24"),
            ("/page_background/background_image_url", json!("data:image/png;base64,AA"), "background_image_url"),
            ("/page_background/page_layout", json!("top"), "No enum match for: top"),
            ("/widget/logo_height", json!(101), "Value 101 is greater than maximum 100"),
            ("/widget/logo_position", json!("up"), "No enum match for: up"),
            ("/displayName", json!("<b>"), "String does not match pattern ^[^<>]*$"),
            ("/themeId", json!("abc"), "Additional properties not allowed: themeId"),
        ] {
            let mut body = theme();
            let (parent, name) = path.rsplit_once('/').unwrap();
            let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            match value {
                Value::Null => drop(parent.remove(name)),
                value => drop(parent.insert(name.to_owned(), value)),
            }
            let error = replace(&body, "abc").unwrap_err();
            assert!(error.message.contains(text), "{path}: {}", error.message);
        }
    }

    #[test]
    fn a_style_sheet_gets_numbers_and_colors() {
        let theme = Theme::of(theme().as_object().unwrap());
        expect![[r#"
            --theme-body-text:#1e212a;
            --theme-error:#d03c38;
            --theme-header:#1e212a;
            --theme-icons:#65676e;
            --theme-input-background:#ffffff;
            --theme-input-border:#c9cace;
            --theme-input-filled-text:#000000;
            --theme-input-labels-placeholders:#65676e;
            --theme-links-focused-components:#635dff;
            --theme-primary-button:#635dff;
            --theme-primary-button-label:#ffffff;
            --theme-secondary-button-border:#c9cace;
            --theme-secondary-button-label:#1e212a;
            --theme-success:#13a688;
            --theme-widget-background:#ffffff;
            --theme-widget-border:#c9cace;
            --theme-button-radius:3px;
            --theme-button-border-width:1px;
            --theme-input-radius:9999px;
            --theme-input-border-width:1px;
            --theme-widget-radius:5px;
            --theme-widget-border-width:0px;
            --theme-logo-height:52px;
            --theme-text-size:16px;
            --theme-body-text-size:87.5%;
            --theme-body-text-weight:400;
            --theme-buttons-text-size:100%;
            --theme-buttons-text-weight:400;
            --theme-input-labels-size:100%;
            --theme-input-labels-weight:400;
            --theme-links-size:87.5%;
            --theme-links-weight:700;
            --theme-subtitle-size:87.5%;
            --theme-subtitle-weight:400;
            --theme-title-size:150%;
            --theme-title-weight:400;
            --theme-widget-shadow:0 12px 40px rgb(0 0 0/.12);
        "#]]
        .assert_eq(&theme.properties().replace(';', ";\n"));
        assert_eq!((theme.page_layout.as_str(), theme.logo_position.as_str()), ("center", "center"));
        assert!(theme.background_image.is_none() && !theme.underlines_links);
    }
}
