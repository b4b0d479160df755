//! Password hashes: Argon2id in PHC string form. Slow on purpose (about 20 ms), so run it on a blocking thread.

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};

use super::rng::Rng;
use super::secret::Secret;

/// Hashes with Argon2id, 19 MiB, two passes, one lane (OWASP's first choice). `None` only if the library refuses.
pub fn hash(password: &Secret, rng: &Rng) -> Option<String> {
    let salt = rng.bytes::<16>();
    let hash = argon2().hash_password_with_salt(password.expose().as_bytes(), &salt).ok()?;
    Some(hash.to_string())
}

/// Whether `password` is the one behind a hash made by [`hash`].
pub fn verify(password: &Secret, hash: &str) -> bool {
    argon2::password_hash::phc::PasswordHash::new(hash)
        .is_ok_and(|parsed| argon2().verify_password(password.expose().as_bytes(), &parsed).is_ok())
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19 * 1024, 2, 1, None).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_opens_only_to_its_password() {
        let hash = hash(&Secret::new("correct horse"), &Rng::seeded(1)).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify(&Secret::new("correct horse"), &hash));
        assert!(!verify(&Secret::new("battery staple"), &hash));
        assert!(!verify(&Secret::new("correct horse"), "nonsense"));
    }
}
