//! A certificate authority that lives as long as one run: its key never leaves the process.

use std::io::{self, Read, Write};
use std::path::Path;

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::error::TlsError;

/// First line of the file, before the certificate; readers of PEM skip it.
const MARK: &str =
    "# Certificate authority of one run of Highwater's fault proxy. Made again with every run.\n";

/// Longer than any soak test.
const VALID_DAYS: i64 = 90;
/// Clocks of clients may be behind.
const EARLIER_DAYS: i64 = 2;

/// A certificate for the proxy, with the authority that issued it.
pub(super) struct Made {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    /// Certificate of the authority.
    pub(super) authority_pem: String,
}

/// Makes an authority and a certificate for `host` and this machine.
pub(super) fn make(host: &str) -> Result<Made, TlsError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| TlsError::Make {
        host: host.to_owned(),
        source,
    };
    let validity = validity().map_err(|error| failed(error.into()))?;
    let issue = || -> Result<Made, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name = named("Highwater fault proxy CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        limit(&mut params, validity);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

        let mut names = vec![
            host.to_owned(),
            "localhost".to_owned(),
            "127.0.0.1".to_owned(),
            "::1".to_owned(),
        ];
        names.dedup();
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = named("Highwater fault proxy");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        limit(&mut params, validity);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &authority)?;
        Ok(Made {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            authority_pem: authority.pem(),
        })
    };
    issue().map_err(|error| failed(error.into()))
}

/// Writes the certificate of the authority where clients find it.
pub(super) fn publish(pem: &str, path: &Path) -> Result<(), TlsError> {
    let failed = |source| TlsError::Write {
        path: path.to_owned(),
        source,
    };
    if !is_free(path).map_err(failed)? {
        return Err(TlsError::Foreign {
            path: path.to_owned(),
        });
    }
    // Moved into place: a client that starts at this moment reads the earlier one or this one, never half of it.
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = std::path::PathBuf::from(name);
    let write = || -> io::Result<()> {
        let mut file = std::fs::File::create(&part)?;
        file.write_all(MARK.as_bytes())?;
        file.write_all(pem.as_bytes())?;
        std::fs::rename(&part, path)
    };
    write().map_err(failed)
}

/// Whether nothing is there, or what an earlier run left.
fn is_free(path: &Path) -> io::Result<bool> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let mut front = Vec::new();
    file.take(MARK.len() as u64).read_to_end(&mut front)?;
    Ok(front.is_empty() || front == MARK.as_bytes())
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished.push(DnType::OrganizationName, "Highwater");
    distinguished
}

fn validity() -> Result<(Date, Date), jiff::Error> {
    let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let from = today.checked_sub(Span::new().try_days(EARLIER_DAYS)?)?;
    let until = today.checked_add(Span::new().try_days(VALID_DAYS)?)?;
    Ok((from, until))
}

/// Sets from when and until when a certificate is valid.
fn limit(params: &mut CertificateParams, (from, until): (Date, Date)) {
    let moment = |date: Date| {
        rcgen::date_time_ymd(
            i32::from(date.year()),
            date.month().unsigned_abs(),
            date.day().unsigned_abs(),
        )
    };
    params.not_before = moment(from);
    params.not_after = moment(until);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_replaces_its_predecessor_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        let made = make("broker.example").unwrap();
        publish(&made.authority_pem, &path).unwrap();
        let first = std::fs::read_to_string(&path).unwrap();
        assert!(
            first.starts_with(MARK) && first.contains("BEGIN CERTIFICATE"),
            "{first}"
        );
        assert!(!first.contains("PRIVATE"), "{first}");
        publish(&make("127.0.0.1").unwrap().authority_pem, &path).unwrap();
        assert_ne!(std::fs::read_to_string(&path).unwrap(), first);

        let foreign = dir.path().join("company-ca.pem");
        std::fs::write(&foreign, &made.authority_pem).unwrap();
        let error = publish(&made.authority_pem, &foreign).unwrap_err();
        assert!(matches!(error, TlsError::Foreign { .. }), "{error:?}");
        assert_eq!(std::fs::read_to_string(&foreign).unwrap(), made.authority_pem);
        let nowhere = publish("", &dir.path().join("no/where.pem")).unwrap_err();
        assert!(matches!(nowhere, TlsError::Write { .. }), "{nowhere:?}");
    }
}
