//! Data nodes at work, and what was acknowledged to them.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

use crate::harness::data_node::{Data, shards};
use crate::harness::docker::SOON;
use crate::harness::{http, wait_for};

/// Acknowledged databases, and shard groups in them.
#[derive(Clone, Default)]
pub struct Kept {
    pub databases: BTreeSet<String>,
    pub groups: BTreeSet<u64>,
}

impl Kept {
    #[track_caller]
    pub fn assert_in(&self, data: &Data) {
        let there: BTreeSet<_> = data
            .databases
            .iter()
            .map(|database| database.name.clone())
            .collect();
        let lost: Vec<_> = self.databases.difference(&there).collect();
        assert!(lost.is_empty(), "{lost:?} of {}", self.databases.len());
        let policies = data
            .databases
            .iter()
            .flat_map(|database| &database.retention_policies);
        let there = policies
            .flat_map(|policy| &policy.shard_groups)
            .map(|group| group.id)
            .collect();
        let lost: Vec<_> = self.groups.difference(&there).collect();
        assert!(lost.is_empty(), "groups {lost:?} of {}", self.groups.len());
    }
}

/// Load: each data node creates databases and writes into them, again and again, under names that
/// are used once.
pub struct Load {
    stop: Arc<AtomicBool>,
    kept: Vec<Arc<Mutex<Kept>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    pub fn start(data_nodes: &[SocketAddr], prefix: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (mut kept, mut threads) = (Vec::new(), Vec::new());
        for (n, at) in data_nodes.iter().copied().enumerate() {
            let (stop, own, prefix) = (stop.clone(), Arc::default(), format!("{prefix}-{n}"));
            kept.push(Arc::clone(&own));
            threads.push(thread::spawn(move || write_until(&stop, &own, at, &prefix)));
        }
        Self {
            stop,
            kept,
            threads,
        }
    }

    /// Waits until this data node has one more acknowledged database.
    #[track_caller]
    pub fn wait_progress_of(&self, n: usize) {
        let before = self.count(n);
        wait_for(&format!("progress of data-{}", n + 1), SOON, || {
            let now = self.count(n);
            if now > before {
                Ok(())
            } else {
                Err(format!("{now} groups"))
            }
        });
    }

    #[track_caller]
    pub fn wait_progress(&self) {
        (0..self.kept.len()).for_each(|n| self.wait_progress_of(n));
    }

    fn count(&self, n: usize) -> usize {
        self.kept[n].lock().expect("no panic").groups.len()
    }

    pub fn finish(mut self) -> Vec<Kept> {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("a writer");
        }
        self.kept
            .iter()
            .map(|kept| kept.lock().expect("no panic").clone())
            .collect()
    }
}

/// A test that failed does not wait for the load's threads.
impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Delay between two databases, as if operators created them: the catalog stays small.
const BETWEEN: Duration = Duration::from_millis(50);

/// Timeout of a request to a data node, which may wait for a meta node that does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

fn write_until(stop: &AtomicBool, kept: &Mutex<Kept>, at: SocketAddr, prefix: &str) {
    for turn in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let name = format!("{prefix}-{turn}");
        if told(at, &format!("/create-database?name={name}")).is_ok() {
            kept.lock()
                .expect("no panic")
                .databases
                .insert(name.clone());
            let written = told(
                at,
                &format!("/write?db={name}&time={}", shards::unix_nanos()),
            );
            let group = written.ok().and_then(|written| written["group"].as_u64());
            kept.lock().expect("no panic").groups.extend(group);
        }
        thread::sleep(BETWEEN);
    }
}

/// Orders a data node to do something, and returns its answer.
pub fn told(at: SocketAddr, target: &str) -> Result<Value, String> {
    match http::request(at, "POST", target, &at.to_string(), &[], PATIENCE)? {
        done if done.status == 200 => Ok(done.json()),
        failed => Err(failed.text()),
    }
}
