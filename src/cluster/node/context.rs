//! Values that are fixed for the life of the process.

use std::sync::Arc;

use crate::cluster::config::ClusterConfig;
use crate::cluster::peers::exchange::Exchange;
use crate::runtime::Env;
use crate::storage::DataDir;

/// The outside world, the data directory, the configuration and the way to other meta nodes.
pub(in crate::cluster) struct NodeContext {
    pub(in crate::cluster) env: Env,
    pub(in crate::cluster) dir: DataDir,
    pub(in crate::cluster) config: ClusterConfig,
    pub(in crate::cluster) exchange: Arc<dyn Exchange>,
}
