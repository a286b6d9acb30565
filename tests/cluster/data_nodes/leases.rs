//! Work leases (wire.md 9): one holder at a time, by the clocks of the nodes that ask.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::*;

/// Long enough that a holder on a busy machine renews in time.
const LEASE: Duration = Duration::from_secs(5);
const NAME: &str = "continuous_querier";

/// Starts a cluster with two data nodes as members.
fn stack() -> Stack {
    let mut nodes = Nodes::new(3);
    nodes.set("INFLUXDB_META_LEASE_DURATION", "5s");
    nodes.start_all();
    nodes.wait_ready();
    let stack = Stack::beside(nodes, 2);
    stack.add_all();
    stack
}

/// Result of a request, and when it was sent and answered.
#[derive(Debug)]
struct Asked {
    sent: Instant,
    received: Instant,
    status: u16,
    owner: u64,
}

impl Stack {
    /// Asks as the data node with this id does: this meta node, and then the leader that it names.
    fn lease(&self, at: usize, spelling: &str, id: u64) -> Result<Asked, String> {
        let path = format!("/lease?name={NAME}&{spelling}={id}");
        let sent = Instant::now();
        let mut answer = self.meta.all[at].get(&path)?;
        if answer.status == 307 {
            answer = http::get(leader_of(&answer, &path), &path)?;
        }
        let received = Instant::now();
        if !matches!(answer.status, 200 | 409) {
            return Err(format!("{} {}", answer.status, answer.text()));
        }
        let lease = answer.json();
        assert_eq!(lease["name"], NAME);
        let owner = lease["owner"].as_u64().expect("an owner");
        assert_eq!(owner == id, answer.status == 200, "{lease}");
        Ok(Asked {
            sent,
            received,
            status: answer.status,
            owner,
        })
    }

    /// Asks until the lease is granted.
    #[track_caller]
    fn wait_granted(&self, at: usize, id: u64) -> Asked {
        wait_for("lease", AT_LAST, || {
            let asked = self.lease(at, "nodeid", id)?;
            if asked.status == 200 {
                Ok(asked)
            } else {
                Err(format!("{asked:?}"))
            }
        })
    }
}

/// Checks, with one clock, that the next grant came at least the duration of a lease after the last
/// holder's request.
#[track_caller]
fn assert_apart(last: &Asked, next: &Asked) {
    let apart = next.received.duration_since(last.sent);
    assert!(
        apart >= LEASE,
        "granted to {} only {apart:?} after {} had asked",
        next.owner,
        last.owner
    );
}

#[test]
fn one_holder_and_the_next_after_it() {
    let stack = stack();
    let first = stack.wait_granted(0, 4);
    for at in 0..3 {
        for (spelling, id, status) in [
            ("nodeid", 4, 200),
            ("node_id", 4, 200),
            ("nodeid", 5, 409),
            ("node_id", 5, 409),
        ] {
            let asked = stack.lease(at, spelling, id).expect("an answer");
            assert_eq!(
                (asked.status, asked.owner),
                (status, 4),
                "{spelling} at {at}"
            );
        }
    }
    // Requests as data nodes send them.
    assert_eq!(
        stack.data(0).acquire_lease(NAME).map(|lease| lease.owner),
        Ok(4)
    );
    assert_eq!(
        stack.data(1).acquire_lease(NAME),
        Err("another node owns the lease".to_owned())
    );
    assert_eq!(
        stack
            .data(1)
            .acquire_lease("another")
            .map(|lease| lease.owner),
        Ok(5)
    );
    // The lease lasts beyond its first end for as long as it is renewed.
    let mut last = first;
    let end = last.sent + LEASE + LEASE / 2;
    while Instant::now() < end {
        last = stack.lease(1, "nodeid", 4).expect("an answer");
        assert_eq!(last.status, 200);
        assert_eq!(stack.lease(2, "nodeid", 5).expect("an answer").status, 409);
    }
    let next = stack.wait_granted(2, 5);
    assert_apart(&last, &next);
    assert_eq!(stack.lease(0, "nodeid", 4).expect("an answer").status, 409);
}

/// A new leader does not know when the last one granted the lease, so it waits for the whole
/// duration of a lease.
#[test]
fn the_leader_is_killed() {
    let mut stack = stack();
    let mut holder = 4;
    for _ in 0..crate::rounds(2, 20) {
        let other = 9 - holder;
        let (leader, at) = (stack.leader(), stack.follower());
        let granted = stack.wait_granted(leader, holder);
        let (stop, renewed) = (AtomicBool::new(false), AtomicBool::new(false));
        let last = std::thread::scope(|scope| {
            let renewals = scope.spawn(|| {
                let mut last = granted;
                while !stop.load(Ordering::Relaxed) {
                    if let Ok(asked) = stack.lease(leader, "nodeid", holder) {
                        assert_eq!(asked.status, 200, "it renews in time");
                        last = asked;
                        renewed.store(true, Ordering::Relaxed);
                    }
                }
                last
            });
            assert_eq!(
                stack.lease(at, "nodeid", other).expect("an answer").status,
                409
            );
            wait_for("renewal", AT_LAST, || {
                if renewed.load(Ordering::Relaxed) {
                    Ok(())
                } else {
                    Err("none".to_owned())
                }
            });
            stack.meta.all[leader].signal("KILL");
            stop.store(true, Ordering::Relaxed);
            renewals.join().expect("no panic")
        });
        let next = stack.wait_granted(at, other);
        assert_apart(&last, &next);
        stack.meta.all[leader].kill();
        stack.meta.all[leader].start();
        stack.meta.wait_ready();
        holder = other;
    }
}

/// The leader answers the requests that came while it was frozen, and grants nothing any more.
#[test]
fn a_leader_that_was_frozen_grants_nothing() {
    let stack = stack();
    stack.wait_granted(0, 4);
    let leader = stack.leader();
    let at = stack.meta.all[leader].http();
    let follower = stack.follower();
    let last = stack.wait_granted(leader, 4);
    stack.meta.all[leader].signal("STOP");
    let path = format!("/lease?name={NAME}&nodeid=4");
    let head = format!("GET {path} HTTP/1.1\r\nHost: {at}\r\n");
    let mut waiting: Vec<_> = (0..5)
        .map(|_| http::send(at, &head, b"").expect("sent"))
        .collect();
    let next = wait_for("lease", AT_LAST, || {
        let answer = stack.meta.all[follower].get(&path.replace("=4", "=5"))?;
        let sent = Instant::now();
        match answer.status {
            // This node still takes the frozen one for the leader.
            307 if leader_of(&answer, &path.replace("=4", "=5")) == at => Err("not yet".to_owned()),
            _ => {
                let asked = stack.lease(follower, "nodeid", 5)?;
                if asked.status == 200 {
                    Ok(Asked { sent, ..asked })
                } else {
                    Err(format!("{asked:?}"))
                }
            }
        }
    });
    assert_apart(&last, &next);
    stack.meta.all[leader].signal("CONT");
    for stream in &mut waiting {
        let answer = http::receive(at, stream, PATIENCE).expect("an answer");
        assert_ne!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(stack.wait_granted(follower, 5).owner, 5);
}

#[test]
fn who_is_no_member_gets_none() {
    let stack = stack();
    let cases = [
        ("name=x&nodeid=0", "node 0 is no data node of this cluster"),
        (
            "name=x&node_id=99",
            "node 99 is no data node of this cluster",
        ),
        ("name=x&nodeid=one", "invalid node ID"),
        ("name=x", "node ID required"),
        ("nodeid=4", "lease name required"),
    ];
    for (query, text) in cases {
        let answer = stack.meta.all[stack.leader()]
            .get(&format!("/lease?{query}"))
            .expect("an answer");
        assert_eq!(
            (answer.status, error(&answer).as_str()),
            (400, text),
            "{query}"
        );
    }
}
