//! Writers that never stop asking, and remember what was acknowledged.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{http, wire};

/// Clients that create databases with names of their own, on any node that accepts them.
pub struct Writers {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<Vec<Acknowledged>>>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Clone)]
pub struct Acknowledged {
    pub name: String,
    pub index: u64,
    pub at: Instant,
}

impl Writers {
    pub fn start(count: usize, nodes: Vec<SocketAddr>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(Mutex::new(Vec::new()));
        let thread = |number: usize| {
            let (stop, acknowledged, nodes) = (stop.clone(), acknowledged.clone(), nodes.clone());
            std::thread::spawn(move || write_until(&stop, &acknowledged, &nodes, number))
        };
        let threads = (0..count).map(thread).collect();
        Self {
            stop,
            acknowledged,
            threads,
        }
    }

    pub fn acknowledged(&self) -> Vec<Acknowledged> {
        self.acknowledged.lock().expect("no writer panics").clone()
    }

    /// Waits until one more write than now is acknowledged, and returns when that was.
    #[track_caller]
    pub fn wait_progress(&self) -> Instant {
        let before = self.acknowledged().len();
        super::wait_for("acknowledged write", Duration::from_secs(20), || {
            let all = self.acknowledged();
            all.get(before)
                .map(|a| a.at)
                .ok_or_else(|| format!("{} writes", all.len()))
        })
    }

    /// Ends the writers and returns everything that was acknowledged.
    pub fn finish(self) -> Vec<Acknowledged> {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("a writer");
        }
        Arc::try_unwrap(self.acknowledged)
            .expect("all joined")
            .into_inner()
            .expect("no writer panics")
    }
}

fn write_until(
    stop: &AtomicBool,
    acknowledged: &Mutex<Vec<Acknowledged>>,
    nodes: &[SocketAddr],
    number: usize,
) {
    let mut at = nodes[number % nodes.len()];
    let mut next = number;
    for count in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let name = format!("w{number}-{count}");
        match attempt(at, &name) {
            Ok(index) => acknowledged
                .lock()
                .expect("no writer panics")
                .push(Acknowledged {
                    name,
                    index,
                    at: Instant::now(),
                }),
            Err(Some(leader)) => at = leader,
            Err(None) => {
                next += 1;
                at = nodes[next % nodes.len()];
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

/// One attempt. `Err(Some)`: another node leads. A name is used once, so that an unknown outcome
/// promises nothing.
fn attempt(at: SocketAddr, name: &str) -> Result<u64, Option<SocketAddr>> {
    let body = wire::create_database(name);
    let host = at.to_string();
    let sent = http::request(at, "POST", "/execute", &host, &body, Duration::from_secs(3));
    match sent.map_err(|_| None)? {
        r if r.status == 200 => wire::response(&r.body).map_err(|_| None),
        r if r.status == 307 => {
            let location = r.header("location").unwrap_or_default();
            Err(location
                .strip_prefix("http://")
                .and_then(|l| l.split('/').next())
                .and_then(|a| a.parse().ok()))
        }
        _ => Err(None),
    }
}

/// Checks that every acknowledged name is in the catalog.
#[track_caller]
pub fn assert_kept(acknowledged: &[Acknowledged], databases: &[String]) {
    let kept: std::collections::HashSet<&str> = databases.iter().map(String::as_str).collect();
    let lost: Vec<&Acknowledged> = acknowledged
        .iter()
        .filter(|a| !kept.contains(a.name.as_str()))
        .collect();
    assert!(
        lost.is_empty(),
        "{} of {} acknowledged writes lost: {lost:?}",
        lost.len(),
        acknowledged.len()
    );
}
