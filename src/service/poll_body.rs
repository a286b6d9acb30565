//! Bodies of the long poll, encoded once and shared.
//!
//! Invariants: a body is never older than what this node had applied when the request came; it is
//! encoded at most once per index, and while one is being encoded all later changes wait for the
//! next one. A burst of commands thus costs as many encodings as pollers can take, not as many as
//! there are commands or pollers. Encodings in a row keep a distance, which the first change after
//! a pause does not wait for.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Mutex, OnceCell};
use tokio::time::{Instant, sleep_until};

use crate::base::ClusterId;
use crate::catalog::Catalog;
use crate::raft::{Applied, Raft};
use crate::runtime::Tasks;
use crate::telemetry::metrics::Metrics;
use crate::wire::data::{Encoder, Rope};

/// Minimum pause between two encodings. In a burst, commands get most of the CPU; still a data node
/// knows of each within 5 ms as long as the catalog is small.
const MIN_ENCODING_INTERVAL: Duration = Duration::from_millis(3);
/// The pause also lasts this many times as long as the last encoding took, but at most 100 ms: the
/// first encoding of a large catalog takes long.
const ENCODING_COST_FACTOR: u32 = 4;
const MAX_ENCODING_INTERVAL: Duration = Duration::from_millis(100);

/// The wire's `Data` at one index, shared by all pollers that are sent it.
pub struct PollBody {
    cluster: Option<ClusterId>,
    index: u64,
    rope: Rope,
    gzip: OnceCell<Vec<Bytes>>,
    tasks: Tasks,
}

/// The latest body. The lock is held while a body is encoded: later requests wait for that
/// encoding.
pub(super) struct BodyCache {
    latest: Mutex<Latest>,
    tasks: Tasks,
}

#[derive(Default)]
struct Latest {
    body: Option<Arc<PollBody>>,
    /// Remembers the parts of the latest body. An encoder that is lost with its request costs an
    /// encoding of the whole.
    encoder: Encoder,
    /// Earliest time of the next encoding.
    next: Option<Instant>,
}

impl BodyCache {
    pub(super) fn new(tasks: &Tasks) -> Self {
        Self {
            latest: Mutex::default(),
            tasks: tasks.clone(),
        }
    }

    /// Returns a body at least as new as `applied`: the latest one, or one that is encoded now from
    /// the newest state.
    pub(super) async fn at_least(
        &self,
        raft: &Raft,
        applied: &Applied,
        metrics: &Metrics,
    ) -> Arc<PollBody> {
        let mut latest = self.latest.lock().await;
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
        // Requests that come during this encoding are served the next one, of a newer state.
        let began = Instant::now();
        let newest = raft.applied().borrow().clone();
        let encoder = std::mem::take(&mut latest.encoder);
        let tasks = self.tasks.clone();
        let encode = move || PollBody::encode(&newest.catalog, encoder, tasks);
        let (body, encoder) = self.tasks.blocking(encode).await;
        metrics.snapshots_encoded.add();
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
    fn encode(catalog: &Catalog, mut encoder: Encoder, tasks: Tasks) -> (Self, Encoder) {
        let cluster = catalog.cluster.as_ref().map(|cluster| cluster.id);
        let rope = encoder.encode(catalog);
        (
            Self {
                cluster,
                index: catalog.index,
                rope,
                gzip: OnceCell::new(),
                tasks,
            },
            encoder,
        )
    }

    /// Length in bytes, not compressed.
    pub fn len(&self) -> usize {
        self.rope.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rope.is_empty()
    }

    pub fn plain(&self) -> Vec<Bytes> {
        self.rope.plain()
    }

    /// Returns the body compressed. The first caller compresses the parts that were not in an older
    /// body.
    pub async fn gzip(&self) -> Vec<Bytes> {
        let rope = self.rope.clone();
        self.gzip
            .get_or_init(|| self.tasks.blocking(move || rope.gzip()))
            .await
            .clone()
    }
}
