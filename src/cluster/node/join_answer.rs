//! What the answer to an errand changes: a place taken, a life ended, a new one begun (founding.md
//! 6, J5, and 7).
//!
//! Owns: the order of the writes; each comes with its reason. Never: when to ask.

use std::time::Duration;

use tokio::time::timeout;

use crate::base::Address;
use crate::cluster::founding::Event;
use crate::cluster::identity::record::{MembershipState, Record, Seat};
use crate::cluster::node::NodeTask;
use crate::cluster::node::join_request::{MembershipRequest, PeerAnswer};
use crate::cluster::node::open_raft::RaftState;
use crate::cluster::{ClusterError, PeerResponse};
use crate::wire::api::ErrorBody;
use crate::wire::joining::{JoinAnswer, Refused, Removed};

/// Raft ends at once as a rule; a disk that hangs must not hold up what was decided.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

impl NodeTask {
    pub(super) async fn on_asked(&mut self, asked: PeerAnswer) -> Result<(), ClusterError> {
        let PeerAnswer {
            request,
            target,
            me,
            result,
        } = asked;
        let now = self.now();
        if me != self.founding.record().incarnation {
            self.retry.settled(now, None);
            return Ok(());
        }
        let response = match result {
            Ok(response) => response,
            Err(error) => {
                self.retry.failed(now, format!("{target}: {error}"));
                return Ok(());
            }
        };
        match (request, response.status) {
            (MembershipRequest::Join, 200) if response.proven => {
                match response.read::<JoinAnswer>() {
                    Ok(answer) => self.on_joined(answer).await,
                    Err(error) => {
                        self.retry.failed(now, format!("{target}: {error}"));
                        Ok(())
                    }
                }
            }
            (MembershipRequest::Join, 410) if response.proven => {
                self.on_removed(&target, &response).await
            }
            (MembershipRequest::Moved, 200) => {
                self.retry
                    .answered(now, "its new addresses are known".to_owned());
                Ok(())
            }
            _ => {
                self.on_refusal(&target, &response);
                Ok(())
            }
        }
    }

    fn on_refusal(&mut self, target: &Address, response: &PeerResponse) {
        let refused = response.read::<ErrorBody>();
        let text = refused.map_or_else(
            |_| format!("HTTP {}", response.status),
            |refused| refused.error,
        );
        let text = format!("{target}: {text}");
        // A refusal by the leader is the same at every door; not to have one is not.
        match response.status {
            409 => self.retry.refused(self.now(), text),
            _ => self.retry.failed(self.now(), text),
        }
    }

    /// J5: the id is written down before anything is done under it.
    async fn on_joined(&mut self, answer: JoinAnswer) -> Result<(), ClusterError> {
        let record = self.founding.record().clone();
        let place = (answer.cluster_id, answer.raft_id);
        match &record.standing {
            MembershipState::Fresh => {
                let standing = MembershipState::Joining {
                    seat: seat(&answer),
                    members: answer.members,
                };
                let record = Record { standing, ..record };
                self.store_and_adopt(record).await?;
                tracing::info!(event = "autojoin.place", cluster_id = %place.0, raft_id = %place.1, "given a Raft id");
                self.retry.settled(self.now(), Some(answer.state));
            }
            MembershipState::Joining { seat, .. }
                if seat.cluster_id == place.0 && seat.raft_id != place.1 =>
            {
                self.rejoin_with_new_raft_id(record).await?;
            }
            MembershipState::Started { seat, .. } | MembershipState::Member { seat, .. }
                if seat.cluster_id == place.0 =>
            {
                self.suspicious = false;
                // A member after all: whoever asks again does so at leisure.
                self.retry.answered(self.now(), String::new());
            }
            _ => self.retry.answered(self.now(), answer.state),
        }
        Ok(())
    }

    /// This node's place was given up while it was away, and it has another one. A Raft id belongs
    /// to one log: the old one goes before the new id is written down. As `fresh` it speaks no
    /// Raft, so that a crash in between leaves a node that finishes this at its start and asks
    /// again.
    async fn rejoin_with_new_raft_id(&mut self, record: Record) -> Result<(), ClusterError> {
        let record = Record {
            standing: MembershipState::Fresh,
            ..record
        };
        self.shared.store(&record).await?;
        self.shared.set_record(record.clone());
        self.close_before_archiving().await?;
        self.shared.archive_log(record.incarnation).await?;
        self.adopt(record);
        self.retry.settled(self.now(), None);
        Ok(())
    }

    /// A member says that this incarnation was taken out of its cluster.
    async fn on_removed(
        &mut self,
        target: &Address,
        response: &PeerResponse,
    ) -> Result<(), ClusterError> {
        let Ok(Refused {
            removed: Some(removed),
            ..
        }) = response.read::<Refused>()
        else {
            self.on_refusal(target, response);
            return Ok(());
        };
        let record = self.founding.record().clone();
        match record.seat() {
            Some(seat) if seat.cluster_id != removed.cluster_id => {
                self.retry
                    .failed(self.now(), format!("{target} is in another cluster now"));
                Ok(())
            }
            _ if matches!(record.standing, MembershipState::Removed { .. }) => {
                self.rejoin_as_new_incarnation().await
            }
            _ => self.store_removal(record, removed).await,
        }
    }

    /// `removed` is on disk before Raft is closed: a crash in between must not leave a member that
    /// speaks again.
    async fn store_removal(
        &mut self,
        record: Record,
        removed: Removed,
    ) -> Result<(), ClusterError> {
        let Removed {
            cluster_id,
            cluster_name,
            why,
            by,
            at,
        } = removed;
        tracing::warn!(event = "removed", %cluster_id, ?why, by, "this node was taken out of its cluster");
        let record = Record {
            standing: MembershipState::Removed {
                cluster_id,
                cluster_name,
                by,
                at,
                why,
            },
            ..record
        };
        self.shared.store(&record).await?;
        self.shared.set_record(record.clone());
        self.suspicious = false;
        self.close().await;
        self.adopt(record);
        self.retry.settled(self.now(), None);
        Ok(())
    }

    /// A new life: the log of the old one is set aside, durably, before the new identity is
    /// written. The other way round a crash would leave a fresh identity over a log that is not its
    /// own.
    async fn rejoin_as_new_incarnation(&mut self) -> Result<(), ClusterError> {
        let old = self.founding.record().incarnation;
        self.close_before_archiving().await?;
        self.shared.archive_log(old).await?;
        let record = crate::cluster::node::new_record(&self.shared.env);
        self.shared.store(&record).await?;
        self.shared.set_record(record.clone());
        tracing::info!(event = "autojoin.back", %old, new = %record.incarnation, "coming back as a new incarnation");
        self.adopt(record);
        self.retry.settled(self.now(), None);
        Ok(())
    }

    async fn store_and_adopt(&mut self, record: Record) -> Result<(), ClusterError> {
        self.shared.store(&record).await?;
        self.shared.set_record(record.clone());
        self.adopt(record);
        Ok(())
    }

    /// What was stored outside of the founding machine's own actions.
    pub(super) fn adopt(&mut self, record: Record) {
        if matches!(record.standing, MembershipState::Removed { .. }) {
            // `join-timeout` is for whoever is on the way in, from when it set out.
            self.set_out = self.now();
        }
        for action in self.founding.handle(self.now(), Event::Stored(record)) {
            self.later.push(action);
        }
    }

    /// Ends the open Raft node, if there is one; requests that wait for it are told.
    async fn close(&mut self) -> bool {
        let raft_state = std::mem::replace(&mut self.raft_state, RaftState::NotYet);
        self.raft_changed = None;
        let RaftState::Open(raft) = raft_state else {
            return true;
        };
        self.shared.clear_raft();
        self.publish();
        let closed = timeout(SHUTDOWN_TIMEOUT, raft.shutdown()).await.is_ok();
        if !closed {
            tracing::warn!(
                event = "removed.slow",
                "Raft did not stop in {SHUTDOWN_TIMEOUT:?}"
            );
        }
        closed
    }

    /// Before the log is set aside. One that is still written to would go on under the next life:
    /// then the process ends, and its next start finishes what was begun.
    async fn close_before_archiving(&mut self) -> Result<(), ClusterError> {
        if self.close().await {
            return Ok(());
        }
        let source = std::io::Error::new(std::io::ErrorKind::TimedOut, "the disk does not answer");
        Err(ClusterError::Io {
            operation: "closing the log",
            source,
        })
    }
}

fn seat(answer: &JoinAnswer) -> Seat {
    Seat {
        cluster_id: answer.cluster_id,
        cluster_name: answer.cluster_name.clone(),
        raft_id: answer.raft_id,
        opened: false,
        recovered_from: None,
    }
}
