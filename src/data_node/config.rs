//! Configuration of calls to data nodes.

use crate::tls::Trust;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataNodesConfig {
    /// `data-use-tls`, and the certificates that are trusted then; `None`: no TLS.
    pub tls: Option<Trust>,
}
