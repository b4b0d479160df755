//! Hashes as they lie in the database, of every kind that may come with an imported user, and what each may cost.

use std::fmt;
use std::num::NonZeroU32;

use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, Params};
use aws_lc_rs::pbkdf2;

use crate::kit::hash;

/// A hash taken apart, whose cost is within bounds.
pub(super) enum Stored<'h> {
    Argon2(Box<PasswordHash>),
    Bcrypt(&'h str),
    Pbkdf2 { algorithm: pbkdf2::Algorithm, iterations: NonZeroU32, salt: Vec<u8>, hash: Vec<u8> },
    Scrypt { cost: scrypt::Params, salt: Vec<u8>, hash: Vec<u8> },
}

/// Why a hash is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// No hash of a kind that is verified here, or too short to be one.
    Malformed,
    /// Verifying it would take more memory or time than a sign-in may cost.
    TooCostly,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "is no bcrypt, Argon2, PBKDF2 or scrypt hash",
            Self::TooCostly => "asks for more memory or time than a sign-in may cost",
        })
    }
}

impl<'h> Stored<'h> {
    pub(super) fn parse(text: &'h str) -> Result<Self, Unusable> {
        let kind = text.strip_prefix('$').and_then(|rest| rest.split('$').next()).ok_or(Unusable::Malformed)?;
        match kind {
            "2a" | "2b" | "2y" => bcrypt(text),
            "argon2id" | "argon2i" | "argon2d" => argon2(text),
            "scrypt" => Parts::of(text)?.scrypt(),
            _ => Parts::of(text)?.pbkdf2(kind.strip_prefix("pbkdf2-").ok_or(Unusable::Malformed)?),
        }
    }

    pub(super) fn verifies(&self, password: &[u8]) -> bool {
        match self {
            Self::Argon2(parsed) => Argon2::default().verify_password(password, &**parsed).is_ok(),
            Self::Bcrypt(text) => bcrypt::verify(password, text).unwrap_or(false),
            Self::Pbkdf2 { algorithm, iterations, salt, hash } => {
                pbkdf2::verify(*algorithm, *iterations, salt, password, hash).is_ok()
            }
            Self::Scrypt { cost, salt, hash } => {
                let mut made = vec![0; hash.len()];
                scrypt::scrypt(password, salt, cost, &mut made).is_ok()
                    && hash::same(&hash::hex(&made), &hash::hex(hash))
            }
        }
    }
}

/// What an imported scrypt hash says of itself.
#[derive(Debug, Clone)]
pub struct Scrypt {
    /// N, a power of two.
    pub cost: u64,
    /// r.
    pub block_size: u64,
    /// p.
    pub parallelization: u64,
    /// Salt as raw bytes.
    pub salt: Vec<u8>,
    /// Hash as raw bytes.
    pub hash: Vec<u8>,
}

/// The text under which a scrypt hash is stored.
pub fn scrypt(it: &Scrypt) -> Result<String, Unusable> {
    if !it.cost.is_power_of_two() {
        return Err(Unusable::Malformed);
    }
    let plain = |bytes: &[u8]| hash::base64(bytes).trim_end_matches('=').to_owned();
    let (ln, r, p) = (it.cost.trailing_zeros(), it.block_size, it.parallelization);
    let text = format!("$scrypt$ln={ln},r={r},p={p}${}${}", plain(&it.salt), plain(&it.hash));
    Stored::parse(&text).map(drop)?;
    Ok(text)
}

fn bcrypt(text: &str) -> Result<Stored<'_>, Unusable> {
    let body = text.get(7..).filter(|body| body.len() == 53).ok_or(Unusable::Malformed)?;
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'/';
    let cost = text.get(4..6).filter(|_| text.get(6..7) == Some("$")).and_then(|cost| cost.parse::<u32>().ok());
    match cost.filter(|_| body.bytes().all(alphabet)) {
        Some(4..=MOST_BCRYPT) => Ok(Stored::Bcrypt(text)),
        Some(cost) if cost > MOST_BCRYPT => Err(Unusable::TooCostly),
        _ => Err(Unusable::Malformed),
    }
}

fn argon2(text: &str) -> Result<Stored<'_>, Unusable> {
    let parsed = PasswordHash::new(text).map_err(|_| Unusable::Malformed)?;
    let cost = Params::try_from(&parsed).map_err(|_| Unusable::Malformed)?;
    if parsed.salt.is_none() || parsed.hash.as_ref().is_none_or(|hash| hash.len() < SHORTEST_HASH) {
        return Err(Unusable::Malformed);
    }
    let work = u64::from(cost.m_cost()) * u64::from(cost.t_cost());
    if cost.m_cost() > MOST_KIB || work > MOST_ARGON2_WORK || cost.p_cost() > MOST_LANES {
        return Err(Unusable::TooCostly);
    }
    Ok(Stored::Argon2(Box::new(parsed)))
}

/// `$kind$name=number,…$salt$hash`, salt and hash in base64 without padding.
struct Parts<'h> {
    settings: &'h str,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl<'h> Parts<'h> {
    fn of(text: &'h str) -> Result<Self, Unusable> {
        let mut parts = text.split('$').skip(2);
        let (Some(settings), Some(salt), Some(sum), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Unusable::Malformed);
        };
        let read = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
            hash::from_any_base64(text).filter(|bytes| lengths.contains(&bytes.len())).ok_or(Unusable::Malformed)
        };
        Ok(Self { settings, salt: read(salt, SHORTEST_SALT..=LONGEST)?, hash: read(sum, SHORTEST_HASH..=LONGEST)? })
    }

    fn number(&self, name: &str) -> Result<u64, Unusable> {
        let value = self.settings.split(',').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        value.and_then(|value| value.parse().ok()).ok_or(Unusable::Malformed)
    }

    fn pbkdf2(self, digest: &str) -> Result<Stored<'h>, Unusable> {
        let algorithm = match digest {
            "sha1" => pbkdf2::PBKDF2_HMAC_SHA1,
            "sha256" => pbkdf2::PBKDF2_HMAC_SHA256,
            "sha384" => pbkdf2::PBKDF2_HMAC_SHA384,
            "sha512" => pbkdf2::PBKDF2_HMAC_SHA512,
            _ => return Err(Unusable::Malformed),
        };
        let iterations = self.number("i")?;
        if iterations > MOST_ITERATIONS {
            return Err(Unusable::TooCostly);
        }
        if iterations < FEWEST_ITERATIONS || self.number("l").is_ok_and(|length| length != self.hash.len() as u64) {
            return Err(Unusable::Malformed);
        }
        let iterations = u32::try_from(iterations).ok().and_then(NonZeroU32::new).ok_or(Unusable::Malformed)?;
        Ok(Stored::Pbkdf2 { algorithm, iterations, salt: self.salt, hash: self.hash })
    }

    fn scrypt(self) -> Result<Stored<'h>, Unusable> {
        let (ln, r, p) = (self.number("ln")?, self.number("r")?, self.number("p")?);
        let memory = u32::try_from(ln).ok().and_then(|ln| 1_u64.checked_shl(ln)).and_then(|n| n.checked_mul(r));
        if memory.is_none_or(|blocks| blocks > MOST_BLOCKS) || p > MOST_SCRYPT_LANES {
            return Err(Unusable::TooCostly);
        }
        let small = |number: u64| u32::try_from(number).map_err(|_| Unusable::TooCostly);
        let log_n = u8::try_from(ln).map_err(|_| Unusable::TooCostly)?;
        if log_n == 0 {
            return Err(Unusable::Malformed);
        }
        let cost = scrypt::Params::new(log_n, small(r)?, small(p)?).map_err(|_| Unusable::Malformed)?;
        Ok(Stored::Scrypt { cost, salt: self.salt, hash: self.hash })
    }
}

/// Bytes of a salt and of a hash; a hash of fewer would open to many passwords.
const SHORTEST_SALT: usize = 8;
const SHORTEST_HASH: usize = 16;
const LONGEST: usize = 128;
/// About a second each on one core.
const MOST_BCRYPT: u32 = 14;
const FEWEST_ITERATIONS: u64 = 1_000;
const MOST_ITERATIONS: u64 = 1_000_000;
/// 128 MiB, in KiB; and that many KiB times passes.
const MOST_KIB: u32 = 131_072;
const MOST_ARGON2_WORK: u64 = 1_048_576;
const MOST_LANES: u32 = 16;
/// N times r: 128 MiB, at 128 bytes each.
const MOST_BLOCKS: u64 = 1_048_576;
const MOST_SCRYPT_LANES: u64 = 4;
