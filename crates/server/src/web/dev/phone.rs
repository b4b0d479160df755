//! The number that a person typed into the try-it page, brought into the form that the API takes: E.164.

/// Drops blanks and punctuation that people write into numbers; `Err` says what is missing.
pub(super) fn read(typed: &str) -> Result<String, &'static str> {
    let number: String = typed.chars().filter(|c| !c.is_whitespace() && !"-./()".contains(*c)).collect();
    let Some(digits) = number.strip_prefix('+') else {
        return Err(if number.is_empty() {
            "Please type a phone number."
        } else if number.starts_with("00") {
            "Please write the country code with a plus sign instead of 00, like +4915112345678."
        } else {
            "Please start with a plus sign and the country code, like +4915112345678. This is the E.164 format; a number \
             as it is dialled at home does not say which country it is in."
        });
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("After the plus sign there may only be digits, like +4915112345678.");
    }
    if digits.len() > 15 {
        return Err("That is too long: a phone number has at most 15 digits after the plus sign.");
    }
    Ok(number)
}
