//! TLS handshake of the client side.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, version};
use tokio_rustls::TlsConnector;

use super::stream::Secured;
use super::verify::{Anyone, ByRoots};
use super::{TlsError, TlsHandshakeError, Trust, roots};
use crate::runtime::net::Stream;
use crate::runtime::{Clock, Env};

/// Makes connections to servers with trusted certificates. Cheap to clone.
#[derive(Clone)]
pub struct Connector {
    tls: TlsConnector,
    trusted: usize,
}

impl Connector {
    /// Reads the trusted certificates, once: new certificates of authorities need a restart.
    ///
    /// # Errors
    /// There is no certificate to trust, or a configured file cannot be read.
    pub async fn load(env: &Env, trust: &Trust) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let (verifier, trusted): (Arc<dyn ServerCertVerifier>, usize) = match trust {
            Trust::Anyone => (Arc::new(Anyone(provider.clone())), 0),
            Trust::Roots(places) => {
                let (disk, places) = (env.disk.clone(), places.clone());
                let loaded = env
                    .tasks
                    .blocking(move || roots::load(&*disk, &places))
                    .await?;
                let trusted = loaded.store.len();
                (Arc::new(ByRoots::new(loaded, provider.clone())?), trusted)
            }
        };
        let time = Arc::new(Time(env.clock.clone()));
        let mut config = ClientConfig::builder_with_details(provider, time)
            // Old data nodes know no newer version than 1.2.
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            tls: TlsConnector::from(Arc::new(config)),
            trusted,
        })
    }

    /// Number of trusted authorities; 0 if any certificate is accepted.
    pub fn trusted(&self) -> usize {
        self.trusted
    }

    /// Makes the handshake on `stream`. The caller sets the deadline. `host` is a name or an IP
    /// address, as it was dialled.
    ///
    /// # Errors
    /// There is no trusted connection: `stream` is closed.
    pub async fn connect(
        &self,
        stream: Box<dyn Stream>,
        host: &str,
    ) -> Result<Box<dyn Stream>, TlsHandshakeError> {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|_| TlsHandshakeError::Name(host.to_owned()))?;
        let connected = self.tls.connect(name, stream).await;
        let secured = connected.map_err(|error| TlsHandshakeError::of(&error))?;
        Ok(Box::new(Secured(secured)))
    }
}

/// Time at which a certificate is judged.
#[derive(Clone)]
struct Time(Arc<dyn Clock>);

impl std::fmt::Debug for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Time")
    }
}

impl TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        // Before 1970 the clock is wrong, and no certificate is valid yet.
        let nanos = u64::try_from(self.0.now().0).unwrap_or_default();
        Some(UnixTime::since_unix_epoch(Duration::from_nanos(nanos)))
    }
}
