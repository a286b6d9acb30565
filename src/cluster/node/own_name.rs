//! Look-up of this node's advertised name, for a warning.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::base::Address;
use crate::runtime::Env;

/// Timeout for the look-up. Its result is a warning only.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// Look-up of this node's name, begun once the name is known. Other nodes will look the name up, so
/// it should resolve.
pub(super) struct OwnNameLookup {
    own: Address,
    /// Set by the look-up's task.
    failed: Arc<AtomicBool>,
}

impl OwnNameLookup {
    pub(super) fn begin(env: &Env, own: Address) -> Self {
        let failed = Arc::new(AtomicBool::new(false));
        let (net, result, name) = (env.net.clone(), failed.clone(), own.clone());
        env.tasks.detach(async move {
            let found = net.resolve(name.host(), name.port());
            let found = tokio::time::timeout(LOOKUP_TIMEOUT, found).await;
            if !matches!(found, Ok(Ok(addresses)) if !addresses.is_empty()) {
                tracing::warn!(
                    event = "advertise.unknown",
                    "{}, the name that others are given for this node, does not resolve here; set \
                     INFLUXDB_HOSTNAME to one that does",
                    name.host()
                );
                result.store(true, Ordering::Relaxed);
            }
        });
        Self { own, failed }
    }

    /// Whether this is the look-up of that name.
    pub(super) fn is_of(&self, own: &Address) -> bool {
        self.own == *own
    }

    /// Whether the look-up has ended without an address.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }
}
