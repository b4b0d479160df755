//! Random bytes for secrets of a run and for the floor's codes.

/// `N` random bytes from AWS-LC's generator.
#[expect(clippy::disallowed_methods, reason = "the benchmark stands apart from the server and its Rng")]
pub fn bytes<const N: usize>() -> crate::Result<[u8; N]> {
    let mut out = [0; N];
    aws_lc_rs::rand::fill(&mut out)?;
    Ok(out)
}
