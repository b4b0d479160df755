//! The branding settings on the wire (<https://auth0.com/docs/api/management/v2/branding>; `docs/COMPATIBILITY.md` C1456).

use serde_json::{Map, Value};

use super::address::Address;
use super::color::Color;
use crate::model::schema::{self, Field, Format, Invalid, Kind, Object, field};

/// Applies the body of `PATCH /branding`: `colors` and `font` merge by key, everything else is replaced, a null removes.
/// On an error nothing has changed.
pub fn apply(settings: &mut Map<String, Value>, patch: &Value) -> Result<(), Invalid> {
    let patch = schema::check(&UPDATE, patch)?;
    let colors = patch.get("colors").and_then(Value::as_object);
    if let Some(background) = colors.and_then(|colors| colors.get("page_background")) {
        check_background(background)?;
    }
    for (name, value) in patch {
        match value {
            Value::Null => drop(settings.shift_remove(name)),
            Value::Object(sent) if ["colors", "font"].contains(&name.as_str()) => {
                let mut whole = settings.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
                schema::merge(&mut whole, sent);
                if whole.is_empty() {
                    settings.shift_remove(name);
                } else {
                    settings.insert(name.clone(), whole.into());
                }
            }
            _ => drop(settings.insert(name.clone(), value.clone())),
        }
    }
    Ok(())
}

/// A color, or a gradient: the one property that may be either.
fn check_background(background: &Value) -> Result<(), Invalid> {
    let kind = if background.is_object() { Kind::Object(&GRADIENT) } else { COLOR };
    match schema::reason(&kind, background).filter(|_| !background.is_null()) {
        Some(reason) => Err(Invalid::payload(&reason, "colors.page_background", BACKGROUND)),
        None => Ok(()),
    }
}

/// A color, worded as the pattern of Auth0's own schema.
pub(super) const COLOR: Kind = Kind::Format(&Format {
    name: "^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$",
    is_pattern: true,
    holds: |text| Color::parse(text).is_some(),
});

/// The address of something that a page loads; an empty one stands for none.
pub(super) const ADDRESS: Kind = Kind::Format(&Format {
    name: "absolute-https-uri-or-empty",
    is_pattern: false,
    holds: |text| text.is_empty() || Address::parse(text).is_some(),
});

const UPDATE: Object = Object {
    fields: &[&[
        field("colors", Kind::Object(&COLORS), "Colors of the pages"),
        field("favicon_url", ADDRESS, "Address of the icon"),
        field("logo_url", ADDRESS, "Address of the logo"),
        field("identifiers", Kind::FREE, "How identifiers are shown"),
        field("font", Kind::Object(&FONT), "Font of the pages"),
    ]],
    required: &[],
    open: false,
};
const COLORS: Object = Object { fields: &[COLOR_FIELDS], required: &[], open: true };
const COLOR_FIELDS: &[Field] =
    &[field("primary", COLOR, "Accent color"), field("page_background", Kind::Any, BACKGROUND)];
const BACKGROUND: &str = "Color or gradient behind the page";
const GRADIENT: Object = Object {
    fields: &[&[
        field("type", Kind::OneOf(&["linear-gradient"]), ""),
        field("start", COLOR, ""),
        field("end", COLOR, ""),
        field("angle_deg", Kind::Int(0, 360), ""),
    ]],
    required: &[],
    open: false,
};
const FONT: Object =
    Object { fields: &[&[field("url", ADDRESS, "Address of the font file")]], required: &[], open: true };

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn colors_and_font_merge_and_nulls_remove() {
        let mut settings = Map::new();
        for (patch, wanted) in [
            (json!({}), json!({})),
            (json!({"colors": {"primary": "#123456"}}), json!({"colors": {"primary": "#123456"}})),
            (
                json!({"colors": {"page_background": "#fff", "mine": 1}, "logo_url": "https://a.example/l.png"}),
                json!({"colors": {"primary": "#123456", "page_background": "#fff", "mine": 1},
                    "logo_url": "https://a.example/l.png"}),
            ),
            (
                json!({"colors": {"primary": null, "mine": null, "page_background":
                    {"type": "linear-gradient", "start": "#000", "end": "#fff", "angle_deg": 35}}, "logo_url": null}),
                json!({"colors": {"page_background":
                    {"type": "linear-gradient", "start": "#000", "end": "#fff", "angle_deg": 35}}}),
            ),
            (
                json!({"colors": null, "font": {"url": ""}, "favicon_url": ""}),
                json!({"font": {"url": ""}, "favicon_url": ""}),
            ),
            (json!({"font": {"url": null}, "favicon_url": null}), json!({})),
        ] {
            apply(&mut settings, &patch).unwrap();
            assert_eq!(Value::Object(settings.clone()), wanted, "{patch}");
        }
    }

    #[test]
    fn what_is_no_color_and_no_address_is_refused() {
        for (patch, text) in [
            (json!([]), "Expected type object but found type array"),
            (json!({"x": 1}), "Additional properties not allowed: x"),
            (
                json!({"colors": {"primary": "red"}}),
                "String does not match pattern ^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$: red' on property colors.primary (Accent color).",
            ),
            (
                json!({"colors": {"page_background": "url(x)"}}),
                ": url(x)' on property colors.page_background (Color or gradient behind the page).",
            ),
            (
                json!({"colors": {"page_background": 1}}),
                "Expected type string but found type integer' on property colors.page_background",
            ),
            (
                json!({"colors": {"page_background": {"type": "radial"}}}),
                "No enum match for: radial' on property colors.page_background",
            ),
            (json!({"colors": {"page_background": {"start": "#12"}}}), ": #12' on property colors.page_background"),
            (json!({"colors": {"page_background": {"angle_deg": 400}}}), "Value 400 is greater than maximum 360"),
            (
                json!({"logo_url": "http://a.example/l.png"}),
                "Object didn't pass validation for format absolute-https-uri-or-empty: http://a.example/l.png' on property logo_url",
            ),
            (json!({"favicon_url": "data:image/png;base64,AA=="}), "on property favicon_url"),
            (json!({"font": {"url": "javascript:alert(1)"}}), "on property font.url"),
        ] {
            let mut settings = Map::new();
            let error = apply(&mut settings, &patch).unwrap_err();
            assert!(error.message.contains(text), "{patch}: {}", error.message);
            assert!(settings.is_empty());
        }
    }
}
