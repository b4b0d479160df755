//! The list of countries beside a phone number: names in the page's language and in its order, flags, calling codes
//! (names: Unicode CLDR; codes: libphonenumber).

use std::collections::HashMap;
use std::sync::LazyLock;

use ringpass_core::model::phone::Countries;
use ringpass_core::model::phone_entry;

/// A line of the list.
#[derive(Debug)]
pub(super) struct Country {
    /// ISO 3166 alpha-2.
    pub code: &'static str,
    /// Calling code, without the plus sign.
    pub calling: i32,
    /// Whether numbers with this calling code are this country's unless they say otherwise (`+1`: the United States).
    pub is_main: bool,
    /// Name, flag and calling code. The name comes first: lists jump to what is typed.
    pub label: String,
}

macro_rules! lists {
    ($($tag:literal $home:literal,)+) => {
        /// Language, the country that most of its readers live in, and its names.
        const LISTS: &[(&str, &str, &str)] =
            &[$(($tag, $home, include_str!(concat!("../../../../../templates/countries/", $tag, ".txt")))),+];
    };
}

lists! {
    "en" "US", "fr" "FR", "es" "ES", "de" "DE", "pt" "BR", "it" "IT", "nl" "NL", "pl" "PL", "tr" "TR", "ja" "JP",
    "ar" "SA", "hi" "IN", "zh-CN" "CN", "ru" "RU", "sv" "SE", "ko" "KR", "uk" "UA",
}

static LISTED: LazyLock<HashMap<&'static str, Vec<Country>>> =
    LazyLock::new(|| LISTS.iter().map(|(tag, _, names)| (*tag, read(names))).collect());

/// The countries that the tenant lets messages go to, in the order of this language.
pub(super) fn list(tag: &str, allowed: Option<&Countries>) -> Vec<&'static Country> {
    let listed = LISTED.get(base(tag)).map(Vec::as_slice).unwrap_or_default();
    listed.iter().filter(|country| allowed.is_none_or(|rule| rule.allow(country.code))).collect()
}

/// The country to begin with: that of the browser's first language tag that names one, else where this language is at
/// home; the first of the list when the tenant does not allow it.
pub(super) fn at_first(tag: &str, accept_language: Option<&str>, allowed: Option<&Countries>) -> &'static str {
    let named = accept_language.unwrap_or_default().split(',').filter_map(|entry| {
        let (_, region) = entry.split(';').next()?.trim().rsplit_once('-')?;
        LISTED.get("en")?.iter().map(|country| country.code).find(|code| code.eq_ignore_ascii_case(region))
    });
    let home = LISTS.iter().find(|(known, ..)| *known == base(tag)).map(|(_, home, _)| *home);
    let may = |code: &&str| allowed.is_none_or(|rule| rule.allow(code));
    let chosen = named.chain(home).find(may);
    chosen.or_else(|| list(tag, allowed).first().map(|country| country.code)).unwrap_or_default()
}

/// The list that this language reads.
fn base(tag: &str) -> &str {
    let known = |name: &str| LISTS.iter().find(|(known, ..)| *known == name).map(|(known, ..)| *known);
    let language = tag.split('-').next().unwrap_or_default();
    known(tag).or_else(|| known(language)).unwrap_or(if language == "zh" { "zh-CN" } else { "en" })
}

fn read(names: &'static str) -> Vec<Country> {
    let lines = names.lines().filter_map(|line| line.split_once(' '));
    let country = |(code, name): (&'static str, &str)| {
        let calling = phone_entry::calling_code(code)?;
        let is_main = phone_entry::main_country(calling).as_deref() == Some(code);
        Some(Country { code, calling, is_main, label: format!("{name} {} {LEFT_TO_RIGHT}+{calling}", flag(code)) })
    };
    lines.filter_map(country).collect()
}

/// The two regional indicators that make a flag.
fn flag(code: &str) -> String {
    code.bytes().filter_map(|letter| char::from_u32(0x1f1e6 + u32::from(letter.wrapping_sub(b'A')))).collect()
}

/// Keeps the plus sign before the number where texts run from right to left.
const LEFT_TO_RIGHT: char = '\u{200e}';
