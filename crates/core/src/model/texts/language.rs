//! The language of a page: what a browser asks for against what the tenant offers
//! (<https://auth0.com/docs/customize/internationalization-and-localization/universal-login-internationalization>;
//! RFC 9110, section 12.5.4; `docs/COMPATIBILITY.md` C1451-C1453).

use crate::model::tenant_fields::LOCALES;

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lang {
    locale: &'static str,
    shown: &'static str,
}

impl Lang {
    /// What was chosen, and what the texts are in.
    pub(super) fn new(locale: &'static str, shown: &'static str) -> Self {
        Self { locale, shown }
    }

    /// The locale that was chosen, one of the tenant's: what templates know as `locale`.
    pub fn locale(&self) -> &'static str {
        self.locale
    }

    /// The language that the texts are in, for the attribute `lang`: the chosen one, or the one it falls back to.
    pub fn tag(&self) -> &'static str {
        self.shown
    }

    /// `ltr` or `rtl`, for the attribute `dir`.
    pub fn direction(&self) -> &'static str {
        if FROM_RIGHT.contains(&language(self.shown)) { "rtl" } else { "ltr" }
    }
}

/// The locale of this name, whatever its capitals.
pub(super) fn known(locale: &str) -> Option<&'static str> {
    LOCALES.iter().find(|known| known.eq_ignore_ascii_case(locale)).copied()
}

/// The locale among `enabled` (the default first) that the caller likes best.
pub(super) fn choose(
    enabled: &[&'static str],
    ui_locales: Option<&str>,
    accept_language: Option<&str>,
) -> &'static str {
    let asked = ui_locales.unwrap_or_default().split_ascii_whitespace().take(MOST);
    let accepted = accepted(accept_language.unwrap_or_default());
    let mut liked = asked.chain(accepted).filter_map(|tag| usable(enabled, tag));
    liked.next().or(enabled.first().copied()).unwrap_or(ENGLISH)
}

/// A locale, the one of its language, and English, each once.
pub(super) fn chain(locale: &'static str) -> impl Iterator<Item = &'static str> {
    let parent = if language(locale) == "zh" { Some("zh-CN") } else { known(language(locale)) };
    let parent = parent.filter(move |parent| *parent != locale);
    let last = Some(ENGLISH).filter(move |english| *english != locale && Some(*english) != parent);
    [Some(locale), parent, last].into_iter().flatten()
}

/// The tags of an `accept-language` header, the dearest first; those that came first come first among equals.
fn accepted(header: &str) -> impl Iterator<Item = &str> {
    let mut tags: Vec<(u16, &str)> = header.split(',').take(MOST).filter_map(weighed).collect();
    tags.sort_by_key(|(weight, _)| u16::MAX - weight);
    tags.into_iter().map(|(_, tag)| tag)
}

/// A tag and its weight in thousandths; `None` for what is not wanted at all, for `*`, and for what is none.
fn weighed(entry: &str) -> Option<(u16, &str)> {
    let mut parts = entry.split(';').map(str::trim);
    let tag = parts.next().filter(|tag| !tag.is_empty() && *tag != "*")?;
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let weight = match weight {
        None => 1_000,
        Some(text) => thousandths(text)?,
    };
    (weight > 0).then_some((weight, tag))
}

/// `1`, `0.8`, `0.123` in thousandths.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match (whole, fraction) {
        ("0", _) => Some(fraction),
        ("1", 0) => Some(1_000),
        _ => None,
    }
}

/// The enabled locale that a tag means: itself; the same language and country without its script; the language alone;
/// any country of the language.
fn usable(enabled: &[&'static str], tag: &str) -> Option<&'static str> {
    let one = |wanted: &str| enabled.iter().find(|locale| locale.eq_ignore_ascii_case(wanted)).copied();
    let tag = tag.replace('_', "-");
    let spoken = language(&tag);
    let country = tag.rsplit('-').next().filter(|part| part.len() <= 3 && *part != spoken);
    one(&tag)
        .or_else(|| one(&format!("{spoken}-{}", country?)))
        .or_else(|| chinese(spoken, &tag).iter().find_map(|locale| one(locale)))
        .or_else(|| one(spoken))
        .or_else(|| enabled.iter().find(|locale| language(locale).eq_ignore_ascii_case(spoken)).copied())
}

/// Of Chinese the script matters more than the country.
fn chinese(spoken: &str, tag: &str) -> &'static [&'static str] {
    let traditional = tag.split('-').any(|part| ["hant", "tw", "hk", "mo"].contains(&&*part.to_ascii_lowercase()));
    match (spoken.eq_ignore_ascii_case("zh"), traditional) {
        (false, _) => &[],
        (true, true) => &["zh-TW", "zh-HK", "zh-MO"],
        (true, false) => &["zh-CN"],
    }
}

/// The language of a tag, without script and country.
fn language(tag: &str) -> &str {
    tag.split('-').next().unwrap_or(tag)
}

/// The language of last resort.
pub(super) const ENGLISH: &str = "en";
const FROM_RIGHT: [&str; 4] = ["ar", "fa", "he", "ur"];
/// Entries of a list of languages that are looked at.
const MOST: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_usable_entry_wins() {
        let enabled = ["en", "fr", "fr-CA", "pt-BR", "zh-CN", "zh-TW", "es-MX"];
        for (ui_locales, accept_language, wanted) in [
            ("", "", "en"),
            ("fr", "de", "fr"),
            ("de fr-CA en", "", "fr-CA"),
            ("FR-ca", "", "fr-CA"),
            ("fr-BE", "", "fr"),
            ("pt", "", "pt-BR"),
            ("pt-PT", "", "pt-BR"),
            ("es", "", "es-MX"),
            ("es_MX", "", "es-MX"),
            ("zh", "", "zh-CN"),
            ("zh-Hans-SG", "", "zh-CN"),
            ("zh-Hant-HK", "", "zh-TW"),
            ("zh-MO", "", "zh-TW"),
            ("de nl", "fr", "fr"),
            ("de", "nl, ru;q=0.5", "en"),
            ("", "de, en;q=0.3, fr;q=0.7", "fr"),
            ("", "en;q=0.5,fr;q=0.5", "en"),
            ("", "fr;q=0, en;q=0.1", "en"),
            ("", "*, fr;q=0.1", "fr"),
            ("", "fr;q=2, es;q=0.1", "es-MX"),
            ("", "fr;q=x, ;;;,, es", "es-MX"),
            ("", "fr;level=1;q=0.2,es;Q=0.1", "fr"),
            ("<script> ../.. \u{202e}", "\u{0}", "en"),
        ] {
            let chosen = choose(&enabled, Some(ui_locales), Some(accept_language));
            assert_eq!(chosen, wanted, "{ui_locales:?} {accept_language:?}");
        }
        assert_eq!(choose(&["de", "en"], None, None), "de");
        assert_eq!(choose(&["de"], Some("en"), Some("en")), "de");
        assert_eq!(choose(&[], Some("fr"), None), "en");
        let flood = format!("{}fr", "de,".repeat(100));
        assert_eq!(choose(&enabled, None, Some(&flood)), "en");
    }

    #[test]
    fn locales_fall_back_to_their_language_and_to_english() {
        let all = |locale| chain(locale).collect::<Vec<_>>();
        assert_eq!(all("en"), ["en"]);
        assert_eq!(all("en-CA"), ["en-CA", "en"]);
        assert_eq!(all("pt-BR"), ["pt-BR", "pt", "en"]);
        assert_eq!(all("zh-TW"), ["zh-TW", "zh-CN", "en"]);
        assert_eq!(all("zh-CN"), ["zh-CN", "en"]);
        assert_eq!(all("ca-ES"), ["ca-ES", "en"]);
    }

    #[test]
    fn some_languages_are_written_from_the_right() {
        for locale in LOCALES {
            let expected = ["ar", "ar-EG", "ar-SA", "fa", "he", "ur"].contains(locale);
            assert_eq!(Lang::new(locale, locale).direction() == "rtl", expected, "{locale}");
            let subtags = locale
                .split('-')
                .all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            assert!(subtags, "{locale} is no language tag");
        }
        assert_eq!(Lang::new("ur", "en").direction(), "ltr");
    }
}
