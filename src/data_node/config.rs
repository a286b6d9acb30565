//! What the configuration says about data nodes.

use crate::tls::Trust;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataNodesConfig {
    /// `data-use-tls`, and whom to believe then; `None`: no TLS.
    pub tls: Option<Trust>,
}
