//! The only source of randomness: the operating system's, or a seeded stream that makes tests reproducible.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::hash;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE36: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &[u8; 10] = b"0123456789";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Draws random bytes and the alphabets made of them. Cheap to clone; clones of a seeded one share its stream.
#[derive(Clone, Debug)]
pub struct Rng(Option<Arc<Seeded>>);

#[derive(Debug)]
struct Seeded {
    seed: u64,
    drawn: AtomicU64,
}

impl Rng {
    /// The operating system's generator (through AWS-LC's DRBG).
    pub fn system() -> Self {
        Self(None)
    }

    /// A reproducible stream. For tests only: anyone who knows the seed knows every code.
    pub fn seeded(seed: u64) -> Self {
        Self(Some(Arc::new(Seeded { seed, drawn: AtomicU64::new(0) })))
    }

    /// Fills `out` with random bytes.
    #[expect(clippy::disallowed_methods, reason = "the one place that draws randomness")]
    pub fn fill(&self, out: &mut [u8]) {
        match &self.0 {
            None => {
                // Without randomness no answer of this server can be trusted.
                assert!(aws_lc_rs::rand::fill(out).is_ok(), "the operating system gave no randomness");
            }
            Some(seeded) => {
                for chunk in out.chunks_mut(32) {
                    let count = seeded.drawn.fetch_add(1, Ordering::SeqCst);
                    let mut block = [0_u8; 16];
                    block[..8].copy_from_slice(&seeded.seed.to_be_bytes());
                    block[8..].copy_from_slice(&count.to_be_bytes());
                    for (to, from) in chunk.iter_mut().zip(hash::sha256(&block)) {
                        *to = from;
                    }
                }
            }
        }
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }

    /// `len` decimal digits, each of the 10^len values equally likely (leading zeros kept).
    pub fn digits(&self, len: usize) -> String {
        self.draw(DIGITS, len)
    }

    /// `len` characters of `[0-9A-Za-z]`.
    pub fn base62(&self, len: usize) -> String {
        self.draw(BASE62, len)
    }

    /// `len` characters of `[0-9A-Z]`.
    pub fn base36(&self, len: usize) -> String {
        self.draw(BASE36, len)
    }

    /// `len` lower-case hexadecimal digits.
    pub fn hex(&self, len: usize) -> String {
        self.draw(HEX, len)
    }

    /// `bytes` random bytes as unpadded base64url text.
    pub fn base64url(&self, bytes: usize) -> String {
        let mut raw = vec![0; bytes];
        self.fill(&mut raw);
        hash::base64url(&raw)
    }

    /// Uniform draws from an alphabet by rejection: a byte past the last whole multiple is thrown away, so no letter is
    /// likelier than another.
    fn draw(&self, alphabet: &[u8], len: usize) -> String {
        let limit = 256 / alphabet.len() * alphabet.len();
        let mut out = String::with_capacity(len);
        while out.len() < len {
            let block = self.bytes::<64>();
            for byte in block.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < limit) {
                if out.len() == len {
                    break;
                }
                if let Some(letter) = alphabet.get(byte % alphabet.len()) {
                    out.push(char::from(*letter));
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_stream_again() {
        let (one, two) = (Rng::seeded(7), Rng::seeded(7));
        assert_eq!((one.digits(6), one.base62(16)), (two.digits(6), two.base62(16)));
        assert_ne!(Rng::seeded(8).hex(24), Rng::seeded(7).hex(24));
    }

    #[test]
    fn digits_are_uniform_and_keep_leading_zeros() {
        let rng = Rng::system();
        let mut count = [0_u32; 10];
        for _ in 0..20_000 {
            let code = rng.digits(6);
            assert_eq!(code.len(), 6);
            for digit in code.bytes() {
                count[usize::from(digit - b'0')] += 1;
            }
        }
        // 120,000 draws, 12,000 each; six standard deviations are about 624.
        assert!(count.iter().all(|seen| seen.abs_diff(12_000) < 650), "{count:?}");
    }
}
