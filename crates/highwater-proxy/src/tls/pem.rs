//! Certificates and keys out of PEM files.

use std::path::Path;

use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::Certificate;
use super::error::TlsError;

/// All certificates of a file; at least one.
pub(super) fn certificates(
    path: &Path,
    what: &'static str,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| refused(error, path, what))?;
    if found.is_empty() {
        return Err(refused(PemError::NoItemsFound, path, what));
    }
    Ok(found)
}

/// A certificate with its chain, and its key.
pub(super) fn pair(
    certificate: &Certificate,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let chain = certificates(&certificate.chain, "certificate")?;
    let key = PrivateKeyDer::from_pem_file(&certificate.key)
        .map_err(|error| refused(error, &certificate.key, "private key"))?;
    Ok((chain, key))
}

fn refused(error: PemError, path: &Path, what: &'static str) -> TlsError {
    let path = path.to_owned();
    match error {
        PemError::Io(source) => TlsError::Read { what, path, source },
        PemError::NoItemsFound => TlsError::Empty { what, path },
        other => TlsError::Read {
            what,
            path,
            source: std::io::Error::other(other),
        },
    }
}
