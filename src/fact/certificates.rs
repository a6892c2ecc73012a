//! X.509 certificates, in PEM, in DER at any byte, and inside PKCS#7.

use sha1::Sha1;
use sha2::{Digest, Sha256};
use x509_parser::prelude::{AttributeTypeAndValue, FromDer, GeneralName, X509Certificate, X509Name, parse_x509_certificate};

use super::{Analyzer, Certificate, Facts, Key, Subject, hex};
use crate::blob::{Bytes, Span};
use crate::codec::pem::{self, Block};
use crate::codec::{public_key, x509};
use crate::problem::guarded;

/// X.509 certificates.
#[derive(Debug)]
pub(super) struct Certificates;

impl Analyzer for Certificates {
    fn id(&self) -> &'static str {
        "certificates"
    }

    fn keys(&self) -> &'static [Key] {
        const {
            &[
                Key::new("certificate.subject", "subject of an X.509 certificate"),
                Key::new("certificate.issuer", "issuer of an X.509 certificate"),
                Key::new("certificate.organization", "organization of the subject"),
                Key::new("certificate.spki", "SHA-256 of the SubjectPublicKeyInfo of a certificate"),
                Key::new("certificate.serial", "serial number of a certificate"),
                Key::new("certificate.sha1", "SHA-1 of a certificate"),
                Key::new("certificate.sha256", "SHA-256 of a certificate"),
                Key::new("certificate.name", "alternative name of the subject, DNS:… and the like"),
            ]
        }
    }

    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        let bytes = subject.blob.bytes();
        let in_der = x509::certificates(bytes.0).filter_map(|span| read(bytes.part(span).ok()?.0, span));
        let mut found: Vec<Certificate> = in_der.collect();
        for block in pem::blocks(bytes.0).filter(is_certificate) {
            let decoded = block.decode();
            found.extend(x509::certificates(&decoded).filter_map(|place| read(Bytes(&decoded).part(place).ok()?.0, block.span)));
        }
        found.sort_by_key(|certificate| certificate.span);
        for certificate in &found {
            let organization = certificate.organization.as_deref().unwrap_or_default();
            for (key, value) in [
                ("certificate.subject", certificate.subject.as_str()),
                ("certificate.issuer", &certificate.issuer),
                ("certificate.organization", organization),
                ("certificate.spki", &certificate.spki_sha256),
                ("certificate.serial", &certificate.serial),
                ("certificate.sha1", &certificate.fingerprints.0),
                ("certificate.sha256", &certificate.fingerprints.1),
            ] {
                if !value.is_empty() {
                    facts.say(key, value.as_bytes(), certificate.span);
                }
            }
            for name in &certificate.alternative_names {
                facts.say("certificate.name", name.as_bytes(), certificate.span);
            }
        }
        facts.certificates.append(&mut found);
    }
}

/// Whether certificates are in a block of this label: alone, with trust settings after it, or several in PKCS#7.
fn is_certificate(block: &Block<'_>) -> bool {
    const LABELS: [&[u8]; 7] =
        [b"CERTIFICATE", b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE", b"CERTIFICATE CHAIN", b"PKCS7", b"PKCS #7 SIGNED DATA", b"CMS"];
    LABELS.contains(&block.label)
}

/// The certificate in `der`, which stands at `span`.
pub(super) fn read(der: &[u8], span: Span) -> Option<Certificate> {
    let (_, certificate) = guarded("the X.509 reader", || parse_x509_certificate(der)).ok()?.ok()?;
    let spki = certificate.public_key().raw;
    Some(Certificate {
        span,
        subject: name(certificate.subject()),
        issuer: name(certificate.issuer()),
        organization: certificate.subject().iter_organization().next().map(value),
        serial: serial(&certificate),
        validity: (certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp()),
        key: public_key::name(spki),
        spki_sha256: hex(&Sha256::digest(spki)),
        fingerprints: (hex(&Sha1::digest(der)), hex(&Sha256::digest(der))),
        alternative_names: alternative_names(&certificate),
        authority: certificate.is_ca(),
        self_issued: certificate.subject().as_raw() == certificate.issuer().as_raw(),
    })
}

/// The alternative names that are text, with what they are before them.
fn alternative_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let text = |one: &GeneralName<'_>| match one {
        GeneralName::DNSName(name) => Some(format!("DNS:{name}")),
        GeneralName::RFC822Name(name) => Some(format!("email:{name}")),
        GeneralName::URI(name) => Some(format!("URI:{name}")),
        GeneralName::IPAddress(address) => Some(format!("IP:{}", ip(address)?)),
        GeneralName::DirectoryName(directory) => Some(format!("DirName:{}", name(directory))),
        _ => None,
    };
    extension.value.general_names.iter().filter_map(text).collect()
}

fn ip(address: &[u8]) -> Option<core::net::IpAddr> {
    let four = <[u8; 4]>::try_from(address).map(core::net::IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(address).map(core::net::IpAddr::from)).ok()
}

/// A distinguished name, written as that of a certificate; empty if `der` is none.
pub(super) fn distinguished_name(der: &[u8]) -> String {
    let read = guarded("the X.509 reader", || X509Name::from_der(der).ok().map(|(_, read)| name(&read)));
    read.ok().flatten().unwrap_or_default()
}

/// Without the zero that only keeps it positive.
fn serial(certificate: &X509Certificate<'_>) -> String {
    let raw = certificate.raw_serial();
    hex(raw.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(raw))
}

/// A distinguished name in the order of the certificate, attributes of one part joined by `+`.
fn name(name: &X509Name<'_>) -> String {
    let part = |attributes: &mut dyn Iterator<Item = &AttributeTypeAndValue<'_>>| {
        attributes.map(|attribute| format!("{}={}", kind(attribute), value(attribute))).collect::<Vec<_>>().join("+")
    };
    name.iter_rdn().map(|rdn| part(&mut rdn.iter())).collect::<Vec<_>>().join(", ")
}

/// The short name of an attribute's type, RFC 4514 section 3 and what OpenSSL adds; else its object identifier.
fn kind(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    let short = match oid.as_str() {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "street",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "title",
        "2.5.4.13" => "description",
        "2.5.4.15" => "businessCategory",
        "2.5.4.17" => "postalCode",
        "2.5.4.42" => "GN",
        "2.5.4.46" => "dnQualifier",
        "2.5.4.97" => "organizationIdentifier",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        "1.2.840.113549.1.9.2" => "unstructuredName",
        "1.3.6.1.4.1.311.60.2.1.3" => "jurisdictionC",
        _ => return oid,
    };
    short.to_owned()
}

/// An attribute's value as text, whichever kind of string it is; else in hex after `#`.
fn value(attribute: &AttributeTypeAndValue<'_>) -> String {
    let content = attribute.as_slice();
    match attribute.attr_value().tag().0 {
        // UTF8String, NumericString, PrintableString, IA5String, VisibleString
        12 | 18 | 19 | 22 | 26 => String::from_utf8_lossy(content).into_owned(),
        // TeletexString: Latin-1 in practice
        20 => content.iter().copied().map(char::from).collect(),
        // BMPString
        30 => {
            let units: Vec<u16> = content.as_chunks::<2>().0.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
            String::from_utf16_lossy(&units)
        }
        // UniversalString
        28 => content.as_chunks::<4>().0.iter().filter_map(|unit| char::from_u32(u32::from_be_bytes(*unit))).collect(),
        _ => format!("#{}", hex(content)),
    }
}

#[cfg(test)]
mod tests;
