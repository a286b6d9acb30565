//! Start of the node's task.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::base::ProcessId;
use crate::cluster::config::ClusterConfig;
use crate::cluster::error::ClusterError;
use crate::cluster::founding::{Founding, FoundingSetup};
use crate::cluster::leader::state::{LeaderState, LeaderStateWriter};
use crate::cluster::node::admission::ClusterAdmission;
use crate::cluster::node::context::NodeContext;
use crate::cluster::node::handle::NodeHandle;
use crate::cluster::node::open_raft::RaftState;
use crate::cluster::node::progress_log::ProgressLog;
use crate::cluster::node::retry::RetrySchedule;
use crate::cluster::node::state::NodeStateWriter;
use crate::cluster::node::{NodeTask, identity_file, senders, view_builder};
use crate::cluster::peers::addresses;
use crate::cluster::peers::exchange::Exchange;
use crate::cluster::peers::gossip::Gossip;
use crate::cluster::peers::heard::Heard;
use crate::raft::Transport;
use crate::runtime::Env;
use crate::storage::DataDir;

/// Access to what was started.
pub(in crate::cluster) struct Started {
    pub(in crate::cluster) node: NodeHandle,
    pub(in crate::cluster) leader: Arc<LeaderState>,
    pub(in crate::cluster) gossip: Arc<Gossip>,
    /// Receives the first error after which the process must end.
    pub(in crate::cluster) failures: mpsc::Receiver<ClusterError>,
}

/// Loads or makes the identity, listens on 8089, opens Raft if this node is in a cluster, and
/// starts the node's task.
pub(in crate::cluster) async fn start(
    env: Env,
    dir: DataDir,
    config: ClusterConfig,
    exchange: Arc<dyn Exchange>,
    raft_listen: SocketAddr,
) -> Result<Started, ClusterError> {
    let record = identity_file::load_or_make(&env, &dir).await?;
    let (senders, received) = senders::channels();
    let (failures, failed) = mpsc::channel(1);
    let began = Instant::now();
    let mut process = [0; 8];
    env.rng.fill(&mut process);
    let process = ProcessId(process);
    let setup = FoundingSetup::new(&config, raft_listen.port(), process, env.rng.u64());
    let founding = Founding::new(setup, record.clone(), Duration::ZERO);
    let view = view_builder::initial(&founding, config.peer_policy(None));
    let identity = founding.identity();
    let context = Arc::new(NodeContext {
        env: env.clone(),
        dir,
        config,
        exchange,
    });
    let state = NodeStateWriter::new(context.clone(), record, identity, view);
    let node = NodeHandle {
        context,
        state: state.reader(),
        heard: Arc::new(Heard::default()),
        addresses: Arc::default(),
        senders,
    };
    let admission = Arc::new(ClusterAdmission::new(node.clone()));
    let transport = Transport::listen(&env, raft_listen, admission)
        .await
        .map_err(|source| cannot_listen(raft_listen, &source))?;
    let gossip = Arc::new(Gossip::new(node.clone()));
    let leader_writer = LeaderStateWriter::new();
    let leader = leader_writer.reader();
    let task = NodeTask {
        node: node.clone(),
        state,
        leader: leader.clone(),
        leader_writer: Arc::new(tokio::sync::Mutex::new(leader_writer)),
        gossip: gossip.clone(),
        failures,
        transport,
        founding,
        received,
        polls: FuturesUnordered::new(),
        requests: FuturesUnordered::new(),
        actions: Vec::new(),
        retry: RetrySchedule::default(),
        request: None,
        invited: None,
        suspicious: false,
        leaderless_since: None,
        held_address: None,
        set_out: Duration::ZERO,
        levels: BTreeMap::new(),
        proofs: BTreeMap::new(),
        raft_state: RaftState::default(),
        raft_changed: None,
        progress_log: ProgressLog::new(),
        own_name_lookup: None,
        began,
    };
    env.tasks.detach(task.run());
    env.tasks.detach(addresses::run(node.clone()));
    Ok(Started {
        node,
        leader,
        gossip,
        failures: failed,
    })
}

fn cannot_listen(at: SocketAddr, error: &std::io::Error) -> ClusterError {
    let source = std::io::Error::new(error.kind(), format!("{at}: {error}"));
    ClusterError::Io {
        operation: "listening on bind-address",
        source,
    }
}
