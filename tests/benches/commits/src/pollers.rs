//! Data nodes that wait for something newer than what they have.

use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use flate2::read::GzDecoder;
use tokio::task::JoinSet;

use crate::connection::Connection;
use crate::meta::Meta;
use crate::proto::Message;

/// Answers of one poller: the index, and when it came.
type Seen = Arc<Mutex<Vec<(u64, Instant)>>>;

/// Pollers, which end when this is dropped.
pub struct Pollers {
    seen: Vec<Seen>,
    _tasks: JoinSet<()>,
}

impl Pollers {
    /// Starts so many pollers, each at one of the nodes.
    pub async fn start(meta: &Meta, count: usize) -> Self {
        let (mut all, mut tasks) = (Vec::new(), JoinSet::new());
        for k in 0..count {
            let (mut connection, seen) = (
                Connection::open(meta.nodes[k % meta.nodes.len()]).await,
                Seen::default(),
            );
            all.push(seen.clone());
            tasks.spawn(async move {
                let mut index = 0;
                loop {
                    index = index_of(connection.poll(index).await);
                    seen.lock()
                        .expect("no poller panics")
                        .push((index, Instant::now()));
                }
            });
        }
        Self {
            seen: all,
            _tasks: tasks,
        }
    }

    /// Every answer so far, by poller.
    pub fn answers(&self) -> Vec<Vec<(u64, Instant)>> {
        self.seen
            .iter()
            .map(|seen| seen.lock().expect("no poller panics").clone())
            .collect()
    }
}

/// Index of a body, gzipped or not: it begins with term and index.
fn index_of(body: &[u8]) -> u64 {
    let mut start = Vec::new();
    if body.starts_with(&[0x1f, 0x8b]) {
        GzDecoder::new(body)
            .take(22)
            .read_to_end(&mut start)
            .expect("gzip");
    } else {
        start.extend_from_slice(&body[..body.len().min(22)]);
    }
    // Two numbers of at most ten bytes each, and their keys; the rest may be cut off.
    let numbers = (2..=start.len())
        .rev()
        .find_map(|end| Message::read(&start[..end]).ok())
        .expect("a body");
    numbers.need_number(2, "Index").expect("an index")
}
