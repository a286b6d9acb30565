//! A member: its idle connections, and the dials to it that are running.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::KnownOfMembers;
use super::conn::Conn;
use super::dial::{DialError, Dialer};
use crate::raft::{HandshakeRefusal, Replica};
use crate::runtime::{TaskHandle, Tasks, lock};
use crate::wire::frames::{Lane, MemberReport};

/// Maximum number of idle connections. Mostly one exchange runs on a lane, and two when a vote
/// meets a heartbeat.
const MAX_IDLE_PER_LANE: usize = 2;

pub(super) struct Peer {
    dialer: Arc<Dialer>,
    receiver: Replica,
    tasks: Tasks,
    known: KnownOfMembers,
    /// Held for a few instructions, never across an await.
    lanes: Mutex<BTreeMap<Lane, LaneConnections>>,
    /// Error that was last logged about reaching this member.
    last_error: Mutex<Option<String>>,
}

#[derive(Default)]
struct LaneConnections {
    idle: Vec<Conn>,
    dial: Option<Dial>,
}

/// A running dial. It has a task of its own: a heartbeat gives up after its 100 ms and must not end
/// the dial, or a slow name resolution would keep a member unreachable for ever.
struct Dial {
    done: watch::Receiver<Option<Result<(), Arc<DialError>>>>,
    _task: TaskHandle<()>,
}

impl Peer {
    pub(super) fn new(
        dialer: Arc<Dialer>,
        receiver: Replica,
        tasks: Tasks,
        known: KnownOfMembers,
    ) -> Self {
        Self {
            dialer,
            receiver,
            tasks,
            known,
            lanes: Mutex::default(),
            last_error: Mutex::default(),
        }
    }

    /// Returns an idle connection that is still open, or dials a new one.
    pub(super) async fn connection(self: &Arc<Self>, lane: Lane) -> Result<Conn, Arc<DialError>> {
        loop {
            let mut done = {
                let mut lanes = lock(&self.lanes);
                let slot = lanes.entry(lane).or_default();
                while let Some(mut conn) = slot.idle.pop() {
                    if conn.has_no_input() {
                        return Ok(conn);
                    }
                }
                self.current_dial(slot, lane)
            };
            let outcome = done
                .wait_for(Option::is_some)
                .await
                .map(|outcome| outcome.clone());
            match outcome {
                // The new connection is idle now. Another exchange may take it first.
                Ok(Some(Ok(()))) => {}
                Ok(Some(Err(error))) => return Err(error),
                Ok(None) | Err(_) => return Err(Arc::new(DialError::Stopping)),
            }
        }
    }

    /// Records what this member said of itself.
    pub(super) fn note(&self, report: MemberReport) {
        self.known.rooms.report(self.receiver.raft_id, report.full);
        if let Some(clock) = report.clock {
            self.known.clocks.note(self.receiver.incarnation, clock);
        }
    }

    /// Returns a connection whose last exchange ended cleanly.
    pub(super) fn return_connection(&self, lane: Lane, conn: Conn) {
        let mut lanes = lock(&self.lanes);
        let idle = &mut lanes.entry(lane).or_default().idle;
        if idle.len() < MAX_IDLE_PER_LANE {
            idle.push(conn);
        }
    }

    /// Returns the running dial, or starts one.
    fn current_dial(
        self: &Arc<Self>,
        slot: &mut LaneConnections,
        lane: Lane,
    ) -> watch::Receiver<Option<Result<(), Arc<DialError>>>> {
        if let Some(dial) = &slot.dial
            && dial.done.borrow().is_none()
        {
            return dial.done.clone();
        }
        let (notify, done) = watch::channel(None);
        let this = self.clone();
        let task = self.tasks.spawn(async move {
            let outcome = this.dialer.dial(this.receiver, lane).await;
            let outcome = outcome
                .map(|conn| this.return_connection(lane, conn))
                .map_err(Arc::new);
            this.report(&outcome);
            notify.send_replace(Some(outcome));
        });
        slot.dial = Some(Dial {
            done: done.clone(),
            _task: task,
        });
        done
    }

    /// Logs when reaching this member begins to fail, fails for another reason, or works again.
    fn report(&self, outcome: &Result<(), Arc<DialError>>) {
        let raft_id = self.receiver.raft_id;
        let refusal = outcome.as_ref().err().and_then(|error| error.refusal());
        if let Some(refusal) = refusal {
            self.dialer.admission().refused(&self.receiver, refusal);
        }
        let error = outcome.as_ref().err().map(ToString::to_string);
        let mut last = lock(&self.last_error);
        match (&*last, &error) {
            (Some(_), None) => tracing::info!(%raft_id, "member reached again"),
            (before, Some(now)) if before.as_ref() != Some(now) => match refusal {
                // Normal at first: founders open Raft one after another.
                Some(HandshakeRefusal::NotOpen) => {
                    tracing::info!(%raft_id, error = now, "member not reached")
                }
                _ => tracing::warn!(%raft_id, error = now, "member not reached"),
            },
            _ => {}
        }
        *last = error;
    }
}
