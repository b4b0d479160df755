//! Colors: read strictly, so that nothing else reaches a style sheet, and measured for contrast as WCAG 2.2 does.

use std::fmt;

/// A color of sRGB with its opacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color {
    red: u8,
    green: u8,
    blue: u8,
    alpha: u8,
}

impl Color {
    /// White.
    pub const WHITE: Self = Self::opaque(255, 255, 255);
    /// Black.
    pub const BLACK: Self = Self::opaque(0, 0, 0);

    /// An opaque color.
    pub const fn opaque(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue, alpha: 255 }
    }

    /// Reads `#rgb`, `#rgba`, `#rrggbb` or `#rrggbbaa`; everything else is none.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.bytes().all(|it| it.is_ascii_hexdigit()))?;
        let width = match digits.len() {
            3 | 4 => 1,
            6 | 8 => 2,
            _ => return None,
        };
        let channel = |index: usize| {
            let digits = digits.get(index * width..(index + 1) * width)?;
            let value = u8::from_str_radix(digits, 16).ok()?;
            Some(if width == 1 { value * 17 } else { value })
        };
        Some(Self { red: channel(0)?, green: channel(1)?, blue: channel(2)?, alpha: channel(3).unwrap_or(255) })
    }

    /// What is seen of it before another, opaque color.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        below.mixed(self, u16::from(self.alpha), 255)
    }

    /// How much two opaque colors differ in brightness: from 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// White or black, whichever can be read on this color: a contrast of at least 4.5.
    #[must_use]
    pub fn label(self) -> Self {
        let seen = self.over(Self::WHITE);
        if seen.contrast(Self::WHITE) >= READABLE { Self::WHITE } else { Self::BLACK }
    }

    /// This color, made as much darker or lighter as text in it needs for a contrast of 4.5 on `background`.
    #[must_use]
    pub fn legible_on(self, background: Self) -> Self {
        let seen = self.over(background);
        let toward = background.label();
        let mut steps = (0..=STEPS).map(|step| seen.mixed(toward, step, STEPS));
        steps.find(|color| color.contrast(background) >= READABLE).unwrap_or(toward)
    }

    /// This color with `part` of `whole` parts of another, opaque.
    fn mixed(self, other: Self, part: u16, whole: u16) -> Self {
        let mix = |one: u8, two: u8| {
            let sum = u32::from(one) * u32::from(whole - part) + u32::from(two) * u32::from(part);
            u8::try_from((sum + u32::from(whole) / 2) / u32::from(whole)).unwrap_or(u8::MAX)
        };
        Self::opaque(mix(self.red, other.red), mix(self.green, other.green), mix(self.blue, other.blue))
    }

    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }
}

/// As CSS writes it: `#rrggbb`, with two more digits where it is not opaque.
impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)?;
        if self.alpha == 255 { Ok(()) } else { write!(f, "{:02x}", self.alpha) }
    }
}

/// The contrast that WCAG 2.2 asks of text (AA).
const READABLE: f64 = 4.5;
const STEPS: u16 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colors_are_colors() {
        for (text, wanted) in [
            ("#0af", "#00aaff"),
            ("#0AFc", "#00aaffcc"),
            ("#0059d6", "#0059d6"),
            ("#0059D6ff", "#0059d6"),
            ("#0059D680", "#0059d680"),
        ] {
            assert_eq!(Color::parse(text).unwrap().to_string(), wanted);
        }
        for text in [
            "",
            "#",
            "#12",
            "#12345",
            "#1234567",
            "#123456789",
            "red",
            "0059d6",
            "#00é",
            "#+1f",
            "#fff;}body{",
            " #fff",
        ] {
            assert_eq!(Color::parse(text), None, "{text}");
        }
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        let near = |one: f64, two: f64| (one - two).abs() < 0.005;
        assert!(near(Color::WHITE.contrast(Color::BLACK), 21.0) && near(Color::BLACK.contrast(Color::WHITE), 21.0));
        assert!(near(Color::parse("#777").unwrap().contrast(Color::WHITE), 4.48));
        assert!(near(Color::parse("#0059d6").unwrap().contrast(Color::WHITE), 6.18));
    }

    #[test]
    fn labels_and_links_can_always_be_read() {
        let backgrounds = ["#fff", "#000", "#111827", "#f2f2f2", "#808080", "#777", "#ff0"];
        for level in 0..=255_u8 {
            for color in [
                Color::opaque(level, level, level),
                Color::opaque(level, 255 - level, 128),
                Color::opaque(255, level, 0),
                Color { red: 0, green: 0, blue: 200, alpha: level },
            ] {
                let seen = color.over(Color::WHITE);
                assert!(seen.contrast(color.label()) >= READABLE, "{color}");
                for background in backgrounds.map(|text| Color::parse(text).unwrap()) {
                    let link = color.legible_on(background);
                    assert!(link.contrast(background) >= READABLE, "{color} on {background}: {link}");
                }
            }
        }
        let blue = Color::parse("#0059d6").unwrap();
        assert_eq!(blue.legible_on(Color::WHITE), blue, "what can be read stays as it is");
    }
}
