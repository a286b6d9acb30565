//! Commits the last command of a long operation through the node that leads by then.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::{Error, Service};
use crate::machine::WireCommand;
use crate::raft::Raft;
use crate::service::leader::meta_node_at;
use crate::service::{DataNodeError, ForwardedRequest};
use crate::wire::{execute, headers};

/// Timeout for the commit. An election must not make hours of work fail.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(300);
const RETRY_DELAY: Duration = Duration::from_millis(500);

impl Service {
    /// Executes a command of the wire that is idempotent.
    ///
    /// # Errors
    /// The command is refused, or no leader executed it in time.
    pub(in crate::service) async fn commit_via_leader(
        &self,
        raft: &Raft,
        command: WireCommand,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + COMMIT_TIMEOUT;
        loop {
            let tried = match self
                .change(raft, command.clone(), self.deadline().min(deadline))
                .await
            {
                Err(Error::NotLeader(_)) => self.commit_at_leader(raft, &command, deadline).await,
                other => other,
            };
            match tried {
                Err(Error::NoLeader { .. } | Error::Unknown(_)) if Instant::now() < deadline => {
                    sleep(RETRY_DELAY).await;
                }
                other => return other,
            }
        }
    }

    /// Executes a command at another node, which leads.
    ///
    /// # Errors
    /// `NoLeader`: there is none, or it did not return the outcome of the command.
    async fn commit_at_leader(
        &self,
        raft: &Raft,
        command: &WireCommand,
        deadline: Instant,
    ) -> Result<(), Error> {
        const NO_LEADER: Error = Error::NoLeader { reachable: None };
        let leader = self.leader_elsewhere(raft).ok_or(NO_LEADER)?;
        let body = execute::encode(command);
        let incarnation = meta_node_at(raft, &leader).ok_or(NO_LEADER)?.incarnation;
        // The caller's credentials are not kept for so long: this node sends the request as itself.
        let authorization = self.config.login.authorization(self.env.clock.now());
        let authorization = authorization.map(|value| ("authorization".to_owned(), value.into()));
        let forwarded = (headers::FORWARDED.to_owned(), Bytes::from_static(b"1"));
        let request = ForwardedRequest {
            method: "POST".to_owned(),
            path_and_query: "/execute".to_owned(),
            headers: [forwarded].into_iter().chain(authorization).collect(),
            body,
        };
        match self
            .forwarder
            .forward(&leader, &request.meant_for(incarnation), deadline)
            .await
        {
            Ok(answer) if answer.status == 200 => match execute::decode_response(&answer.body) {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(text)) => Err(DataNodeError::RefusedByLeader { text }.into()),
                Err(_) => Err(NO_LEADER),
            },
            _ => Err(NO_LEADER),
        }
    }
}
