//! `influxd-ctl remove-data -drain`: copies what would fall below its replication factor, then
//! removes the data node. The meta nodes say which copy is next (`POST /drain-data`), and keep the
//! state of the drain in the catalog. This command only orders: it may be broken off at any time,
//! and the same command goes on.

use std::time::Duration;

use tokio::time::sleep;

use super::{copy_shard, remove_data};
use crate::client::Request;
use crate::ctl::output::{write_stderr, write_stdout};
use crate::ctl::progress::Progress;
use crate::ctl::session::Session;
use crate::wire::api::{DrainCopy, DrainPlan};
use crate::wire::go_duration;

/// Timeout of a request for the next copy. The leader asks all data nodes at once and waits up to
/// 10 s for them.
const DATA_NODES_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause before the next request while there is nothing to copy yet, or after a copy that failed.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Maximum number of steps that fail one after the other.
const MAX_FAILURES: usize = 3;

/// A drain, as it was ordered.
pub(super) struct Drain<'a> {
    pub(super) address: &'a str,
    /// Also if the data node does not answer.
    pub(super) force: bool,
    /// Duration after which shards that take points end, as Go writes it.
    pub(super) delay: &'a str,
}

/// Outcome of a step.
enum Step {
    /// No copy is left to make.
    Complete(DrainPlan),
    Copied,
    /// All shards that are left still take points, or are being copied.
    NothingYet,
}

/// Ends a drain that was broken off.
///
/// # Errors
/// The line for stderr.
pub(super) async fn cancel(session: &Session, address: &str) -> Result<String, String> {
    let fields = [("addr", address), ("cancel", "true")];
    let look = "influxd-ctl show: is the data node passive?";
    let attempt = async || {
        let request = Request::form("/drain-data", &fields);
        session
            .try_for(&session.bind, request, DATA_NODES_TIMEOUT)
            .await
    };
    session.change(&session.bind, look, attempt).await?;
    Ok(format!("Data node at {address} gets new shards again\n"))
}

impl Drain<'_> {
    /// Makes all copies and removes the data node. Returns the lines for stderr about what the
    /// removal leaves behind.
    ///
    /// # Errors
    /// The line for stderr.
    pub(super) async fn run(&self, session: &mut Session) -> Result<Vec<String>, String> {
        let mut progress = Progress::of_stderr();
        let (mut failures, mut answers) = (0, None);
        let plan = loop {
            let why = match self.step(session, &mut progress, &mut answers).await {
                Ok(Step::Complete(plan)) => break plan,
                Ok(step) => {
                    failures = 0;
                    if matches!(step, Step::NothingYet) {
                        sleep(POLL_INTERVAL).await;
                    }
                    continue;
                }
                Err(why) => why,
            };
            failures += 1;
            if answers.is_none() {
                return Err(why);
            }
            if failures == MAX_FAILURES {
                return Err(self.broken_off(&why));
            }
            progress.clear();
            write_stderr(&why);
            sleep(POLL_INTERVAL).await;
        };
        progress.clear();
        session.restart_timeout();
        // A data node that does not answer cannot reset itself.
        let force = self.force && !plan.answers;
        let mut notes = remove_data::remove(session, &session.bind, self.address, force).await?;
        notes.extend(self.notes(session, &plan));
        Ok(notes)
    }

    /// Asks for the next copy and makes it. A data node that does not answer for a moment must not
    /// end a drain of hours, so each step may fail. `answers` is whether the data node answered at
    /// the first step: one that did is not treated later as one whose points cannot be copied.
    async fn step(
        &self,
        session: &mut Session,
        progress: &mut Progress,
        answers: &mut Option<bool>,
    ) -> Result<Step, String> {
        session.restart_timeout();
        let plan = self.plan(session).await?;
        if *answers.get_or_insert(plan.answers) && !plan.answers {
            return Err(session.line(&format!("{} does not answer any more", self.address)));
        }
        if plan.copies_left == 0 {
            return Ok(Step::Complete(plan));
        }
        self.end_shards(session, progress, &plan).await?;
        let Some(copy) = &plan.next else {
            progress.show(&waiting(&plan));
            return Ok(Step::NothingYet);
        };
        self.copy(session, progress, copy).await?;
        Ok(Step::Copied)
    }

    /// Returns the next copy. Asking again is harmless.
    async fn plan(&self, session: &Session) -> Result<DrainPlan, String> {
        let force = if self.force { "true" } else { "false" };
        let fields = [("addr", self.address), ("force", force)];
        let attempt = async || {
            let request = Request::form("/drain-data", &fields);
            let answer = session
                .try_for(&session.bind, request, DATA_NODES_TIMEOUT)
                .await?;
            answer.json()
        };
        let look = "influxd-ctl show: is the data node passive?";
        session.change(&session.bind, look, attempt).await
    }

    /// Ends the shards that take points, unless that was ordered before: a shard that points are
    /// written to cannot be copied whole.
    async fn end_shards(
        &self,
        session: &mut Session,
        progress: &mut Progress,
        plan: &DrainPlan,
    ) -> Result<(), String> {
        let delay = go_duration::parse(self.delay).map_or(0, |delay| delay.0 / 1_000_000);
        let is_ending = plan.open_for_ms <= u64::try_from(delay).unwrap_or(0);
        if plan.open_shards == 0 || is_ending {
            return Ok(());
        }
        session.restart_timeout();
        let fields = [("delay", self.delay)];
        let attempt = async || {
            session
                .try_form(&session.bind, "/truncate-shards", &fields)
                .await
        };
        let look = "influxd-ctl show-shards: which groups end early?";
        session.change(&session.bind, look, attempt).await?;
        progress.clear();
        write_stdout("Truncated shards.");
        Ok(())
    }

    async fn copy(
        &self,
        session: &mut Session,
        progress: &mut Progress,
        copy: &DrainCopy,
    ) -> Result<(), String> {
        session.restart_timeout();
        let DrainCopy {
            source,
            dest,
            shard_id,
        } = copy;
        let copied = copy_shard::order(session, progress, source, dest, *shard_id).await?;
        progress.clear();
        write_stdout(&copy_shard::line(source, dest, *shard_id));
        if let Some(note) = copy_shard::note(session, dest, *shard_id, copied) {
            write_stderr(&note);
        }
        Ok(())
    }

    /// The line for stderr about a drain that ends before the removal.
    fn broken_off(&self, why: &str) -> String {
        let address = self.address;
        format!(
            "{why}\n{address} is still a member and gets no new shards. The same command goes on; \
             influxd-ctl remove-data -drain -cancel {address} keeps the data node"
        )
    }

    fn notes(&self, session: &Session, plan: &DrainPlan) -> Vec<String> {
        let mut notes = Vec::new();
        if !plan.answers {
            notes.push(session.line(&format!(
                "{} did not answer: its data is still on its disk",
                self.address
            )));
        }
        if plan.kept_short > 0 {
            notes.push(session.line(&format!(
                "{} shards have one copy less: {} did not answer, and their other owners hold no \
                 points of them",
                plan.kept_short, self.address
            )));
        }
        notes
    }
}

fn waiting(plan: &DrainPlan) -> String {
    let left = plan.copies_left;
    match plan.open_shards {
        0 => format!("copies left: {left}; waiting for those that are being made"),
        open => format!(
            "copies left: {left}; shards that take points: {open}, for {} s more",
            plan.open_for_ms.div_ceil(1000)
        ),
    }
}
