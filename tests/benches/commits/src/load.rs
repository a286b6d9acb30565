//! A closed loop of clients and its measurements.

use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

pub struct Figures {
    pub rate: f64,
    p50: f64,
    p99: f64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:8.0} ({:.2}, {:.2})", self.rate, self.p50, self.p99)
    }
}

/// The run with the median rate.
pub fn median(mut runs: Vec<Figures>) -> Figures {
    runs.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    runs.swap_remove(runs.len() / 2)
}

/// Runs all clients, each repeating its step until the span is over. A step that fails ends the
/// program.
pub async fn closed_loop<C, F, Fut>(clients: Vec<C>, span: Duration, step: F) -> Figures
where
    C: Send + 'static,
    F: Fn(C) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = C> + Send,
{
    let start = Instant::now();
    let tasks: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            let step = step.clone();
            tokio::spawn(async move {
                let mut took = Vec::new();
                while start.elapsed() < span {
                    let before = Instant::now();
                    client = step(client).await;
                    took.push(before.elapsed());
                }
                took
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.expect("a client"));
    }
    let elapsed = start.elapsed();
    all.sort();
    let at = |part: f64| all[((all.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    Figures {
        rate: all.len() as f64 / elapsed.as_secs_f64(),
        p50: at(0.5),
        p99: at(0.99),
    }
}
