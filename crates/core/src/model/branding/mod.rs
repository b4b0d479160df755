//! How the hosted pages look: what the tenant set, checked again and prepared for a style sheet and for a content security
//! policy (`docs/COMPATIBILITY.md` C1456-C1460).
//!
//! What is stored was checked when it was written. It is read as strictly here: nothing but a color, a number or an `https`
//! address reaches a page.

mod address;
mod color;
pub mod page_template;
pub mod settings;
pub mod theme;
mod theme_fields;

use std::fmt;

use serde_json::{Map, Value};

pub use address::Address;
pub use color::Color;
pub use page_template::PageTemplate;
pub use theme::Theme;

/// The looks of the hosted pages.
#[derive(Debug, Clone)]
pub struct Branding {
    /// Behind buttons.
    pub primary: Color,
    /// On buttons: a contrast of at least 4.5 to `primary`.
    pub on_primary: Color,
    /// Behind the page; `None` leaves it to the page, which then may follow the browser's dark mode.
    pub background: Option<Background>,
    /// The logo above the form.
    pub logo: Option<Address>,
    /// The icon.
    pub favicon: Option<Address>,
    /// The font file.
    pub font: Option<Address>,
    /// The theme, if there is one: it was made for light pages.
    pub theme: Option<Theme>,
    origins: Origins,
    style: String,
}

/// What is behind a page. It prints as CSS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Background {
    /// One color.
    Color(Color),
    /// From one color to another, at an angle in degrees.
    Gradient(Color, Color, u16),
}

/// Where the pages load from besides this server, for a content security policy; each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    /// Pictures.
    pub images: Vec<String>,
    /// Font files.
    pub fonts: Vec<String>,
}

impl Branding {
    /// Prepares the settings of `PATCH /branding` and the theme, as they are stored. The theme wins.
    pub fn of(settings: &Map<String, Value>, theme: Option<&Map<String, Value>>) -> Self {
        let theme = theme.map(Theme::of);
        let themed = |get: fn(&Theme) -> Option<Address>| theme.as_ref().and_then(get);
        let address = |value: Option<&Value>| value.and_then(Value::as_str).and_then(Address::parse);
        let colors = settings.get("colors");
        let set = colors.and_then(|colors| colors.get("primary")).and_then(Value::as_str).and_then(Color::parse);
        let (button, label) = theme.as_ref().map_or((None, None), |theme| theme.button);
        let primary = button.or(set).unwrap_or(PRIMARY).over(Color::WHITE);
        let label = label.map(|label| label.over(primary)).filter(|label| label.contrast(primary) >= 4.5);
        let background = theme.as_ref().and_then(|theme| theme.background).map(Background::Color);
        let mut branding = Self {
            primary,
            on_primary: label.unwrap_or(primary.label()),
            background: background.or_else(|| Background::of(colors?.get("page_background")?)),
            logo: themed(|theme| theme.logo.clone()).or_else(|| address(settings.get("logo_url"))),
            favicon: address(settings.get("favicon_url")),
            font: themed(|theme| theme.font.clone())
                .or_else(|| address(settings.get("font").and_then(|font| font.get("url")))),
            theme,
            origins: Origins::default(),
            style: String::new(),
        };
        let behind = branding.theme.as_ref().and_then(|theme| theme.background_image.as_ref());
        branding.origins = Origins {
            images: distinct([branding.logo.as_ref(), branding.favicon.as_ref(), behind]),
            fonts: distinct([branding.font.as_ref()]),
        };
        branding.style = branding.write_style();
        branding
    }

    /// Where pictures and fonts come from.
    pub fn origins(&self) -> &Origins {
        &self.origins
    }

    /// The beginning of a style sheet: the font as the family `Custom`, and custom properties on `:root`: `--primary`,
    /// `--on-primary`, `--primary-on-light` and `--primary-on-dark` (links on white and on `#111827`, contrast at least
    /// 4.5), `--page-background` and `--font` where they are set, and those of [`Theme::properties`].
    pub fn style(&self) -> &str {
        &self.style
    }

    /// What page templates know as `branding`.
    pub fn names(&self) -> Value {
        let mut colors = Map::new();
        colors.insert("primary".to_owned(), self.primary.to_string().into());
        colors.extend(self.background.map(|background| ("page_background".to_owned(), background.to_string().into())));
        let mut names = Map::new();
        names.insert("colors".to_owned(), colors.into());
        for (name, address) in [("logo_url", &self.logo), ("favicon_url", &self.favicon)] {
            names.extend(address.as_ref().map(|address| (name.to_owned(), address.as_str().into())));
        }
        names.into()
    }

    fn write_style(&self) -> String {
        let mut out = String::new();
        let mut font = "";
        if let Some(address) = &self.font {
            out = format!("@font-face{{font-family:\"Custom\";src:url(\"{address}\");font-display:swap}}");
            font = "--font:\"Custom\";";
        }
        let (light, dark) = (self.primary.legible_on(Color::WHITE), self.primary.legible_on(DARK));
        let background = self.background.map(|it| format!("--page-background:{it};")).unwrap_or_default();
        out += &format!(
            ":root{{--primary:{};--on-primary:{};--primary-on-light:{light};--primary-on-dark:{dark};{background}{font}{}}}",
            self.primary,
            self.on_primary,
            self.theme.as_ref().map_or("", Theme::properties)
        );
        out
    }
}

impl Default for Branding {
    fn default() -> Self {
        Self::of(&Map::new(), None)
    }
}

impl Background {
    /// Reads a color or `{"type": "linear-gradient", "start", "end", "angle_deg"}`.
    fn of(value: &Value) -> Option<Self> {
        if let Some(text) = value.as_str() {
            return Color::parse(text).map(Self::Color);
        }
        let color = |name: &str| value.get(name).and_then(Value::as_str).and_then(Color::parse);
        let angle = value.get("angle_deg").and_then(crate::model::schema::integer).unwrap_or(180);
        Some(Self::Gradient(color("start")?, color("end")?, u16::try_from(angle).ok().filter(|angle| *angle <= 360)?))
    }
}

impl fmt::Display for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Color(color) => color.fmt(f),
            Self::Gradient(start, end, angle) => write!(f, "linear-gradient({angle}deg,{start},{end})"),
        }
    }
}

fn distinct<const N: usize>(addresses: [Option<&Address>; N]) -> Vec<String> {
    let mut origins: Vec<String> = addresses.into_iter().flatten().map(|address| address.origin().to_owned()).collect();
    origins.sort();
    origins.dedup();
    origins
}

const PRIMARY: Color = Color::opaque(0x00, 0x59, 0xd6);
/// The darkest surface that links are shown on.
const DARK: Color = Color::opaque(0x11, 0x18, 0x27);

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use serde_json::json;

    pub(super) fn theme() -> Value {
        let text = json!({"bold": false, "size": 87.5});
        json!({
            "borders": {"button_border_radius": 3, "button_border_weight": 1, "buttons_style": "rounded",
                "input_border_radius": 3, "input_border_weight": 1, "inputs_style": "pill",
                "show_widget_shadow": true, "widget_border_weight": 0, "widget_corner_radius": 5},
            "colors": {"body_text": "#1e212a", "error": "#d03c38", "header": "#1e212a", "icons": "#65676e",
                "input_background": "#ffffff", "input_border": "#c9cace", "input_filled_text": "#000000",
                "input_labels_placeholders": "#65676e", "links_focused_components": "#635dff",
                "primary_button": "#635dff", "primary_button_label": "#ffffff", "secondary_button_border": "#c9cace",
                "secondary_button_label": "#1e212a", "success": "#13a688", "widget_background": "#ffffff",
                "widget_border": "#c9cace"},
            "fonts": {"body_text": text, "buttons_text": {"bold": false, "size": 100}, "font_url": "",
                "input_labels": {"bold": false, "size": 100}, "links": {"bold": true, "size": 87.5},
                "links_style": "normal", "reference_text_size": 16, "subtitle": text,
                "title": {"bold": false, "size": 150}},
            "page_background": {"background_color": "#000000", "background_image_url": "", "page_layout": "center"},
            "widget": {"header_text_alignment": "center", "logo_height": 52, "logo_position": "center", "logo_url": "",
                "social_buttons_layout": "bottom"}
        })
    }

    fn of(settings: &Value, theme: Option<&Value>) -> Branding {
        Branding::of(settings.as_object().unwrap(), theme.and_then(Value::as_object))
    }

    #[test]
    fn nothing_set_leaves_the_page_its_own_looks() {
        let fresh = Branding::default();
        assert_eq!((fresh.background, fresh.origins()), (None, &Origins::default()));
        expect![":root{--primary:#0059d6;--on-primary:#ffffff;--primary-on-light:#0059d6;--primary-on-dark:#4083e0;}"]
            .assert_eq(fresh.style());
    }

    #[test]
    fn settings_reach_the_style_sheet_and_the_policy() {
        let set = of(
            &json!({"colors": {"primary": "#ffdd00", "page_background":
                {"type": "linear-gradient", "start": "#fff", "end": "#000", "angle_deg": 35}},
            "logo_url": "https://cdn.example/l.svg", "favicon_url": "https://cdn.example/f.ico",
            "font": {"url": "https://fonts.example:8443/f.woff2"}}),
            None,
        );
        expect![[r#"@font-face{font-family:"Custom";src:url("https://fonts.example:8443/f.woff2");font-display:swap}:root{--primary:#ffdd00;--on-primary:#000000;--primary-on-light:#877500;--primary-on-dark:#ffdd00;--page-background:linear-gradient(35deg,#ffffff,#000000);--font:"Custom";}"#]].assert_eq(set.style());
        assert_eq!(set.on_primary, Color::BLACK);
        assert_eq!(set.origins().images, ["https://cdn.example"]);
        assert_eq!(set.origins().fonts, ["https://fonts.example:8443"]);
        expect![[r##"{"colors":{"primary":"#ffdd00","page_background":"linear-gradient(35deg,#ffffff,#000000)"},"logo_url":"https://cdn.example/l.svg","favicon_url":"https://cdn.example/f.ico"}"##]].assert_eq(&set.names().to_string());
    }

    #[test]
    fn a_theme_wins_but_for_labels_that_cannot_be_read() {
        let settings = json!({"colors": {"primary": "#123456", "page_background": "#eee"}});
        let mut theme = theme();
        let themed = of(&settings, Some(&theme));
        assert_eq!((themed.primary.to_string(), themed.on_primary), ("#635dff".to_owned(), Color::WHITE));
        assert_eq!(themed.background, Some(Background::Color(Color::BLACK)));
        theme["colors"]["primary_button_label"] = "#6660ff".into();
        theme["page_background"]["background_image_url"] = "https://img.example/b.jpg".into();
        let themed = of(&settings, Some(&theme));
        assert!(themed.on_primary.contrast(themed.primary) >= 4.5);
        assert_eq!(themed.origins().images, ["https://img.example"]);
        assert!(themed.style().contains("--theme-title-size:150%;--theme-title-weight:400;"), "{}", themed.style());
    }

    #[test]
    fn what_was_stored_without_a_check_reaches_no_page() {
        let evil = "#fff;}</style><script>alert(1)</script>";
        let mut theme = theme();
        theme["colors"]["body_text"] = evil.into();
        theme["fonts"]["title"]["size"] = evil.into();
        theme["fonts"]["font_url"] = format!("https://a.example/{evil}\")").into();
        theme["page_background"]["background_color"] = evil.into();
        let branding = of(
            &json!({"colors": {"primary": evil, "page_background": evil}, "logo_url": evil, "favicon_url": "http://x/",
                "font": {"url": evil}}),
            Some(&theme),
        );
        assert!(!branding.style().contains("script>") && !branding.style().contains("</"), "{}", branding.style());
        assert_eq!((branding.background, branding.logo, branding.favicon), (None, None, None));
    }
}
