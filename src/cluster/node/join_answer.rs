//! Handling of the cluster's answers: a Raft id was given, this node was removed, or it rejoins
//! (founding.md J5, founding.md 7).
//!
//! Owns: the order of the writes, each with its reason. Never: when to ask.

use std::time::Duration;

use tokio::time::timeout;

use crate::base::{Address, Incarnation};
use crate::cluster::error::ClusterError;
use crate::cluster::founding::Event;
use crate::cluster::identity::record::{IdentityRecord, MembershipState, Seat};
use crate::cluster::node::membership_request::{MembershipRequest, PeerAnswer};
use crate::cluster::node::open_raft::RaftState;
use crate::cluster::node::{NodeTask, identity_file};
use crate::cluster::peers::exchange::PeerResponse;
use crate::wire::api::ErrorBody;
use crate::wire::joining::{JoinAnswer, RefusedBody, Removed};

/// Timeout for the end of Raft. It usually ends at once; a disk that hangs must not delay what was
/// decided.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

impl NodeTask {
    pub(super) async fn on_answer(&mut self, answer: PeerAnswer) -> Result<(), ClusterError> {
        let PeerAnswer {
            request,
            target,
            me,
            result,
        } = answer;
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
        // The leader's refusal is the same at every member. Other errors may differ by member.
        match response.status {
            409 => self.retry.refused(self.now(), text),
            _ => self.retry.failed(self.now(), text),
        }
    }

    /// Stores the Raft id before anything is done under it (founding.md J5).
    async fn on_joined(&mut self, answer: JoinAnswer) -> Result<(), ClusterError> {
        let record = self.founding.record().clone();
        let (cluster_id, raft_id) = (answer.cluster_id, answer.raft_id);
        match &record.standing {
            MembershipState::Fresh => {
                let standing = MembershipState::Joining {
                    seat: seat(&answer),
                    members: answer.members,
                };
                let record = IdentityRecord { standing, ..record };
                self.store_and_adopt(record).await?;
                tracing::info!(
                    event = "autojoin.place",
                    %cluster_id,
                    %raft_id,
                    "given a Raft id"
                );
                self.retry.settled(self.now(), Some(answer.state));
            }
            MembershipState::Joining { seat, .. }
                if seat.cluster_id == cluster_id && seat.raft_id != raft_id =>
            {
                self.rejoin_with_new_raft_id(record).await?;
            }
            MembershipState::Started { seat, .. } | MembershipState::Member { seat, .. }
                if seat.cluster_id == cluster_id =>
            {
                self.suspicious = false;
                // Still a member: the next request, if there is one, need not come soon.
                self.retry.answered(self.now(), String::new());
            }
            _ => self.retry.answered(self.now(), answer.state),
        }
        Ok(())
    }

    /// Begins anew under another Raft id: the leader dropped the old one while this node was away.
    /// A Raft id belongs to one log, so the old log is archived before the new id is stored. In
    /// between the record is `fresh`, and a fresh node speaks no Raft. After a crash in between,
    /// the node archives the log at its start and asks again.
    async fn rejoin_with_new_raft_id(
        &mut self,
        record: IdentityRecord,
    ) -> Result<(), ClusterError> {
        let record = IdentityRecord {
            standing: MembershipState::Fresh,
            ..record
        };
        self.state.store_record(&record).await?;
        self.close_or_end().await?;
        self.archive_log(record.incarnation).await?;
        self.adopt(record);
        self.retry.settled(self.now(), None);
        Ok(())
    }

    /// Handles the answer that this incarnation was removed from its cluster.
    async fn on_removed(
        &mut self,
        target: &Address,
        response: &PeerResponse,
    ) -> Result<(), ClusterError> {
        let Ok(RefusedBody {
            removed: Some(removed),
            ..
        }) = response.read::<RefusedBody>()
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

    /// Stores `removed`, then closes Raft. In the other order a crash in between would leave a
    /// member that speaks Raft again.
    async fn store_removal(
        &mut self,
        record: IdentityRecord,
        removed: Removed,
    ) -> Result<(), ClusterError> {
        let Removed {
            cluster_id,
            cluster_name,
            why,
            by,
            at,
        } = removed;
        tracing::warn!(
            event = "removed",
            %cluster_id,
            ?why,
            by,
            "this node was taken out of its cluster"
        );
        let record = IdentityRecord {
            standing: MembershipState::Removed {
                cluster_id,
                cluster_name,
                by,
                at,
                why,
            },
            ..record
        };
        self.state.store_record(&record).await?;
        self.suspicious = false;
        self.close_or_end().await?;
        self.adopt(record);
        self.retry.settled(self.now(), None);
        Ok(())
    }

    /// Archives the log durably, then stores a new incarnation. In the other order a crash would
    /// leave a fresh identity with a log that is not its own.
    async fn rejoin_as_new_incarnation(&mut self) -> Result<(), ClusterError> {
        let old = self.founding.record().incarnation;
        self.close_or_end().await?;
        self.archive_log(old).await?;
        let record = identity_file::new_record(&self.node.context.env);
        self.state.store_record(&record).await?;
        tracing::info!(
            event = "autojoin.back",
            %old,
            new = %record.incarnation,
            "coming back as a new incarnation"
        );
        self.adopt(record);
        self.retry.settled(self.now(), None);
        Ok(())
    }

    async fn store_and_adopt(&mut self, record: IdentityRecord) -> Result<(), ClusterError> {
        self.state.store_record(&record).await?;
        self.adopt(record);
        Ok(())
    }

    async fn archive_log(&mut self, incarnation: Incarnation) -> Result<(), ClusterError> {
        let context = &self.node.context;
        identity_file::archive_log(&context.env, &context.dir, incarnation).await
    }

    /// Tells founding that this record is on disk.
    pub(super) fn adopt(&mut self, record: IdentityRecord) {
        if matches!(record.standing, MembershipState::Removed { .. }) {
            // The way into the cluster begins again, and with it `join-timeout`.
            self.set_out = self.now();
        }
        for action in self.founding.handle(self.now(), Event::Stored(record)) {
            self.actions.push(action);
        }
    }

    /// Closes the open Raft node, if there is one; requests that wait for it get an error. Returns
    /// whether it closed in time.
    pub(super) async fn close(&mut self) -> bool {
        let raft_state = std::mem::replace(&mut self.raft_state, RaftState::NotYet);
        self.raft_changed = None;
        let RaftState::Open(raft) = raft_state else {
            return true;
        };
        self.state.set_raft(None);
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

    /// Closes Raft. If it does not close in time, the process ends: a second Raft node, of the next
    /// Raft id or incarnation, must not use a log that is still written to. The next start of the
    /// process finishes what was begun.
    async fn close_or_end(&mut self) -> Result<(), ClusterError> {
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
