//! Password hashes. New ones are Argon2id in PHC string form; those that came with imported users are verified as they
//! are, until a right password replaces them. Slow on purpose (about 20 ms), so run it on a blocking thread.

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};

use super::rng::Rng;
use super::secret::Secret;

mod stored;

use stored::Stored;
pub use stored::{Scrypt, Unusable, scrypt};

/// Bytes of the longest password; no door lets a longer one pass.
pub const LONGEST: usize = 4_096;

/// Hashes with Argon2id, 19 MiB, two passes, one lane (OWASP's first choice). `None` for a password longer than
/// [`LONGEST`], or if the library refuses.
pub fn hash(password: &Secret, rng: &Rng) -> Option<String> {
    if password.expose().len() > LONGEST {
        return None;
    }
    let salt = rng.bytes::<16>();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(MEMORY, PASSES, 1, None).ok()?);
    let hash = argon2.hash_password_with_salt(password.expose().as_bytes(), &salt).ok()?;
    Some(hash.to_string())
}

/// Whether `password` is the one behind a stored hash of any kind that [`check`] lets pass. Of bcrypt's the first 72 bytes
/// count; nobody has a password longer than [`LONGEST`].
pub fn verify(password: &Secret, hash: &str) -> bool {
    password.expose().len() <= LONGEST
        && Stored::parse(hash).is_ok_and(|stored| stored.verifies(password.expose().as_bytes()))
}

/// Whether a hash is one that [`hash`] makes today; any other is replaced once its password is known.
pub fn is_current(hash: &str) -> bool {
    hash.starts_with(&format!("$argon2id$v=19$m={MEMORY},t={PASSES},p=1$"))
}

/// Refuses a hash that could not be verified, or only with more memory or time than a sign-in may cost.
pub fn check(hash: &str) -> Result<(), Unusable> {
    Stored::parse(hash).map(drop)
}

/// A hash that no password opens, and that costs what a real one does: the work for a user who is not there.
pub const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// KiB.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_opens_only_to_its_password() {
        let hash = hash(&Secret::new("correct horse"), &Rng::seeded(1)).unwrap();
        assert!(is_current(&hash) && is_current(NOBODY), "{hash}");
        assert!(verify(&Secret::new("correct horse"), &hash));
        assert!(!verify(&Secret::new("battery staple"), &hash));
        assert!(!verify(&Secret::new("correct horse"), "nonsense"));
        assert_eq!(check(NOBODY), Ok(()));
        assert!(!verify(&Secret::new(""), NOBODY));
    }

    #[test]
    fn very_long_passwords_are_neither_hashed_nor_verified() {
        let (longest, longer) = (Secret::new("x".repeat(LONGEST)), Secret::new("x".repeat(LONGEST + 1)));
        let made = hash(&longest, &Rng::seeded(1)).unwrap();
        assert!(verify(&longest, &made) && !verify(&longer, &made));
        assert_eq!(hash(&longer, &Rng::seeded(1)), None);
        // bcrypt has never read more than 72 bytes.
        let bcrypt = bcrypt::hash("y".repeat(80), 4).unwrap();
        assert!(verify(&Secret::new("y".repeat(72)), &bcrypt) && !verify(&Secret::new("y".repeat(71)), &bcrypt));
    }

    #[test]
    fn hashes_of_other_systems_open_to_their_password() {
        for (password, hash) in [
            // bcrypt of OpenBSD's test vectors.
            ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
            ("U*U", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
            // Python: hashlib.pbkdf2_hmac(…, b"salt of the test", 1000).
            ("secret", "$pbkdf2-sha256$i=1000,l=32$c2FsdCBvZiB0aGUgdGVzdA$4O+fXNc65u6jKnJKb5EYGtGyBjQnvUv+tpDyLlAB1kk"),
            (
                "secret",
                "$pbkdf2-sha512$i=1000,l=64$c2FsdCBvZiB0aGUgdGVzdA$okmT50kkKnnNfiqgGBtd4IPV8AwkdoztwVifHx9dFGXyFnmguWU9Psrr2JDa9EMrICcCZFs3uzC0kFcKeVRt/Q",
            ),
            ("secret", "$pbkdf2-sha1$i=1000,l=20$c2FsdCBvZiB0aGUgdGVzdA$jvjcF2NplsrCjH1accC7zWfNLeM"),
            // Python: hashlib.scrypt(…, salt=b"salt of the test", n=1024, r=8, p=1, dklen=32).
            ("secret", "$scrypt$ln=10,r=8,p=1$c2FsdCBvZiB0aGUgdGVzdA$E9ZM4sMUjw++5LDFVmL+sLEeqeMy3t8LXi3ijjt9ZYM"),
        ] {
            assert_eq!(check(hash), Ok(()), "{hash}");
            assert!(!is_current(hash), "{hash}");
            assert!(verify(&Secret::new(password), hash), "{hash}");
            assert!(!verify(&Secret::new("wrong"), hash), "{hash}");
        }
    }

    #[test]
    fn a_hash_may_not_ask_for_minutes_or_gigabytes() {
        let scrypt =
            |tail: &str| format!("$scrypt${tail}$c2FsdCBvZiB0aGUgdGVzdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        let pbkdf2 =
            |head: &str| format!("$pbkdf2-{head}$c2FsdCBvZiB0aGUgdGVzdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        let argon2 = |head: &str| format!("${head}$c2FsdCBvZiB0aGUgdGVzdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        for hash in [
            "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW".to_owned(),
            "$2b$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW".to_owned(),
            scrypt("ln=18,r=8,p=1"),
            scrypt("ln=14,r=4294967295,p=1"),
            scrypt("ln=14,r=8,p=1000"),
            scrypt("ln=255,r=1,p=1"),
            pbkdf2("sha256$i=1000001"),
            pbkdf2("sha256$i=4294967295,l=32"),
            argon2("argon2id$v=19$m=4194304,t=1,p=1"),
            argon2("argon2id$v=19$m=65536,t=1000,p=1"),
            argon2("argon2i$v=19$m=131072,t=16,p=1"),
        ] {
            assert_eq!(check(&hash), Err(Unusable::TooCostly), "{hash}");
            assert!(!verify(&Secret::new("secret"), &hash));
        }
        for hash in [
            "",
            "$",
            "secret",
            "5ebe2294ecd0e0f08eab7690d2a6ee69",
            "{SSHA}AAAA",
            "$1$abc$def",
            "$2b$10$short",
            "$2x$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2b$05$£CCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$pbkdf2-md5$i=1000$c2FsdCBvZiB0aGUgdGVzdA$AAAAAAAAAAAAAAAAAAAAAA",
            "$pbkdf2-sha256$i=x$c2FsdCBvZiB0aGUgdGVzdA$AAAAAAAAAAAAAAAAAAAAAA",
            "$pbkdf2-sha256$i=1000$c2FsdCBvZiB0aGUgdGVzdA$AAAA",
            "$pbkdf2-sha256$i=1$c2FsdCBvZiB0aGUgdGVzdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=10,r=8$c2FsdCBvZiB0aGUgdGVzdA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=10,r=8,p=1$$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=65536,t=3,p=4$c2FsdCBvZiB0aGUgdGVzdA",
        ] {
            assert_eq!(check(hash), Err(Unusable::Malformed), "{hash}");
            assert!(!verify(&Secret::new("secret"), hash));
        }
    }
}
