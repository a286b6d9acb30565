//! Execution of one step: a request to Raft, or polls of other nodes. Each has a time limit.

use tokio::time::Instant;

use crate::cluster::leader::evidence::gather;
use crate::cluster::leader::timing::STEP_TIMEOUT;
use crate::cluster::membership::{Event, Step, StepError};
use crate::cluster::node::handle::NodeHandle;
use crate::cluster::peers::poll::who_is_at;
use crate::machine::{InternalCommand, Outcome};
use crate::raft::{ChangeError, ProposeError, Raft};
use crate::wire::envelope::Body;

pub(super) async fn execute(
    node: &NodeHandle,
    raft: &Raft,
    led_since: Instant,
    step: Step,
) -> Event {
    let deadline = Instant::now() + STEP_TIMEOUT;
    match step {
        Step::Propose(command) => Event::Done(propose(raft, command, deadline).await),
        Step::AddLearner {
            raft_id,
            incarnation,
        } => Event::Done(changed(
            raft.add_learner(raft_id, incarnation, deadline).await,
        )),
        Step::ChangeVoters { voters } => {
            let voters: Vec<_> = voters.into_iter().collect();
            Event::Done(changed(raft.change_voters(&voters, deadline).await))
        }
        Step::RemoveLearners { ids } => {
            let ids: Vec<_> = ids.into_iter().collect();
            Event::Done(changed(raft.remove_learners(&ids, deadline).await))
        }
        Step::Visit { pending } => {
            let answers = who_is_at(node, &pending.http).await;
            if answers
                .iter()
                .flatten()
                .any(|theirs| theirs.incarnation == pending.incarnation)
            {
                node.heard.note(pending.incarnation);
            }
            Event::Visited {
                incarnation: pending.incarnation,
                answers,
            }
        }
        Step::Inquire { newcomer, old } => {
            let name = (&newcomer.http, newcomer.incarnation);
            Event::Inquired(gather(node, raft, led_since.elapsed(), name, &old).await)
        }
    }
}

async fn propose(
    raft: &Raft,
    command: InternalCommand,
    deadline: Instant,
) -> Result<(), StepError> {
    match raft.propose(Body::Internal(command), deadline).await {
        Ok(Outcome::Applied { .. }) => Ok(()),
        Ok(Outcome::Refused(why)) => Err(StepError::Refused(why.to_string())),
        Err(ProposeError::NotLeader { .. }) => Err(StepError::NotLeader),
        Err(ProposeError::Unknown(_)) => Err(StepError::Unknown),
        Err(error) => Err(StepError::Refused(error.to_string())),
    }
}

fn changed(result: Result<(), ChangeError>) -> Result<(), StepError> {
    result.map_err(|error| match error {
        ChangeError::NotLeader { .. } => StepError::NotLeader,
        ChangeError::Refused(why) => StepError::Refused(why),
        ChangeError::Unknown => StepError::Unknown,
    })
}
