//! The system's trusted certificates, where programs written in Go look for them too.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::TlsError;
use crate::runtime::Disk;

/// The bundles of the usual systems; the first one that is there counts.
const FILES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Looked through where there is no bundle: a folder that somebody mounted.
const DIRS: [&str; 2] = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// Where to look instead of the usual places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// `SSL_CERT_FILE`.
    pub file: Option<PathBuf>,
    /// `SSL_CERT_DIR`, separated by colons: every file in them.
    pub dirs: Option<Vec<PathBuf>>,
}

impl Places {
    /// What the environment says. Empty is unset.
    pub fn of_variables(variables: &BTreeMap<String, String>) -> Self {
        let set = |name: &str| variables.get(name).filter(|value| !value.is_empty());
        let dirs = |list: &String| {
            list.split(':')
                .filter(|dir| !dir.is_empty())
                .map(PathBuf::from)
                .collect()
        };
        Self {
            file: set("SSL_CERT_FILE").map(PathBuf::from),
            dirs: set("SSL_CERT_DIR").map(dirs),
        }
    }
}

/// What is trusted.
#[derive(Clone, Debug)]
pub(super) struct Roots {
    pub(super) store: RootCertStore,
    /// The same as they were read: a self-signed certificate is recognised by its bytes.
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

/// Reads them; blocks.
pub(super) fn load(disk: &dyn Disk, places: &Places) -> Result<Roots, TlsError> {
    let mut certificates = Vec::new();
    let mut looked_at = Vec::new();
    match &places.file {
        // Somebody wants exactly this one: it must be there, and be one.
        Some(path) => {
            let read = |source| TlsError::Read {
                path: path.clone(),
                source,
            };
            let found = certificates_in(&disk.read(path).map_err(read)?);
            if found.is_empty() {
                return Err(TlsError::NoCertificate { path: path.clone() });
            }
            certificates.extend(found);
        }
        None => certificates.extend(first_bundle(disk, &mut looked_at)?),
    }
    let usual = || DIRS.map(PathBuf::from).to_vec();
    let dirs = places
        .dirs
        .clone()
        .or_else(|| certificates.is_empty().then(usual));
    for dir in dirs.unwrap_or_default() {
        certificates.extend(all_in(disk, &dir));
        looked_at.push(dir);
    }
    // Folders have each certificate several times: itself, in the bundle, and under the hash of its
    // name.
    let mut seen = BTreeSet::new();
    certificates.retain(|certificate| seen.insert(certificate.to_vec()));
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(certificates.iter().cloned());
    if store.is_empty() {
        return Err(TlsError::NoRoots { looked_at });
    }
    Ok(Roots {
        store,
        certificates,
    })
}

fn first_bundle(
    disk: &dyn Disk,
    looked_at: &mut Vec<PathBuf>,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    for path in FILES.map(PathBuf::from) {
        match disk.read(&path) {
            Ok(bytes) => return Ok(certificates_in(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => looked_at.push(path),
            Err(source) => return Err(TlsError::Read { path, source }),
        }
    }
    Ok(Vec::new())
}

/// Folders of certificates hold other things too, and links that lead nowhere.
fn all_in(disk: &dyn Disk, dir: &Path) -> Vec<CertificateDer<'static>> {
    let names = disk.list(dir).unwrap_or_default();
    let files = names
        .iter()
        .filter_map(|name| disk.read(&dir.join(name)).ok());
    files.flat_map(|bytes| certificates_in(&bytes)).collect()
}

/// What cannot be read is skipped: bundles carry certificates that no library likes.
fn certificates_in(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem)
        .filter_map(Result::ok)
        .collect()
}
