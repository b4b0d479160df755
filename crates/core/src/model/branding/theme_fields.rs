//! The properties of a theme, with the bounds of Auth0's own schema.

use super::settings::{ADDRESS, COLOR};
use crate::model::schema::{Field, Format, Kind, Object, field};

/// The whole of a theme: every part must be there.
pub(super) const THEME: Object = Object {
    fields: &[&[
        field("borders", Kind::Object(&BORDERS), ""),
        field("colors", Kind::Object(&COLORS), ""),
        field("displayName", Kind::Format(&DISPLAY_NAME), "Display Name"),
        field("fonts", Kind::Object(&FONTS), ""),
        field("identifiers", Kind::FREE, ""),
        field("page_background", Kind::Object(&PAGE_BACKGROUND), ""),
        field("widget", Kind::Object(&WIDGET), ""),
    ]],
    required: &["borders", "colors", "fonts", "page_background", "widget"],
    open: false,
};

/// The colors of a theme, those first that must be there.
pub(super) const COLOR_FIELDS: &[Field] = &[
    field("body_text", COLOR, "Body text"),
    field("error", COLOR, "Error"),
    field("header", COLOR, "Header"),
    field("icons", COLOR, "Icons"),
    field("input_background", COLOR, "Input background"),
    field("input_border", COLOR, "Input border"),
    field("input_filled_text", COLOR, "Input filled text"),
    field("input_labels_placeholders", COLOR, "Input labels & placeholders"),
    field("links_focused_components", COLOR, "Links & focused components"),
    field("primary_button", COLOR, "Primary button"),
    field("primary_button_label", COLOR, "Primary button label"),
    field("secondary_button_border", COLOR, "Secondary button border"),
    field("secondary_button_label", COLOR, "Secondary button label"),
    field("success", COLOR, "Success"),
    field("widget_background", COLOR, "Widget background"),
    field("widget_border", COLOR, "Widget border"),
    field("base_focus_color", COLOR, "Base Focus Color"),
    field("base_hover_color", COLOR, "Base Hover Color"),
    field("read_only_background", COLOR, "Read only background"),
];

/// The parts of a text whose size is a percentage of the reference.
pub(super) const TEXT_FIELDS: &[Field] = &[
    field("body_text", Kind::Object(&TEXT), "Body text"),
    field("buttons_text", Kind::Object(&TEXT), "Buttons text"),
    field("input_labels", Kind::Object(&TEXT), "Input Labels"),
    field("links", Kind::Object(&TEXT), "Links"),
    field("subtitle", Kind::Object(&TEXT), "Subtitle"),
    field("title", Kind::Object(&TITLE), "Title"),
];

const DISPLAY_NAME: Format = Format {
    name: "^[^<>]*$",
    is_pattern: true,
    holds: |text| !text.contains(['<', '>']) && text.chars().count() <= 2_048,
};
const SHAPES: Kind = Kind::OneOf(&["pill", "rounded", "sharp"]);
const BORDERS: Object = Object {
    fields: &[&[
        field("button_border_radius", Kind::Number(1, 10), "Button border radius"),
        field("button_border_weight", Kind::Number(0, 10), "Button border weight"),
        field("buttons_style", SHAPES, "Buttons style"),
        field("input_border_radius", Kind::Number(0, 10), "Input border radius"),
        field("input_border_weight", Kind::Number(0, 3), "Input border weight"),
        field("inputs_style", SHAPES, "Inputs style"),
        field("show_widget_shadow", Kind::Bool, "Show widget shadow"),
        field("widget_border_weight", Kind::Number(0, 10), "Widget border weight"),
        field("widget_corner_radius", Kind::Number(0, 50), "Widget corner radius"),
    ]],
    required: &[
        "button_border_radius",
        "button_border_weight",
        "buttons_style",
        "input_border_radius",
        "input_border_weight",
        "inputs_style",
        "show_widget_shadow",
        "widget_border_weight",
        "widget_corner_radius",
    ],
    open: false,
};
const COLORS: Object = Object {
    fields: &[
        COLOR_FIELDS,
        &[field("captcha_widget_theme", Kind::OneOf(&["auto", "light", "dark"]), "Captcha Widget Theme")],
    ],
    required: &[
        "body_text",
        "error",
        "header",
        "icons",
        "input_background",
        "input_border",
        "input_filled_text",
        "input_labels_placeholders",
        "links_focused_components",
        "primary_button",
        "primary_button_label",
        "secondary_button_border",
        "secondary_button_label",
        "success",
        "widget_background",
        "widget_border",
    ],
    open: false,
};
const TEXT: Object = Object {
    fields: &[&[field("bold", Kind::Bool, ""), field("size", Kind::Number(0, 150), "")]],
    required: &["bold", "size"],
    open: false,
};
const TITLE: Object = Object {
    fields: &[&[field("bold", Kind::Bool, ""), field("size", Kind::Number(75, 150), "")]],
    required: &["bold", "size"],
    open: false,
};
const FONTS: Object = Object {
    fields: &[
        TEXT_FIELDS,
        &[
            field("font_url", ADDRESS, "Font URL"),
            field("links_style", Kind::OneOf(&["normal", "underlined"]), "Links style"),
            field("reference_text_size", Kind::Number(12, 24), "Reference text size"),
        ],
    ],
    required: &[
        "body_text",
        "buttons_text",
        "font_url",
        "input_labels",
        "links",
        "links_style",
        "reference_text_size",
        "subtitle",
        "title",
    ],
    open: false,
};
const PAGE_BACKGROUND: Object = Object {
    fields: &[&[
        field("background_color", COLOR, "Background color"),
        field("background_image_url", ADDRESS, "Background image url"),
        field("page_layout", Kind::OneOf(&["center", "left", "right"]), "Page Layout"),
    ]],
    required: &["background_color", "background_image_url", "page_layout"],
    open: false,
};
const WIDGET: Object = Object {
    fields: &[&[
        field("header_text_alignment", Kind::OneOf(&["center", "left", "right"]), "Header text alignment"),
        field("logo_height", Kind::Number(1, 100), "Logo height"),
        field("logo_position", Kind::OneOf(&["center", "left", "none", "right"]), "Logo position"),
        field("logo_url", ADDRESS, "Logo url"),
        field("social_buttons_layout", Kind::OneOf(&["bottom", "top"]), "Social buttons layout"),
    ]],
    required: &["header_text_alignment", "logo_height", "logo_position", "logo_url", "social_buttons_layout"],
    open: false,
};
