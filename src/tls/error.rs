//! Errors before a connection is trusted.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::{CertificateError, Error, InvalidMessage};

/// TLS cannot work as configured.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error(
        "{} has no certificate in it that can be read (PEM: BEGIN CERTIFICATE)",
        path.display()
    )]
    NoCertificate { path: PathBuf },
    #[error(
        "there is no certificate to trust: none in {}; mount the host's at one of these places, or \
         name a file by SSL_CERT_FILE",
        looked_at.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    NoRoots { looked_at: Vec<PathBuf> },
    #[error("{0}")]
    Library(#[from] Error),
}

/// Reason why there is no connection. `Display` follows a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsHandshakeError {
    #[error("{0:?} is no name that a certificate could have")]
    Name(String),
    #[error("it does not speak TLS")]
    NotTls,
    #[error("its certificate is refused: {0}")]
    Certificate(String),
    /// The peer sent an alert, or closed the connection.
    #[error("the TLS handshake failed: {0}")]
    Failed(String),
}

impl TlsHandshakeError {
    pub(super) fn of(error: &io::Error) -> Self {
        match error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Error>())
        {
            Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => Self::NotTls,
            Some(Error::InvalidCertificate(why)) => Self::Certificate(refusal(why)),
            Some(other) => Self::Failed(other.to_string()),
            None if error.kind() == io::ErrorKind::UnexpectedEof => Self::Failed("EOF".to_owned()),
            None => Self::Failed(error.to_string()),
        }
    }

    /// Whether the same handshake may succeed a moment later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Failed(_) => true,
            Self::Name(_) | Self::NotTls | Self::Certificate(_) => false,
        }
    }
}

/// Text of a refused certificate, for the usual reasons in plain words.
fn refusal(why: &CertificateError) -> String {
    match why {
        CertificateError::UnknownIssuer => "no authority that is trusted here has signed it".to_owned(),
        CertificateError::BadSignature => {
            "no authority that is trusted here has signed it, only one of the same name with another key"
                .to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet; compare the clocks".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("it is for another name ({why})")
        }
        other if is_authoritys(other) => {
            "no authority that is trusted here has signed it, nor is it one".to_owned()
        }
        other => other.to_string(),
    }
}

/// Whether the error is that an end-entity certificate is marked as an authority, as
/// `openssl req -x509` makes them.
pub(super) fn is_authority_itself(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(why) if is_authoritys(why))
}

fn is_authoritys(why: &CertificateError) -> bool {
    let CertificateError::Other(other) = why else {
        return false;
    };
    let inner: &Arc<_> = &other.0;
    matches!(
        inner.downcast_ref::<webpki::Error>(),
        Some(webpki::Error::CaUsedAsEndEntity)
    )
}
