//! The texts of the hosted pages: those compiled in, and over them those that the tenant wrote itself
//! (<https://auth0.com/docs/customize/login-pages/universal-login/customize-text-elements>;
//! `docs/COMPATIBILITY.md` C1450-C1455).
//!
//! A page asks for its screen once and then for text after text; nothing is parsed and nothing copied for that. Texts
//! are plain: whoever shows them escapes them.

mod built_in;
mod language;

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Map, Value};

pub use language::Lang;
use language::{chain, choose, known};

/// A locale by its name, whatever its capitals; English for what is none.
pub fn locale(name: &str) -> &'static str {
    known(name).unwrap_or(language::ENGLISH)
}

/// A locale, then those whose texts do where it has none; English is the last.
pub fn fallbacks(name: &str) -> impl Iterator<Item = &'static str> {
    chain(locale(name))
}

/// The texts of one screen by their keys.
type Messages = HashMap<String, String>;
/// Prompts, their screens, and the texts of those.
type Catalogue = HashMap<String, HashMap<String, Messages>>;

/// Every text of the hosted pages in every language, and the languages that the tenant offers.
#[derive(Debug, Default)]
pub struct Texts {
    enabled: Vec<&'static str>,
    custom: HashMap<&'static str, Catalogue>,
}

/// The texts of one screen in one language. What the screen does not have is looked for in `common`.
#[derive(Debug, Clone, Copy)]
pub struct Screen<'t>([Option<&'t Messages>; LAYERS]);

impl Texts {
    /// Of a tenant that offers the locales `enabled`, the default first; `custom` are its own texts: prompt, locale, and
    /// the body `{"screen": {"key": "text"}}`. Locales that do not exist are passed over.
    pub fn new<'a>(
        enabled: impl IntoIterator<Item = &'a str>,
        custom: impl IntoIterator<Item = (&'a str, &'a str, &'a Map<String, Value>)>,
    ) -> Self {
        let mut texts = Self { enabled: enabled.into_iter().filter_map(known).collect(), custom: HashMap::new() };
        for (prompt, locale, screens) in custom {
            let Some(locale) = known(locale) else { continue };
            let into = texts.custom.entry(locale).or_default().entry(prompt.to_owned()).or_default();
            for (screen, messages) in screens {
                let messages = messages.as_object().into_iter().flatten();
                let messages = messages.filter_map(|(key, text)| Some((key.clone(), text.as_str()?.to_owned())));
                into.insert(screen.clone(), messages.collect());
            }
        }
        texts
    }

    /// The language of a page: the first usable entry of `ui_locales` (tags with blanks between them), else of the
    /// header `accept-language`, else the tenant's first locale (C1451).
    pub fn choose(&self, ui_locales: Option<&str>, accept_language: Option<&str>) -> Lang {
        self.with_texts(choose(&self.enabled, ui_locales, accept_language))
    }

    /// The language of this locale, such as one that was chosen earlier; the tenant's default for what is none.
    pub fn language(&self, locale: &str) -> Lang {
        known(locale).map_or_else(|| self.choose(None, None), |locale| self.with_texts(locale))
    }

    /// The texts of a screen.
    pub fn screen<'t>(&'t self, lang: Lang, prompt: &str, screen: &str) -> Screen<'t> {
        let mut layers = [None; LAYERS];
        let mut free = layers.iter_mut();
        let mut add = |found: Option<&'t Catalogue>, prompt: &str, screen: &str| {
            let found = found.and_then(|catalogue| catalogue.get(prompt)?.get(screen));
            if let (Some(messages), Some(layer)) = (found, free.next()) {
                *layer = Some(messages);
            }
        };
        for locale in chain(lang.locale()) {
            let (custom, built_in) = (self.custom.get(locale), built_in::catalogue(locale));
            add(custom, prompt, screen);
            add(built_in, prompt, screen);
            add(custom, COMMON, COMMON);
            add(built_in, COMMON, COMMON);
            if built_in.is_some() {
                // It is complete.
                break;
            }
        }
        Screen(layers)
    }

    /// The language of a locale, and in which one its texts are.
    fn with_texts(&self, locale: &'static str) -> Lang {
        let has = |locale: &&'static str| {
            built_in::catalogue(locale).is_some() || self.custom.get(*locale).is_some_and(|own| !own.is_empty())
        };
        Lang::new(locale, chain(locale).find(has).unwrap_or(language::ENGLISH))
    }
}

impl<'t> Screen<'t> {
    /// The text of `key`, as it stands. A key that no file has is its own text, so that a page shows the mistake.
    pub fn get<'k>(&self, key: &'k str) -> &'k str
    where
        't: 'k,
    {
        self.find(key).unwrap_or(key)
    }

    /// The text of `key`, if there is one: for keys that come from elsewhere, such as scopes.
    pub fn find(&self, key: &str) -> Option<&'t str> {
        self.0.iter().flatten().find_map(|messages| messages.get(key)).map(String::as_str)
    }

    /// The text of `key` with the values of `names` in the place of `${name}`. Names that are not given leave nothing.
    pub fn fill<'k>(&self, key: &'k str, names: &[(&str, &str)]) -> Cow<'k, str>
    where
        't: 'k,
    {
        fill(self.get(key), names)
    }

    /// Every key with its text: what page templates know as `prompt.screen.texts`.
    pub fn all(&self) -> Map<String, Value> {
        let mut all = Map::new();
        for (key, text) in self.0.iter().flatten().rev().flat_map(|messages| messages.iter()) {
            all.insert(key.clone(), text.as_str().into());
        }
        all
    }
}

/// Puts values in their places. A value is not looked at again, whatever it holds.
fn fill<'t>(text: &'t str, names: &[(&str, &str)]) -> Cow<'t, str> {
    if !text.contains(OPEN) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        out.push_str(before);
        if let Some((name, after)) = after.split_once('}').filter(|(name, _)| is_name(name.trim())) {
            let value = names.iter().find(|(known, _)| *known == name.trim());
            out.push_str(value.map_or("", |(_, value)| value));
            rest = after;
        } else {
            out.push_str(OPEN);
            rest = after;
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

const OPEN: &str = "${";
/// The prompt, and its only screen, whose texts every screen has.
const COMMON: &str = "common";
/// Own and built-in texts of a screen and of `common`, for a locale, the one it falls back to, and English.
const LAYERS: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const CODE: (&str, &str) = ("login-passwordless", "login-passwordless-sms-otp");

    fn texts(enabled: &[&str], custom: &[(&str, &str, Value)]) -> Texts {
        let custom = custom.iter().map(|(prompt, locale, body)| (*prompt, *locale, body.as_object().unwrap()));
        Texts::new(enabled.iter().copied(), custom)
    }

    #[test]
    fn texts_of_the_tenant_stand_before_ours_and_common_ones_are_everywhere() {
        let own = json!({CODE.1: {"title": "Look", "mine": "My own", "description": ""}, "other": 7});
        let common = json!({"common": {"user-blocked": "Locked"}});
        let texts = texts(&["en"], &[(CODE.0, "en", own), ("common", "en", common), ("login", "tlh", json!({}))]);
        let screen = texts.screen(texts.choose(None, None), CODE.0, CODE.1);
        assert_eq!((screen.get("title"), screen.get("mine"), screen.get("description")), ("Look", "My own", ""));
        assert_eq!((screen.get("user-blocked"), screen.get("backText")), ("Locked", "Back"));
        assert_eq!((screen.get("buttonText"), screen.get("no-such-key")), ("Sign in", "no-such-key"));
        assert_eq!((screen.find("scope-x"), screen.all()["title"].as_str()), (None, Some("Look")));
        let nowhere = texts.screen(texts.language("en"), "nobody", "knows");
        assert_eq!((nowhere.get("title"), nowhere.get("backText")), ("title", "Back"));
    }

    #[test]
    fn a_locale_without_texts_falls_back_to_its_language_and_then_to_english() {
        let own = |text: &str| json!({CODE.1: {"title": text}});
        let texts = texts(
            &["am", "en-CA", "sw"],
            &[(CODE.0, "am", own("ኮድ")), (CODE.0, "en-CA", own("Eh")), (CODE.0, "en", own("Look"))],
        );
        let shown = |locale: &str| {
            let lang = texts.language(locale);
            let screen = texts.screen(lang, CODE.0, CODE.1);
            (lang.locale(), lang.tag(), screen.get("title").to_owned(), screen.get("buttonText").to_owned())
        };
        assert_eq!(shown("am"), ("am", "am", "ኮድ".to_owned(), "Sign in".to_owned()));
        assert_eq!(shown("en-ca"), ("en-CA", "en-CA", "Eh".to_owned(), "Sign in".to_owned()));
        assert_eq!(shown("sw"), ("sw", "en", "Look".to_owned(), "Sign in".to_owned()));
        assert_eq!(shown("klingon").0, "am");
    }

    #[test]
    fn values_stand_where_their_names_stood_and_are_not_looked_at_again() {
        for (text, wanted) in [
            ("plain", "plain"),
            ("${a}", "1"),
            ("${a}${b}${ a }!", "1${a}1!"),
            ("x ${nobody} y", "x  y"),
            ("$a {a} ${", "$a {a} ${"),
            ("${} ${a b} ${${a}", "${} ${a b} ${1"),
            ("${a", "${a"),
            ("ü${b}ü", "ü${a}ü"),
        ] {
            assert_eq!(fill(text, &[("a", "1"), ("b", "${a}")]), wanted, "{text}");
        }
        assert!(matches!(fill("plain", &[]), Cow::Borrowed(_)));
        let texts = texts(&["en"], &[]);
        let screen = texts.screen(texts.choose(None, None), CODE.0, CODE.1);
        assert_eq!(screen.fill("placeholder", &[("length", "6")]), "Your 6-digit code");
    }
}
