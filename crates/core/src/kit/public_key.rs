//! Public keys that others prove themselves with: read from what an operator pastes (RFC 7468: a public key or an X.509
//! certificate), named by their thumbprint (RFC 7638), ready to check signatures.

use std::fmt;

use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use rustls::pki_types::pem::{PemObject as _, SectionKind};
use x509_cert::Certificate;
use x509_cert::der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, UintRef};
use x509_cert::der::{Decode as _, Encode as _, Reader as _, SliceReader};
use x509_cert::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use super::clock::{Millis, SECOND};
use super::hash::{base64url, sha256};
use super::jwt::Parsed;

/// The signature algorithms (RFC 7518 §3.1) of such proofs. None of them has a shared secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alg {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// ECDSA over P-384 with SHA-384.
    Es384,
}

impl Alg {
    /// Every one, in the order in which they are announced.
    pub const ALL: [Self; 6] = [Self::Rs256, Self::Rs384, Self::Ps256, Self::Ps384, Self::Es256, Self::Es384];

    /// The JOSE name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
        }
    }

    /// Reads the JOSE name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.name() == name)
    }

    /// The kind of key it needs.
    fn kind(self) -> Kind {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Ps256 | Self::Ps384 => Kind::Rsa,
            Self::Es256 => Kind::P256,
            Self::Es384 => Kind::P384,
        }
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Self::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
            Self::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
            Self::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
        }
    }
}

/// What kind of key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Rsa => "an RSA key",
            Self::P256 => "a key on the curve P-256",
            Self::P384 => "a key on the curve P-384",
        }
    }
}

/// A public key as it was pasted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pasted {
    /// The key, a DER `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7).
    pub spki: Vec<u8>,
    /// SHA-256 thumbprint of its JSON Web Key, base64url.
    pub thumbprint: String,
    /// When the certificate ends, if it came in one.
    pub certificate_ends: Option<Millis>,
    kind: Kind,
}

/// Why a text is no public key of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// A private key stands in it.
    Private,
    /// No PEM public key and no PEM certificate.
    NoPem,
    /// PEM whose content is none.
    Broken,
    /// A key of another kind than those of [`Alg`].
    Kind,
    /// An RSA key outside 2048 to 8192 bits.
    Size,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Private => {
                "This is a private key: keep it to yourself and send the public key. It was not stored, but treat it as \
                 exposed and make a new one"
            }
            Self::NoPem => "Send a PEM public key (BEGIN PUBLIC KEY) or X.509 certificate (BEGIN CERTIFICATE)",
            Self::Broken => "The PEM holds no readable public key",
            Self::Kind => "The key must be an RSA key or on the curve P-256 or P-384",
            Self::Size => "An RSA key must have 2048 to 8192 bits",
        })
    }
}

impl Pasted {
    /// Reads the first public key or certificate of a PEM text.
    pub fn read(text: &str) -> Result<Self, Unusable> {
        if text.to_ascii_uppercase().contains("PRIVATE KEY") {
            return Err(Unusable::Private);
        }
        let is_pkcs1 = text.contains(PKCS1);
        let text = text.replace(PKCS1, "PUBLIC KEY");
        let mut sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes());
        let (kind, der) = sections.next().ok_or(Unusable::NoPem)?.map_err(|_| Unusable::NoPem)?;
        match kind {
            SectionKind::PublicKey if is_pkcs1 => Self::from_spki(in_spki(&der).ok_or(Unusable::Broken)?, None),
            SectionKind::PublicKey => Self::from_spki(der, None),
            SectionKind::Certificate => {
                let certificate = Certificate::from_der(&der).map_err(|_| Unusable::Broken)?.tbs_certificate;
                let ends = certificate.validity.not_after.to_unix_duration().as_secs();
                let ends = i64::try_from(ends).map_err(|_| Unusable::Broken)? * SECOND;
                Self::from_spki(certificate.subject_public_key_info.to_der().map_err(|_| Unusable::Broken)?, Some(ends))
            }
            _ => Err(Unusable::NoPem),
        }
    }

    fn from_spki(spki: Vec<u8>, certificate_ends: Option<Millis>) -> Result<Self, Unusable> {
        let (kind, thumbprint) = examine(&spki)?;
        let pasted = Self { spki, thumbprint, certificate_ends, kind };
        // A point off its curve, or an exponent that verifies nothing.
        PublicKey::new(&pasted.spki, pasted.default_alg()).ok_or(Unusable::Broken)?;
        Ok(pasted)
    }

    /// The algorithm of a key for which none was chosen.
    pub fn default_alg(&self) -> Alg {
        match self.kind {
            Kind::Rsa => Alg::Rs256,
            Kind::P256 => Alg::Es256,
            Kind::P384 => Alg::Es384,
        }
    }

    /// Whether the key is of the kind that `alg` needs; else a sentence that says so.
    pub fn suits(&self, alg: Alg) -> Result<(), String> {
        if alg.kind() == self.kind {
            return Ok(());
        }
        Err(format!("{} needs {}, and this is {}", alg.name(), alg.kind().name(), self.kind.name()))
    }
}

/// A key that checks signatures of one algorithm, parsed once. Cheap to clone.
#[derive(Clone)]
pub struct PublicKey {
    alg: Alg,
    key: ParsedPublicKey,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey").field(&self.alg).finish()
    }
}

impl PublicKey {
    /// Reads a DER `SubjectPublicKeyInfo`; `None` when it does not suit the algorithm.
    pub fn new(spki: &[u8], alg: Alg) -> Option<Self> {
        Some(Self { alg, key: ParsedPublicKey::new(alg.verification(), spki).ok()? })
    }

    /// Whether `token` says this key's algorithm and carries its signature.
    pub fn verifies(&self, token: &Parsed<'_>) -> bool {
        token.alg() == self.alg.name() && self.key.verify_sig(token.input().as_bytes(), token.signature()).is_ok()
    }
}

/// An `RSAPublicKey` (RFC 8017 §A.1.1) as `SubjectPublicKeyInfo`.
fn in_spki(rsa: &[u8]) -> Option<Vec<u8>> {
    let algorithm = AlgorithmIdentifierRef { oid: RSA, parameters: Some(AnyRef::NULL) };
    SubjectPublicKeyInfoRef { algorithm, subject_public_key: BitStringRef::from_bytes(rsa).ok()? }.to_der().ok()
}

/// The kind and the thumbprint of a key: the members that RFC 7638 §3.2 asks for, in its order and without white space.
fn examine(spki: &[u8]) -> Result<(Kind, String), Unusable> {
    const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
    const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
    const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
    let info = SubjectPublicKeyInfoRef::from_der(spki).map_err(|_| Unusable::Broken)?;
    let key = info.subject_public_key.as_bytes().ok_or(Unusable::Broken)?;
    let (kind, members) = if info.algorithm.oid == RSA {
        let (n, e) = rsa_numbers(key).ok_or(Unusable::Broken)?;
        let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
        if !(2048..=8192).contains(&bits) {
            return Err(Unusable::Size);
        }
        (Kind::Rsa, format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, base64url(&e), base64url(&n)))
    } else if info.algorithm.oid == EC {
        let curve = info.algorithm.parameters_oid().map_err(|_| Unusable::Kind)?;
        let (kind, name, size) = match curve {
            P256 => (Kind::P256, "P-256", 32),
            P384 => (Kind::P384, "P-384", 48),
            _ => return Err(Unusable::Kind),
        };
        let (x, y) = match key.split_first() {
            Some((4, point)) if point.len() == 2 * size => point.split_at(size),
            _ => return Err(Unusable::Broken),
        };
        (kind, format!(r#"{{"crv":"{name}","kty":"EC","x":"{}","y":"{}"}}"#, base64url(x), base64url(y)))
    } else {
        return Err(Unusable::Kind);
    };
    Ok((kind, base64url(&sha256(members.as_bytes()))))
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017 §A.1.1), without leading zeros.
fn rsa_numbers(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut reader = SliceReader::new(der).ok()?;
    let numbers = reader.sequence(|inner| {
        let n = UintRef::decode(inner)?.as_bytes().to_vec();
        let e = UintRef::decode(inner)?.as_bytes().to_vec();
        Ok((n, e))
    });
    let numbers = numbers.ok()?;
    reader.finish(numbers).ok()
}

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// The PEM label of an RSA key in the older form.
const PKCS1: &str = "RSA PUBLIC KEY";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::certificate;
    use crate::kit::jwt::RsaKey;
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::signature::{EcdsaKeyPair, KeyPair as _};

    /// The example key of RFC 7638 §3.1 as OpenSSL writes it, and its thumbprint there.
    const RFC_KEY: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0vx7agoebGcQSuuPiLJX
ZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tS
oc/BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ/2W+5JsGY4Hc5n9yBXArwl93lqt
7/RN5w6Cf0h4QyQ5v+65YGjQR0/FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0
zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt+bFTWhAI4vMQFh6WeZu0f
M4lFd2NcRwr3XPksINHaQ+G/xBniIqbw0Ls1jF44+csFCur+kEgU8awapJzKnqDK
gwIDAQAB
-----END PUBLIC KEY-----
";

    fn ec_pem(kind: &'static signature::EcdsaSigningAlgorithm) -> String {
        let pair = EcdsaKeyPair::generate(kind).unwrap();
        let der = pair.public_key().as_der().unwrap();
        certificate::pem("PUBLIC KEY", der.as_ref())
    }

    #[test]
    fn a_thumbprint_is_that_of_the_rfc() {
        let pasted = Pasted::read(RFC_KEY).unwrap();
        assert_eq!(pasted.thumbprint, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        assert_eq!((pasted.default_alg(), pasted.certificate_ends), (Alg::Rs256, None));
    }

    #[test]
    fn the_older_form_of_an_rsa_key_is_the_same_key() {
        let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let newer = pair.public_key().as_der().unwrap();
        let newer = Pasted::read(&certificate::pem("PUBLIC KEY", newer.as_ref())).unwrap();
        let older = certificate::pem("RSA PUBLIC KEY", pair.public_key().as_ref());
        assert_eq!(Pasted::read(&older), Ok(newer));
        let broken = certificate::pem("RSA PUBLIC KEY", b"no key");
        assert_eq!(Pasted::read(&broken), Err(Unusable::Broken));
    }

    #[test]
    fn a_certificate_gives_its_key_and_its_end() {
        let key = RsaKey::generate().unwrap();
        let pem = certificate::pem("CERTIFICATE", &certificate::self_signed(&key, "client").unwrap());
        let pasted = Pasted::read(&pem).unwrap();
        assert_eq!(pasted.certificate_ends, Some(2_366_841_600_000));
        let token = RsaKey::from_pkcs8("k", &key).unwrap();
        let token = token.sign(crate::kit::jwt::Alg::Rs256, "JWT", &serde_json::json!({})).unwrap();
        let parsed = Parsed::new(&token).unwrap();
        assert!(PublicKey::new(&pasted.spki, Alg::Rs256).unwrap().verifies(&parsed));
        for other in [Alg::Rs384, Alg::Ps256, Alg::Ps384] {
            assert!(!PublicKey::new(&pasted.spki, other).unwrap().verifies(&parsed), "{other:?}");
        }
        assert!(PublicKey::new(&pasted.spki, Alg::Es256).is_none());
    }

    #[test]
    fn a_curve_decides_the_algorithm() {
        let p256 = Pasted::read(&ec_pem(&signature::ECDSA_P256_SHA256_FIXED_SIGNING)).unwrap();
        let p384 = Pasted::read(&ec_pem(&signature::ECDSA_P384_SHA384_FIXED_SIGNING)).unwrap();
        assert_eq!((p256.default_alg(), p384.default_alg()), (Alg::Es256, Alg::Es384));
        assert_eq!((p256.thumbprint.len(), p384.thumbprint.len()), (43, 43));
        assert_eq!(
            p256.suits(Alg::Es384).unwrap_err(),
            "ES384 needs a key on the curve P-384, and this is a key on the curve P-256"
        );
        assert!(p256.suits(Alg::Rs256).is_err() && p384.suits(Alg::Es384).is_ok());
        let other = ec_pem(&signature::ECDSA_P521_SHA512_FIXED_SIGNING);
        assert_eq!(Pasted::read(&other), Err(Unusable::Kind));
    }

    #[test]
    fn what_is_no_public_key_is_refused_by_its_reason() {
        let private = certificate::pem("PRIVATE KEY", &RsaKey::generate().unwrap());
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----";
        let csr = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----";
        let cut = RFC_KEY.replace("MIIBIjAN", "MIIBIjAA");
        let small = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDXuFn8nXHDR0SyBvLhF8CnV5ET
7hT/MYwHHN8zXt6eEJ4ihPWUvFn4vbUz6bHzBmCzqoJUgMlXj3d5pXAJXlFhHjBN
h0VJHw5rOYRt1DzK9gnaZ2d3J0PzCB4vJwZrMBs/Wvkt0rLxW4XvJ1dGzWZbJ+hM
xmQY4OnIhzwOBoGGGQIDAQAB
-----END PUBLIC KEY-----";
        for (text, why) in [
            (private.as_str(), Unusable::Private),
            (encrypted, Unusable::Private),
            (&format!("{RFC_KEY}{private}"), Unusable::Private),
            (&private.to_lowercase(), Unusable::Private),
            ("", Unusable::NoPem),
            ("ssh-rsa AAAA", Unusable::NoPem),
            (&RFC_KEY.replace("-----END PUBLIC KEY-----", ""), Unusable::NoPem),
            (csr, Unusable::NoPem),
            (&cut, Unusable::Broken),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", Unusable::Broken),
            (&RFC_KEY.replace("IDAQAB", "IBAQAB"), Unusable::Broken),
            (small, Unusable::Size),
        ] {
            assert_eq!(Pasted::read(text), Err(why), "{text}");
        }
    }
}
