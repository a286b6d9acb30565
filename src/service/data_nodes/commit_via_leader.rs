//! The last step of something that was long under way: it is taken through whoever leads by then.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::{Error, Service};
use crate::machine::WireCommand;
use crate::raft::Raft;
use crate::service::leader::meta_node_at;
use crate::service::{FORWARDED_HEADER, ForwardedRequest};
use crate::wire::execute;

/// After hours of work it is not given up because a leader is being elected.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(300);
const RETRY_DELAY: Duration = Duration::from_millis(500);

impl Service {
    /// Executes a command of the wire that may be executed twice.
    ///
    /// # Errors
    /// It is refused, or nobody took it in time.
    pub(in crate::service) async fn change_anywhere(
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
                Ok(None) => self.change_elsewhere(raft, &command, deadline).await,
                other => other,
            };
            match tried {
                Ok(Some(())) => return Ok(()),
                Ok(None) | Err(Error::NoLeader { .. } | Error::Unknown(_))
                    if Instant::now() < deadline =>
                {
                    sleep(RETRY_DELAY).await;
                }
                Ok(None) => return Err(Error::NoLeader { reachable: None }),
                Err(error) => return Err(error),
            }
        }
    }

    async fn change_elsewhere(
        &self,
        raft: &Raft,
        command: &WireCommand,
        deadline: Instant,
    ) -> Result<Option<()>, Error> {
        let Some(leader) = self.leader_elsewhere(raft) else {
            return Ok(None);
        };
        let Some(incarnation) = meta_node_at(raft, &leader).map(|node| node.incarnation) else {
            return Ok(None);
        };
        // The caller's word is spent by now: it is this node that asks.
        let authorization = self.config.login.authorization(self.env.clock.now());
        let authorization = authorization.map(|value| ("authorization".to_owned(), value.into()));
        let carried = (FORWARDED_HEADER.to_owned(), Bytes::from_static(b"1"));
        let request = ForwardedRequest {
            method: "POST".to_owned(),
            path_and_query: "/execute".to_owned(),
            headers: [carried].into_iter().chain(authorization).collect(),
            body: execute::encode(command),
        };
        match self
            .carrier
            .forward(&leader, &request.meant_for(incarnation), deadline)
            .await
        {
            Ok(answer) if answer.status == 200 => match execute::decode_response(&answer.body) {
                Ok(Ok(_)) => Ok(Some(())),
                Ok(Err(refused)) => Err(Error::DataNode(refused)),
                Err(_) => Ok(None),
            },
            _ => Ok(None),
        }
    }
}
