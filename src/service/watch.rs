//! The long poll: `GET /?index=N` waits until `Data.Index` > N and is answered the whole catalog.
//!
//! Invariants: a body is never older than what this node had applied when the request came; it is
//! encoded at most once per index, and while one is being encoded all later changes wait for the
//! next one, so that a burst of commands costs as many encodings as pollers can take, not as many
//! as there are commands or pollers. Encodings in a row keep a distance, which the first change
//! after a pause does not wait for.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Mutex, OnceCell};
use tokio::time::{Instant, sleep_until, timeout};

use super::{Error, Service};
use crate::base::ClusterId;
use crate::catalog::Catalog;
use crate::cluster::NotMember;
use crate::raft::{Applied, Raft};
use crate::wire::data::{Encoder, Rope};

/// How long a node that is behind a client's index waits before it asks the leader: catching up
/// takes milliseconds, so this is a client of an earlier cluster, or a node that is cut off.
const ASK_LEADER_DELAY: Duration = Duration::from_secs(5);

/// A majority that is there answers within milliseconds; without one the poll simply waits on.
const BARRIER_TIMEOUT: Duration = Duration::from_secs(1);

/// From one encoding to the next: in a burst commands get most of the machine, and yet a data node
/// knows of each within 5 ms as long as the catalog is small.
const MIN_ENCODING_INTERVAL: Duration = Duration::from_millis(3);
/// What the last one took counts so often besides, but not what the first of a big catalog takes.
const ENCODING_COST_FACTOR: u32 = 4;
const MAX_ENCODING_INTERVAL: Duration = Duration::from_millis(100);

/// What a poll came to.
pub enum Polled {
    Snapshot(Arc<PollBody>),
    /// The client knows a higher index than this node, and only the leader can say whether its
    /// cluster ever produced that: ask there, or poll again here.
    AskLeader,
}

/// The wire's `Data` at one index, shared by all who are sent it.
pub struct PollBody {
    cluster: Option<ClusterId>,
    index: u64,
    rope: Rope,
    gzip: OnceCell<Vec<Bytes>>,
}

/// The latest body. The lock is held while one is encoded: that is what makes others wait for it.
#[derive(Default)]
pub(super) struct BodyCache(Mutex<Latest>);

#[derive(Default)]
struct Latest {
    body: Option<Arc<PollBody>>,
    /// Remembers the parts of the latest body. One that is lost with its request costs an encoding
    /// of the whole.
    encoder: Encoder,
    /// Not before.
    next: Option<Instant>,
}

impl Service {
    /// Waits until the catalog is newer than `n`; without a limit in time.
    ///
    /// # Errors
    /// As soon as this node is no member, has halted, or stops: the client goes on to the next
    /// server.
    pub async fn poll(&self, n: u64) -> Result<Polled, Error> {
        let mut wake = self.following.subscribe();
        let _parked = self.metrics.parked.enter();
        loop {
            wake.borrow_and_update();
            let raft = self.raft()?;
            if self.following.is_halted() {
                let reason = raft.status().halted.unwrap_or_default();
                return Err(Error::PollHalted { reason });
            }
            let applied = raft.applied().borrow().clone();
            // Before `Found` the list of meta nodes is empty, and a data node that is told so
            // forgets them all.
            if applied.catalog.cluster.is_none() {
                return Err(founding(self).into());
            }
            let index = applied.catalog.index;
            if index > n || (n > index && was_never_produced(&raft, n).await) {
                return Ok(Polled::Snapshot(
                    self.bodies.of(&raft, &applied, self).await,
                ));
            }
            // The sender lives in `self`: this waits for a change, and nothing else.
            let changed = async { wake.changed().await.is_ok() };
            if n == index {
                changed.await;
            } else if timeout(ASK_LEADER_DELAY, changed).await.is_err()
                && self.leader_elsewhere(&raft).is_some()
            {
                return Ok(Polled::AskLeader);
            }
        }
    }
}

/// N is beyond anything that this cluster can have produced: its client comes from an earlier
/// cluster at these addresses, and would park for ever (wire.md Q11). Only a leader that a majority
/// confirms now knows that: its log is then the longest there is.
async fn was_never_produced(raft: &Raft, n: u64) -> bool {
    raft.barrier(Instant::now() + BARRIER_TIMEOUT).await.is_ok()
        && n > raft.status().last_log.map_or(0, |log_id| log_id.index)
}

fn founding(service: &Service) -> NotMember {
    let view = service.membership().view();
    NotMember {
        phase: view.phase,
        reason: "the cluster is being founded".to_owned(),
    }
}

impl BodyCache {
    /// A body at least as new as `applied`: the last one, or one that is encoded now from the
    /// newest state.
    async fn of(&self, raft: &Raft, applied: &Applied, service: &Service) -> Arc<PollBody> {
        let mut latest = self.0.lock().await;
        let cluster = applied.catalog.cluster.as_ref().map(|cluster| cluster.id);
        if let Some(body) = latest.body.as_ref()
            && body.cluster == cluster
            && body.index >= applied.catalog.index
        {
            return body.clone();
        }
        if let Some(next) = latest.next {
            sleep_until(next).await;
        }
        // Whoever comes while this one is encoded is served the next, from a state that is newer
        // then.
        let began = Instant::now();
        let newest = raft.applied().borrow().clone();
        let encoder = std::mem::take(&mut latest.encoder);
        let (body, encoder) = service
            .env
            .tasks
            .blocking(move || PollBody::encode(&newest.catalog, encoder))
            .await;
        service.metrics.snapshots_encoded.add();
        let body = Arc::new(body);
        let next = Instant::now()
            + MIN_ENCODING_INTERVAL
            + (began.elapsed() * ENCODING_COST_FACTOR).min(MAX_ENCODING_INTERVAL);
        *latest = Latest {
            body: Some(body.clone()),
            encoder,
            next: Some(next),
        };
        body
    }
}

impl PollBody {
    fn encode(catalog: &Catalog, mut encoder: Encoder) -> (Self, Encoder) {
        let cluster = catalog.cluster.as_ref().map(|cluster| cluster.id);
        let rope = encoder.encode(catalog);
        (
            Self {
                cluster,
                index: catalog.index,
                rope,
                gzip: OnceCell::new(),
            },
            encoder,
        )
    }

    /// In bytes, not compressed.
    pub fn len(&self) -> usize {
        self.rope.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rope.is_empty()
    }

    pub fn plain(&self) -> Vec<Bytes> {
        self.rope.plain()
    }

    /// Compressed by the first who wants it so, as far as it was not part of an older body.
    pub async fn gzip(&self, service: &Service) -> Vec<Bytes> {
        let rope = self.rope.clone();
        self.gzip
            .get_or_init(|| service.env.tasks.blocking(move || rope.gzip()))
            .await
            .clone()
    }
}
