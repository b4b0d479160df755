//! How many SMS a text takes: seven bits a character while all of them are in GSM's alphabet (3GPP TS 23.038), else UTF-16.

use std::fmt;

/// What a text takes on its way to a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segments {
    /// How its characters are written.
    pub alphabet: Alphabet,
    /// Units of that alphabet, all together.
    pub units: usize,
    /// Messages that are sent, and paid; one for an empty text.
    pub count: usize,
}

/// How the characters of an SMS are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// GSM's own: 160 units in one message, 153 in each of several. Some characters take two.
    Gsm7,
    /// UTF-16: 70 units in one message, 67 in each of several.
    Ucs2,
}

impl fmt::Display for Segments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { alphabet, units, count } = self;
        let alphabet = if *alphabet == Alphabet::Gsm7 { "GSM-7" } else { "UCS-2" };
        write!(f, "{count} segments ({units} units of {alphabet})")
    }
}

/// Counts the messages that `text` takes.
pub fn count(text: &str) -> Segments {
    let widths: Option<Vec<usize>> = text.chars().map(gsm).collect();
    match widths {
        Some(widths) => Segments::of(Alphabet::Gsm7, &widths, 160, 153),
        None => Segments::of(Alphabet::Ucs2, &text.chars().map(char::len_utf16).collect::<Vec<_>>(), 70, 67),
    }
}

impl Segments {
    /// Fills message after message. A character of two units is never cut in two.
    fn of(alphabet: Alphabet, widths: &[usize], alone: usize, each: usize) -> Self {
        let units = widths.iter().sum();
        if units <= alone {
            return Self { alphabet, units, count: 1 };
        }
        let (mut count, mut room) = (1, each);
        for &width in widths {
            if width > room {
                count += 1;
                room = each;
            }
            room -= width;
        }
        Self { alphabet, units, count }
    }
}

/// Septets of a character; `None` when GSM's alphabet does not have it.
fn gsm(c: char) -> Option<usize> {
    match c {
        '^' | '{' | '}' | '\\' | '[' | '~' | ']' | '|' | '€' | '\u{c}' => Some(2),
        '`' => None,
        ' '..='~' | '\n' | '\r' => Some(1),
        _ => OTHERS.contains(c).then_some(1),
    }
}

/// What GSM's basic alphabet has beside ASCII.
const OTHERS: &str = "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_counted_as_networks_count_them() {
        use Alphabet::{Gsm7, Ucs2};
        for (text, alphabet, units, segments) in [
            (String::new(), Gsm7, 0, 1),
            ("Your verification code is: 482913".into(), Gsm7, 33, 1),
            ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ!\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà".into(), Gsm7, 64, 1),
            ("^{}\\[~]|€\u{c}".into(), Gsm7, 20, 1),
            ("a".repeat(160), Gsm7, 160, 1),
            ("a".repeat(161), Gsm7, 161, 2),
            ("a".repeat(306), Gsm7, 306, 2),
            ("a".repeat(307), Gsm7, 307, 3),
            // The euro does not fit into the last place of the first message.
            (format!("{}€{}", "a".repeat(152), "a".repeat(152)), Gsm7, 306, 3),
            ("`".into(), Ucs2, 1, 1),
            ("ç".into(), Ucs2, 1, 1),
            ("я".repeat(70), Ucs2, 70, 1),
            ("я".repeat(71), Ucs2, 71, 2),
            ("я".repeat(134), Ucs2, 134, 2),
            ("я".repeat(135), Ucs2, 135, 3),
            ("🎉".repeat(35), Ucs2, 70, 1),
            // 33 of them fill 66 of the 67 units.
            ("🎉".repeat(67), Ucs2, 134, 3),
        ] {
            assert_eq!(count(&text), Segments { alphabet, units, count: segments }, "{text}");
        }
        assert_eq!(count(&"я".repeat(71)).to_string(), "2 segments (71 units of UCS-2)");
    }
}
