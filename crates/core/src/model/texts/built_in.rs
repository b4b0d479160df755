//! The texts compiled in: one file for each language, `templates/texts/LANGUAGE.json`, in the shape of Auth0's custom texts
//! with the prompts around them.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Catalogue;

/// The texts of a locale, if there are any. Every catalogue has every key.
pub(super) fn catalogue(locale: &str) -> Option<&'static Catalogue> {
    CATALOGUES.get(locale)
}

/// Read at first use, and the same for ever: no snapshot needs a copy of its own.
static CATALOGUES: LazyLock<HashMap<&'static str, Catalogue>> = LazyLock::new(|| {
    FILES.iter().map(|(locale, text)| (*locale, serde_json::from_str(text).unwrap_or_default())).collect()
});

macro_rules! files {
    ($($locale:literal),*) => {
        &[$(($locale, include_str!(concat!("../../../../../templates/texts/", $locale, ".json")))),*]
    };
}

/// A locale and its file.
const FILES: &[(&str, &str)] =
    files!("en", "ar", "de", "es", "fr", "hi", "it", "ja", "ko", "nl", "pl", "pt", "ru", "sv", "tr", "uk", "zh-CN");

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::super::language::{Lang, known};
    use super::*;

    /// Every key with its prompt and screen, and its text.
    fn flat(locale: &str, text: &str) -> BTreeMap<String, String> {
        let catalogue: Catalogue = serde_json::from_str(text).unwrap_or_else(|error| panic!("{locale}: {error}"));
        let mut flat = BTreeMap::new();
        for (prompt, screens) in catalogue {
            for (screen, messages) in screens {
                for (key, text) in messages {
                    assert!(flat.insert(format!("{prompt}/{screen}/{key}"), text).is_none());
                }
            }
        }
        flat
    }

    /// The names of the variables of a text.
    fn variables(text: &str) -> BTreeSet<&str> {
        text.split("${").skip(1).map(|after| after.split_once('}').unwrap().0).collect()
    }

    #[test]
    fn every_language_has_the_keys_and_variables_of_english() {
        let english = flat("en", FILES.iter().find(|(locale, _)| *locale == "en").unwrap().1);
        assert!(english.len() > 200);
        for (locale, text) in FILES {
            assert_eq!(known(locale), Some(*locale), "{locale} is no locale");
            let own = flat(locale, text);
            let names = |texts: &BTreeMap<String, String>| texts.keys().cloned().collect::<BTreeSet<_>>();
            let differing: Vec<_> = names(&english).symmetric_difference(&names(&own)).cloned().collect();
            assert!(differing.is_empty(), "{locale}: {differing:?}");
            for (key, text) in &own {
                assert_eq!(variables(text), variables(&english[key]), "{locale}: {key}");
                assert_eq!(text.trim(), text, "{locale}: {key}");
                assert!(!text.is_empty() && !text.contains(['<', '>', '\n']), "{locale}: {key}");
            }
        }
    }

    #[test]
    fn a_key_is_in_common_or_in_screens_but_not_in_both() {
        let english = flat("en", FILES[0].1);
        for key in english.keys().filter_map(|name| name.strip_prefix("common/common/")) {
            let twice = english.keys().find(|name| !name.starts_with("common/") && name.ends_with(&format!("/{key}")));
            assert_eq!(twice, None, "common says {key} for every screen");
        }
    }

    #[test]
    fn languages_say_in_which_direction_they_are_written() {
        for (locale, text) in FILES {
            let title = &flat(locale, text)["login-id/login-id/title"];
            let from_right = title.chars().any(|letter| ('\u{590}'..='\u{8ff}').contains(&letter));
            let lang = Lang::new(known(locale).unwrap(), known(locale).unwrap());
            assert_eq!(lang.direction(), if from_right { "rtl" } else { "ltr" }, "{locale}");
        }
    }
}
