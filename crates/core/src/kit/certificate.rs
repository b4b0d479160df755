//! X.509 around keys: the self-signed certificate of a token signing key, its PKCS #7 and thumbprint spellings, and the
//! local certificate authority of `ringpass dev`.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256};
use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};

use super::hash;

/// The self-signed certificate (DER) of an RSA signing key given as PKCS #8 DER, with `name` as its common name.
pub fn self_signed(pkcs8: &[u8], name: &str) -> Result<Vec<u8>, rcgen::Error> {
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.into(), &PKCS_RSA_SHA256)?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2045, 1, 1);
    Ok(params.self_signed(&key)?.der().to_vec())
}

/// PEM with the given label and 64-character lines.
pub fn pem(label: &str, der: &[u8]) -> String {
    let text = hash::base64(der);
    let mut out = format!("-----BEGIN {label}-----\r\n");
    for line in text.as_bytes().chunks(64) {
        out.push_str(std::str::from_utf8(line).unwrap_or_default());
        out.push_str("\r\n");
    }
    out + "-----END " + label + "-----"
}

/// A certificate alone in a PKCS #7 (RFC 2315) signed-data envelope without signers, DER.
pub fn pkcs7(certificate: &[u8]) -> Vec<u8> {
    const SIGNED_DATA: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
    const DATA: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
    const VERSION_1: &[u8] = &[0x02, 1, 1];
    const EMPTY_SET: &[u8] = &[0x31, 0];
    let content = tlv(0x30, &[DATA]);
    let body = tlv(0x30, &[VERSION_1, EMPTY_SET, &content, &tlv(0xa0, &[certificate]), EMPTY_SET]);
    tlv(0x30, &[SIGNED_DATA, &tlv(0xa0, &[&body])])
}

/// SHA-1 of the certificate as upper-case hex pairs with colons.
pub fn fingerprint(certificate: &[u8]) -> String {
    let pairs: Vec<String> = hash::sha1(certificate).iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

/// SHA-1 of the certificate as upper-case hex.
pub fn thumbprint(certificate: &[u8]) -> String {
    hash::hex(&hash::sha1(certificate)).to_uppercase()
}

/// A certificate authority that signs the certificates of one development server.
#[derive(Debug)]
pub struct LocalAuthority {
    /// The authority's certificate, PEM: what clients must trust.
    pub certificate_pem: String,
    /// The authority's private key, PEM.
    pub key_pem: String,
}

impl LocalAuthority {
    /// Makes a new authority (ECDSA P-256).
    pub fn generate() -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate()?;
        let certificate = authority_params().self_signed(&key)?;
        Ok(Self { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() })
    }

    /// A server certificate for `names` (DNS names and IP literals): (certificate PEM, key PEM).
    pub fn issue(&self, names: &[String]) -> Result<(String, String), rcgen::Error> {
        let issuer = Issuer::new(authority_params(), KeyPair::from_pem(&self.key_pem)?);
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, "localhost");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.not_before = date_time_ymd(2025, 1, 1);
        params.not_after = date_time_ymd(2045, 1, 1);
        params.use_authority_key_identifier_extension = true;
        Ok((params.signed_by(&key, &issuer)?.pem(), key.serialize_pem()))
    }
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Ringpass local development CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2045, 1, 1);
    params
}

/// One DER element: tag, length, the parts one after the other.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            out.push(0x80 | u8::try_from(bytes.len()).unwrap_or_default());
            out.extend(bytes);
        }
    }
    out.extend(parts.concat());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::jwt::RsaKey;

    #[test]
    fn a_signing_key_gets_a_certificate_and_its_envelope() {
        let der = self_signed(&RsaKey::generate().unwrap(), "acme.example.org").unwrap();
        let envelope = pkcs7(&der);
        assert_eq!(envelope[0], 0x30);
        assert!(envelope.len() > der.len());
        assert_eq!(fingerprint(&der).len(), 59);
        assert!(pem("PKCS7", &envelope).starts_with("-----BEGIN PKCS7-----\r\nMII"));
    }

    #[test]
    fn the_local_authority_issues_for_names_and_addresses() {
        let authority = LocalAuthority::generate().unwrap();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let (certificate, key) = authority.issue(&names).unwrap();
        assert!(certificate.contains("BEGIN CERTIFICATE") && key.contains("PRIVATE KEY"));
    }
}
