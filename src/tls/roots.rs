//! The system's trusted certificates, in the places where programs written in Go look for them,
//! too.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::TlsError;
use crate::runtime::Disk;

/// Bundles of the usual systems; the first one that exists counts.
const FILES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Folders that are read if there is no bundle: an operator may have mounted one.
const DIRS: [&str; 2] = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// Configured places, instead of the usual ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// `SSL_CERT_FILE`.
    pub file: Option<PathBuf>,
    /// `SSL_CERT_DIR`, separated by colons: every file in these folders.
    pub dirs: Option<Vec<PathBuf>>,
}

impl Places {
    /// Places from the environment. An empty variable counts as unset.
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

/// Trusted certificates.
#[derive(Clone, Debug)]
pub(super) struct Roots {
    pub(super) store: RootCertStore,
    /// The same certificates as read: a self-signed one is recognised by its bytes.
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

/// Reads the certificates. Blocks.
pub(super) fn load(disk: &dyn Disk, places: &Places) -> Result<Roots, TlsError> {
    let mut certificates = Vec::new();
    let mut looked_at = Vec::new();
    match &places.file {
        // This file was configured: it must exist and have a certificate in it.
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
    // A folder has each certificate several times: as a file of its own, in the bundle, and under
    // the hash of its name.
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

/// Certificates of all files in a folder. Other files and links that lead nowhere are skipped.
fn all_in(disk: &dyn Disk, dir: &Path) -> Vec<CertificateDer<'static>> {
    let names = disk.list(dir).unwrap_or_default();
    let files = names
        .iter()
        .filter_map(|name| disk.read(&dir.join(name)).ok());
    files.flat_map(|bytes| certificates_in(&bytes)).collect()
}

/// Certificates of a PEM file. Those that cannot be read are skipped: bundles have certificates
/// that no library accepts.
fn certificates_in(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem)
        .filter_map(Result::ok)
        .collect()
}
