//! The number that a person typed into the try-it page, brought into the form that the API takes: E.164.

/// What is wrong with a number, and what to do about it.
pub(super) type Wrong = (&'static str, &'static str);

/// Drops the blanks and punctuation that people write into numbers.
pub(super) fn read(typed: &str) -> Result<String, Wrong> {
    let number: String = typed.chars().filter(|c| !c.is_whitespace() && !"-./()".contains(*c)).collect();
    let Some(digits) = number.strip_prefix('+') else {
        return Err(match number.as_str() {
            "" => ("Please type a phone number.", EXAMPLE),
            number if number.starts_with("00") => ("Please write a plus sign instead of 00.", EXAMPLE),
            _ => ("Please add the country code.", HOME),
        });
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(("Only digits can follow the plus sign.", EXAMPLE));
    }
    if digits.len() > 15 {
        return Err(("That number is too long.", "At most 15 digits can follow the plus sign."));
    }
    Ok(number)
}

const EXAMPLE: &str = "The API takes numbers in E.164 format: +4915112345678.";
const HOME: &str = "A number as it is dialled at home does not say which country it is in. The API takes E.164 format: a plus \
                    sign, the country code, the number without its leading zero, like +4915112345678.";
