//! A phone number as a person types it, beside the country that they chose (`docs/COMPATIBILITY.md` C1346).

use rlibphonenumber::enums::Region;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};

use super::phone::Phone;

/// Reads what was typed: with a plus sign, or two zeros, it is international, whatever the country; else a number of this
/// country (ISO 3166 alpha-2), its national prefix written or left out. `None` when it is too short, too long, or of no country.
pub fn read(typed: &str, country: &str) -> Option<Phone> {
    let digits: String = typed.chars().filter(|letter| !is_between(*letter)).map(kept).collect::<Option<_>>()?;
    let digits = match digits.strip_prefix("00") {
        Some(rest) => format!("+{rest}"),
        None => digits,
    };
    if digits.len() > LONGEST {
        return None;
    }
    let region = if digits.starts_with('+') { None } else { Some(country.parse::<Region>().ok()?) };
    let number = PHONE_NUMBER_UTIL.parse(&digits, region).ok()?;
    // As long as numbers there are, but not one in use: those that stand in examples and tests must work too.
    if !PHONE_NUMBER_UTIL.is_possible_number(&number) {
        return None;
    }
    let phone = Phone::parse(&PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164))?;
    // The metadata also knows the short numbers of a town.
    (phone.as_str().len() > SHORTEST).then_some(phone)
}

/// The number in groups, as people read it: `+49 1512 3456789`.
pub fn spaced(number: &str) -> String {
    match PHONE_NUMBER_UTIL.parse(number, None) {
        Ok(parsed) => PHONE_NUMBER_UTIL.format(&parsed, PhoneNumberFormat::International).into_owned(),
        Err(_) => number.to_owned(),
    }
}

/// The calling code of a country, without the plus sign; `None` for what is no country.
pub fn calling_code(country: &str) -> Option<i32> {
    PHONE_NUMBER_UTIL.get_country_code_for_region(country.parse::<Region>().ok()?)
}

/// The country that a calling code belongs to first of all: the United States for 1.
pub fn main_country(calling_code: i32) -> Option<String> {
    PHONE_NUMBER_UTIL.get_region_for_country_code(calling_code).map(|region| region.as_region_str().to_string())
}

/// What people put between digits, and what marks the direction of writing.
fn is_between(letter: char) -> bool {
    matches!(
        letter,
        ' ' | '-' | '.' | '/' | '(' | ')' | '\u{a0}' | '\u{202f}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
    )
}

/// A digit of any script, or the plus sign; anything else makes it no number.
fn kept(letter: char) -> Option<char> {
    match letter {
        '+' | '\u{ff0b}' => Some('+'),
        '0'..='9' => Some(letter),
        '\u{660}'..='\u{669}' => digit(letter, 0x660),
        '\u{6f0}'..='\u{6f9}' => digit(letter, 0x6f0),
        '\u{966}'..='\u{96f}' => digit(letter, 0x966),
        '\u{ff10}'..='\u{ff19}' => digit(letter, 0xff10),
        _ => None,
    }
}

fn digit(letter: char, zero: u32) -> Option<char> {
    char::from_digit(u32::from(letter).checked_sub(zero)?, 10)
}

/// Digits of the shortest international numbers there are.
const SHORTEST: usize = 7;
/// Characters of the longest spelling of an international number.
const LONGEST: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn number(typed: &str, country: &str) -> Option<String> {
        read(typed, country).map(|phone| phone.as_str().to_owned())
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (typed, country) in [
            ("0151 23456789", "DE"),
            ("(0151) 234-567.89", "DE"),
            ("15123456789", "DE"),
            ("+49 151 23456789", "US"),
            ("0049 151 23456789", "FR"),
            ("+49 (0) 151 23456789", "US"),
            ("٠١٥١ ٢٣٤٥٦٧٨٩", "DE"),
            ("\u{202a}+49 151 23456789\u{202c}", "US"),
        ] {
            assert_eq!(number(typed, country).as_deref(), Some("+4915123456789"), "{typed}");
        }
        assert_eq!(number("(415) 555-2671", "US").as_deref(), Some("+14155552671"));
        assert_eq!(number("555-000-1111", "US").as_deref(), Some("+15550001111"));
        assert_eq!(number("06 12 34 56 78", "FR").as_deref(), Some("+33612345678"));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for (typed, country) in [
            ("", "DE"),
            ("12", "DE"),
            ("hello", "DE"),
            ("0151 23456789", "XX"),
            ("0151 23456789", ""),
            ("+999999999999", "DE"),
            ("151 234 567 89 x 7", "DE"),
            ("+49 151 23456789 00000000000", "DE"),
        ] {
            assert_eq!(number(typed, country), None, "{typed}");
        }
    }

    #[test]
    fn numbers_are_shown_in_groups() {
        assert_eq!(spaced("+14155552671"), "+1 415-555-2671");
        assert_eq!(spaced("+999"), "+999");
        assert_eq!((calling_code("DE"), calling_code("ZZ")), (Some(49), None));
    }
}
