//! Phone numbers: the one accepted spelling, the country behind it, and the numbers that no message is ever sent to.
//!
//! A number is the key of its user, so nothing is repaired or reformatted. Countries and kinds come from libphonenumber's
//! metadata; `docs/COMPATIBILITY.md`, "Country codes", has the rule.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::OnceLock;

use rlibphonenumber::enums::Region;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberType};
use serde_json::Value;

/// A number in E.164 form, `^\+[0-9]{1,15}$`. It never prints.
#[derive(Clone)]
pub struct Phone {
    text: String,
    /// What the metadata says of it, looked up when it is first asked for.
    known: OnceLock<Option<Known>>,
}

/// A number as the metadata knows it.
#[derive(Clone, Copy)]
struct Known {
    calling_code: i32,
    /// `None` for a calling code that belongs to no country.
    country: Option<Region>,
    kind: PhoneNumberType,
}

impl PartialEq for Phone {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Phone {}

impl Hash for Phone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What messages to a number cost, as far as the metadata says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Every message earns its owner money.
    PremiumRate,
    /// The sender pays a part of what the owner asks.
    SharedCost,
    /// A satellite network.
    Satellite,
    /// Anything else, unknown numbers included.
    Ordinary,
}

/// Why no message may go to a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is of a kind that is never sent to.
    Kind(Kind),
    /// Its country is not allowed, or denied.
    Country(Mode),
}

impl Phone {
    /// Takes a number as a caller wrote it, white space around it trimmed; `None` when it is not E.164.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.strip_prefix('+')?;
        let fits = (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| Self { text: text.to_owned(), known: OnceLock::new() })
    }

    /// The number, plus sign included.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The country as ISO 3166 alpha-2 (`DE`); `None` when the number does not tell.
    pub fn country(&self) -> Option<String> {
        self.known()?.country.map(|region| region.as_region_str().to_string())
    }

    /// The kind of number.
    pub fn kind(&self) -> Kind {
        self.known().map_or(Kind::Ordinary, |known| self.kind_of(known.kind))
    }

    /// The calling code (49); `None` when the number does not begin with one.
    pub fn calling_code(&self) -> Option<i32> {
        self.known().map(|known| known.calling_code)
    }

    /// What the metadata says of the number, in words.
    pub fn description(&self) -> &'static str {
        match self.known().map(|known| known.kind) {
            Some(kind) if self.kind_of(kind) == Kind::Satellite => "satellite",
            Some(PhoneNumberType::FixedLine) => "fixed line",
            Some(PhoneNumberType::Mobile) => "mobile",
            Some(PhoneNumberType::FixedLineOrMobile) => "fixed line or mobile",
            Some(PhoneNumberType::TollFree) => "toll-free",
            Some(PhoneNumberType::PremiumRate) => "premium rate",
            Some(PhoneNumberType::SharedCost) => "shared cost",
            Some(PhoneNumberType::VoIP) => "voice over IP",
            Some(PhoneNumberType::PersonalNumber) => "personal number",
            Some(PhoneNumberType::Pager) => "pager",
            Some(PhoneNumberType::UAN) => "universal access number",
            Some(PhoneNumberType::VoiceMail) => "voicemail",
            Some(PhoneNumberType::Unknown) | None => "unknown",
        }
    }

    /// Whether no message may go to this number.
    pub fn refused(&self, countries: Option<&Countries>) -> bool {
        self.refusal(countries).is_some()
    }

    /// Why no message may go to this number: it is of a costly kind, or its country is not among `countries`.
    pub fn refusal(&self, countries: Option<&Countries>) -> Option<Refusal> {
        match self.kind() {
            Kind::Ordinary => {
                let country = self.known().and_then(|known| known.country);
                let countries = countries.filter(|countries| countries.refuse(country))?;
                Some(Refusal::Country(countries.mode))
            }
            costly => Some(Refusal::Kind(costly)),
        }
    }

    /// The number as the metadata knows it; looked up once, for it is among the dearer parts of a start.
    fn known(&self) -> Option<Known> {
        *self.known.get_or_init(|| {
            let (number, kind) = self.look_up()?;
            // Calling codes that belong to no country (`001` in the metadata) name none.
            let country = number.get_region_code().filter(|region| *region != Region::World);
            Some(Known { calling_code: number.country_code, country, kind })
        })
    }

    /// The number and its type.
    ///
    /// The library's parser looks for every spelling of a number, with regular expressions, which costs more than the
    /// rest of a start together. So the digits are first taken as E.164 means them; the parser has its say only when the
    /// metadata knows no such number, as when somebody kept a national prefix (`+4409…`).
    fn look_up(&self) -> Option<(PhoneNumber, PhoneNumberType)> {
        let known = self.digits_as_written().map(|number| (number.get_type(), number));
        let known = known.filter(|(kind, _)| *kind != PhoneNumberType::Unknown);
        let (kind, number) = known.or_else(|| {
            let number = PHONE_NUMBER_UTIL.parse(&self.text, None).ok()?;
            Some((number.get_type(), number))
        })?;
        Some((number, kind))
    }

    fn kind_of(&self, kind: PhoneNumberType) -> Kind {
        match kind {
            _ if SATELLITE.iter().any(|prefix| self.text.starts_with(prefix)) => Kind::Satellite,
            PhoneNumberType::PremiumRate => Kind::PremiumRate,
            PhoneNumberType::SharedCost => Kind::SharedCost,
            _ => Kind::Ordinary,
        }
    }

    /// The calling code (no code is the beginning of another) and the national number after it.
    fn digits_as_written(&self) -> Option<PhoneNumber> {
        let digits = self.text.strip_prefix('+')?;
        let (country_code, national) = (1..=3).find_map(|length| {
            let (code, national) = digits.split_at_checked(length)?;
            let code = code.parse().ok()?;
            PHONE_NUMBER_UTIL.get_regions_for_country_calling_code(code).map(|_| (code, national))
        })?;
        let zeros = national.bytes().take_while(|digit| *digit == b'0').count();
        Some(PhoneNumber {
            country_code,
            national_number: national.parse().ok()?,
            italian_leading_zero: (zeros > 0).then_some(true),
            number_of_leading_zeros: (zeros > 1).then(|| i32::try_from(zeros)).and_then(Result::ok),
            ..PhoneNumber::default()
        })
    }
}

/// The tenant's `country_codes`: where messages may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Countries {
    /// ISO 3166 alpha-2 codes.
    pub list: Vec<String>,
    /// What being on the list means.
    pub mode: Mode,
}

/// The two readings of a list of countries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Only these countries; a number without a country is refused.
    Allow,
    /// All but these countries; a number without a country is accepted.
    Deny,
}

impl Countries {
    /// Reads `{"list": ["CA", "US"], "mode": "allow" | "deny"}`; `None` for null and for anything else.
    pub fn parse(value: &Value) -> Option<Self> {
        let mode = match value.get("mode")?.as_str()? {
            "allow" => Mode::Allow,
            "deny" => Mode::Deny,
            _ => return None,
        };
        let list = value.get("list")?.as_array()?.iter().map(|code| code.as_str().map(str::to_owned));
        Some(Self { list: list.collect::<Option<_>>()?, mode })
    }

    /// Whether messages may go to this country (ISO 3166 alpha-2).
    pub fn allow(&self, country: &str) -> bool {
        let is_listed = self.list.iter().any(|listed| listed.eq_ignore_ascii_case(country));
        is_listed == (self.mode == Mode::Allow)
    }

    fn refuse(&self, country: Option<Region>) -> bool {
        let listed = country.map(|region| {
            let code = region.as_region_str();
            self.list.iter().any(|listed| listed.eq_ignore_ascii_case(&code))
        });
        match self.mode {
            Mode::Allow => listed != Some(true),
            Mode::Deny => listed == Some(true),
        }
    }
}

/// Satellite networks among the ITU's E.164 assignments, which the metadata lists as mobile: Inmarsat, the Global Mobile
/// Satellite System, EMSAT, Thuraya.
const SATELLITE: [&str; 4] = ["+870", "+881", "+88213", "+88216"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn phone(text: &str) -> Phone {
        Phone::parse(text).unwrap()
    }

    #[test]
    fn only_e164_is_a_number_and_it_stays_as_written() {
        for (text, number) in [
            ("+15550001111", Some("+15550001111")),
            (" \t+15550001111\n", Some("+15550001111")),
            ("+1", Some("+1")),
            ("+0", Some("+0")),
            ("+123456789012345", Some("+123456789012345")),
            ("+1234567890123456", None),
            ("+", None),
            ("", None),
            ("15550001111", None),
            ("0015550001111", None),
            ("+1 555 000 1111", None),
            ("+1-555-0001111", None),
            ("++1555", None),
            ("+١٢٣", None),
            ("+1555000111x", None),
            ("+1555\0", None),
        ] {
            assert_eq!(Phone::parse(text).as_ref().map(Phone::as_str), number, "{text:?}");
        }
    }

    #[test]
    fn a_number_does_not_print() {
        assert_eq!(format!("{:?}", phone("+15550001111")), "***");
    }

    #[test]
    fn the_country_comes_from_the_metadata() {
        for (number, country) in [
            ("+12025550123", Some("US")),
            ("+16135550123", Some("CA")),
            ("+18765551234", Some("JM")),
            ("+447400123456", Some("GB")),
            ("+447781123456", Some("GG")),
            ("+33612345678", Some("FR")),
            ("+4915112345678", Some("DE")),
            ("+77012345678", Some("KZ")),
            ("+79161234567", Some("RU")),
            ("+390612345678", Some("IT")),
            ("+3906698123", Some("VA")),
            ("+80012345678", None),
            ("+999123456", None),
            ("+15550001111", None),
            ("+1", None),
        ] {
            assert_eq!(phone(number).country().as_deref(), country, "{number}");
        }
    }

    #[test]
    fn costly_numbers_are_always_refused_and_unknown_ones_are_not() {
        for (number, kind) in [
            ("+19002345678", Kind::PremiumRate),
            ("+449091234567", Kind::PremiumRate),
            ("+979123456789", Kind::PremiumRate),
            ("+33891123456", Kind::PremiumRate),
            ("+80812345678", Kind::SharedCost),
            ("+491801123456", Kind::SharedCost),
            ("+870773111632", Kind::Satellite),
            ("+881612345678", Kind::Satellite),
            ("+8821612345678", Kind::Satellite),
            ("+8821312345", Kind::Satellite),
            ("+88239123456", Kind::Ordinary),
            ("+15550001111", Kind::Ordinary),
            ("+12025550123", Kind::Ordinary),
            ("+447700900123", Kind::Ordinary),
            ("+18005550123", Kind::Ordinary),
            ("+999123456", Kind::Ordinary),
            ("+1", Kind::Ordinary),
            ("+000000000000000", Kind::Ordinary),
        ] {
            assert_eq!(phone(number).kind(), kind, "{number}");
            assert_eq!(phone(number).refused(None), kind != Kind::Ordinary, "{number}");
        }
    }

    #[test]
    fn numbers_taken_as_written_are_those_that_the_parser_finds() {
        let mut digits = 7_u64;
        for code in PHONE_NUMBER_UTIL.get_supported_calling_codes() {
            for length in 4..=14 {
                for _ in 0..12 {
                    // Any digits will do, as long as each run takes the same.
                    digits = digits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let national = format!("{digits:020}");
                    let text = format!("+{code}{}", &national[..length]);
                    let Some(phone) = Phone::parse(&text) else { continue };
                    let Ok(parsed) = PHONE_NUMBER_UTIL.parse(&text, None) else { continue };
                    if parsed.get_type() != PhoneNumberType::Unknown {
                        let known = phone.known().unwrap();
                        assert_eq!(known.kind, parsed.get_type(), "{text}");
                        let country = parsed.get_region_code().filter(|region| *region != Region::World);
                        assert_eq!(known.country, country, "{text}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_national_prefix_that_was_kept_hides_no_cost() {
        assert_eq!(phone("+4409091234567").kind(), Kind::PremiumRate);
        assert_eq!(phone("+4901801123456").kind(), Kind::SharedCost);
    }

    #[test]
    fn the_list_of_countries_decides() {
        let allow = Countries::parse(&json!({"list": ["CA", "us"], "mode": "allow"})).unwrap();
        let deny = Countries::parse(&json!({"list": ["CA", "US"], "mode": "deny"})).unwrap();
        for (number, under_allow, under_deny) in [
            ("+12025550123", false, true),
            ("+16135550123", false, true),
            ("+33612345678", true, false),
            ("+15550001111", true, false),
            ("+999123456", true, false),
            ("+19002345678", true, true),
            ("+870773111632", true, true),
        ] {
            assert_eq!(phone(number).refused(Some(&allow)), under_allow, "allow {number}");
            assert_eq!(phone(number).refused(Some(&deny)), under_deny, "deny {number}");
        }
    }

    #[test]
    fn other_values_are_no_list() {
        for value in [
            json!(null),
            json!({}),
            json!({"list": ["CA"]}),
            json!({"list": ["CA"], "mode": "x"}),
            json!([]),
            json!({"list": [1], "mode": "allow"}),
            json!({"list": "CA", "mode": "allow"}),
        ] {
            assert_eq!(Countries::parse(&value), None, "{value}");
        }
    }
}
