//! Log lines about this node's way into a cluster: one for each change of what it waits for, and a
//! repetition after 10 s, 30 s and every minute. There is never a line for each retry.

use std::time::Duration;

use crate::base::{Address, without_measures};
use crate::cluster::activity::{Activity, MissingReason};
use crate::cluster::founding::{Block, StoreReason};
use crate::cluster::identity::record::IdentityRecord;
use crate::cluster::view::View;
use crate::cluster::warning::Warning;

pub(super) struct ProgressLog {
    /// The state of the last line.
    reported: Option<ReportedState>,
    /// Time at which the present activity began.
    since: Duration,
    /// Time of the next repetition.
    again: Duration,
    alarm: Option<Block>,
    warnings: Vec<Warning>,
    had_leader: bool,
    /// Time at which the last leader was lost; before the first leader, the start of the process.
    leaderless_since: Duration,
    ever_had_leader: bool,
}

/// The part of a view that makes a new line. For a node that waits, only the missing addresses
/// count: their reasons change with every retry.
#[derive(PartialEq)]
enum ReportedState {
    Waiting(Vec<Address>),
    Other(Activity, String),
}

impl ReportedState {
    fn of(view: &View) -> Self {
        match view.doing {
            Activity::Waiting => {
                let addresses = view.missing.iter().map(|missing| missing.address.clone());
                Self::Waiting(addresses.collect())
            }
            // A refusal of the leader may have another measure at each attempt: "1200 ms ago".
            doing => Self::Other(doing, without_measures(&view.reason)),
        }
    }

    fn activity(&self) -> Activity {
        match self {
            Self::Waiting(_) => Activity::Waiting,
            Self::Other(doing, _) => *doing,
        }
    }
}

const REPEAT_AFTER: [Duration; 3] = [
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
];

impl ProgressLog {
    pub(super) fn new() -> Self {
        Self {
            reported: None,
            since: Duration::ZERO,
            again: REPEAT_AFTER[0],
            alarm: None,
            warnings: Vec::new(),
            had_leader: false,
            leaderless_since: Duration::ZERO,
            ever_had_leader: false,
        }
    }

    /// Logs that the phase `started` is on disk.
    pub(super) fn stored(&self, record: &IdentityRecord, why: StoreReason) {
        let Some(seat) = record.seat() else { return };
        let text = match why {
            StoreReason::Start => "all founders agree, founding the cluster",
            StoreReason::Follow => "a founder that agreed with this node has started: following it",
        };
        tracing::info!(
            event = "autojoin.found",
            cluster_id = %seat.cluster_id,
            raft_id = %seat.raft_id,
            "{text}"
        );
    }

    /// Logs what is new in the view. Returns whether a line about the activity was written.
    pub(super) fn report(&mut self, now: Duration, view: &View) -> bool {
        self.report_alarm(view);
        for warning in self.new_warnings(view) {
            if matches!(warning, Warning::Twin(_)) {
                tracing::error!(event = "cluster.alarm", "{warning}");
            } else {
                tracing::warn!(event = "cluster.warning", "{warning}");
            }
        }
        let current = ReportedState::of(view);
        let mut missing = view.missing.iter();
        if missing.any(|missing| missing.why == MissingReason::NotAskedYet) {
            // Nothing is known before every founder was asked once.
            return false;
        }
        if self.reported.as_ref() == Some(&current) {
            if now < self.again {
                return false;
            }
            self.again = self.next_repetition(now);
        } else {
            if self.reported.as_ref().map(ReportedState::activity) != Some(view.doing) {
                self.since = now;
            }
            self.again = self.next_repetition(now);
            self.reported = Some(current);
        }
        self.line(now, view);
        true
    }

    fn line(&mut self, now: Duration, view: &View) {
        let elapsed = format!("{:.1}s", now.saturating_sub(self.since).as_secs_f64());
        let missing = view
            .missing
            .iter()
            .map(|m| format!("{}={}", m.address, m.why))
            .collect::<Vec<_>>();
        let missing = missing.join(", ");
        match view.doing {
            Activity::Waiting => {
                tracing::info!(event = "autojoin.wait", missing, elapsed, "{}", view.reason)
            }
            Activity::Founding => {
                tracing::info!(event = "autojoin.agree", elapsed, "{}", view.reason)
            }
            Activity::Joining => {
                tracing::warn!(event = "autojoin.join", elapsed, "{}", view.reason)
            }
            Activity::Blocked => {
                tracing::error!(event = "autojoin.blocked", elapsed, "{}", view.reason)
            }
            Activity::Halted => tracing::error!(event = "halted", "{}", view.reason),
            Activity::Removed => tracing::warn!(event = "removed", "{}", view.reason),
            Activity::Manual => tracing::info!(event = "autojoin.by-hand", "{}", view.reason),
            Activity::Open => self.open_line(now, view),
        }
    }

    fn open_line(&mut self, now: Duration, view: &View) {
        let has_leader = view.has_leader;
        let (Some(cluster_id), Some(raft_id)) = (view.cluster_id, view.raft_id) else {
            return;
        };
        if has_leader && !self.had_leader {
            let elapsed = now.saturating_sub(self.leaderless_since).as_secs_f64();
            let elapsed = format!("{elapsed:.1}s");
            if self.ever_had_leader {
                tracing::info!(
                    event = "cluster.leader", %cluster_id, %raft_id, elapsed,
                    "there is a leader again"
                );
            } else {
                tracing::info!(
                    event = "autojoin.done", %cluster_id, %raft_id, elapsed,
                    "in a cluster with a leader"
                );
            }
            self.ever_had_leader = true;
        } else if !has_leader {
            if self.had_leader {
                self.leaderless_since = now;
            }
            // The first election of a process is no loss of a leader yet.
            if !self.ever_had_leader && now < self.since + REPEAT_AFTER[0] {
                tracing::info!(
                    event = "cluster.no-leader", %cluster_id, %raft_id,
                    "{}", view.reason
                );
            } else {
                tracing::warn!(
                    event = "cluster.no-leader", %cluster_id, %raft_id,
                    "{}", view.reason
                );
            }
        }
        self.had_leader = has_leader;
        if has_leader {
            // Not repeated until something changes.
            self.again = Duration::MAX;
        }
    }

    fn report_alarm(&mut self, view: &View) {
        let alarm = view.warnings.iter().find_map(|warning| match warning {
            Warning::Founding(block) => Some(block),
            _ => None,
        });
        if alarm != self.alarm.as_ref() {
            if let Some(alarm) = alarm {
                tracing::error!(event = "cluster.alarm", "{alarm}");
            }
            self.alarm = alarm.cloned();
        }
    }

    /// Returns the warnings that the log does not have yet. Leaves out the alarm of founding, which
    /// has a line of its own, and a short secret, which is logged at the start.
    fn new_warnings(&mut self, view: &View) -> Vec<Warning> {
        let is_logged_here =
            |warning: &&Warning| !matches!(warning, Warning::Founding(_) | Warning::ShortSecret);
        let standing: Vec<Warning> = view
            .warnings
            .iter()
            .filter(is_logged_here)
            .cloned()
            .collect();
        let new = standing
            .iter()
            .filter(|warning| {
                let mut logged = self.warnings.iter();
                !logged.any(|logged| logged.is_same_condition(warning))
            })
            .cloned()
            .collect();
        self.warnings = standing;
        new
    }

    fn next_repetition(&self, now: Duration) -> Duration {
        let elapsed = now.saturating_sub(self.since);
        let next = REPEAT_AFTER.into_iter().find(|after| *after > elapsed);
        self.since + next.unwrap_or_else(|| REPEAT_AFTER[2] * (elapsed.as_secs() / 60 + 1) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::PeerPolicy;
    use crate::base::Incarnation;
    use crate::cluster::activity::Missing;
    use crate::cluster::founding::OtherMembers;
    use crate::cluster::peers::exchange::PollError;
    use crate::raft::{ClockFault, DiskFault};
    use crate::wire::identity::Phase;

    const REFUSED: MissingReason = MissingReason::NoAnswer(PollError::Refused);
    const UNKNOWN: MissingReason = MissingReason::NoAnswer(PollError::NAME_UNKNOWN);

    fn waiting(missing: &[&str], why: &MissingReason) -> View {
        let missing = missing.iter().map(|host| {
            let address = Address::new(host, 8091);
            let why = why.clone();
            Missing { address, why }
        });
        View {
            doing: Activity::Waiting,
            phase: Phase::Fresh,
            reason: format!("waiting ({why})"),
            has_leader: false,
            missing: missing.collect(),
            incarnation: Incarnation([1; 16]),
            http: None,
            raft: None,
            cluster_id: None,
            cluster_name: String::new(),
            raft_id: None,
            warnings: Vec::new(),
            other_members: OtherMembers::default(),
            peer_policy: PeerPolicy::Open,
        }
    }

    /// With a third node that is ten minutes late, the log of the others stays readable.
    #[test]
    fn ten_minutes_of_retries_are_a_dozen_lines() {
        let (mut progress_log, mut lines) = (ProgressLog::new(), Vec::new());
        let timeout = MissingReason::NoAnswer(PollError::Timeout);
        for tenth in 0..6000_u64 {
            let now = Duration::from_millis(tenth * 100);
            let why = if tenth % 2 == 0 { &REFUSED } else { &timeout };
            if progress_log.report(now, &waiting(&["meta-3"], why)) {
                lines.push(now.as_secs());
            }
        }
        assert_eq!(
            lines,
            [0, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540]
        );
    }

    /// `show` and `/healthz` list warnings all the time; the log has each once, when it begins.
    #[test]
    fn a_standing_warning_is_told_when_it_comes_up() {
        let mut progress_log = ProgressLog::new();
        let mut news = |warnings: &[Warning]| {
            progress_log.new_warnings(&View {
                warnings: warnings.to_vec(),
                ..waiting(&[], &REFUSED)
            })
        };
        assert_eq!(
            news(&[Warning::TwoVoters, Warning::ShortSecret]),
            [Warning::TwoVoters]
        );
        assert!(news(&[Warning::TwoVoters, Warning::ShortSecret]).is_empty());
        assert!(news(&[]).is_empty());
        assert_eq!(
            news(&[Warning::OneVoter, Warning::TwoVoters]),
            [Warning::OneVoter, Warning::TwoVoters]
        );
    }

    /// A wrong clock and a full disk show another measure at each event.
    #[test]
    fn a_warning_whose_measure_changes_is_told_once() {
        let mut progress_log = ProgressLog::new();
        let mut told = |n: u64| {
            let by = Duration::from_secs(3600 + 100 * n);
            let (free, needed) = (n << 21, 24 << 20);
            let warnings = vec![
                Warning::Clock(ClockFault::Behind { by }),
                Warning::Disk(DiskFault::Full { free, needed }),
            ];
            let view = View {
                warnings,
                ..waiting(&[], &REFUSED)
            };
            progress_log.new_warnings(&view).len()
        };
        assert_eq!([0, 1, 2].map(&mut told), [2, 0, 0]);
        let ahead = |millis| {
            let by = Duration::from_millis(millis);
            Warning::Clock(ClockFault::Ahead { by }).rounded()
        };
        assert_eq!(ahead(3_600_001), ahead(3_600_002));
        assert!(!ahead(3_600_000).is_same_condition(&Warning::TwoVoters));
    }

    /// A leader that refuses a newcomer says how long ago it heard the member, at each attempt.
    #[test]
    fn a_reason_whose_measure_changes_is_repeated_as_if_it_did_not() {
        let (mut progress_log, mut lines) = (ProgressLog::new(), Vec::new());
        for attempt in 0..60_u64 {
            let heard = 137 * attempt;
            let view = View {
                doing: Activity::Joining,
                reason: format!("meta-1:8091 is still in use (heard {heard} ms ago); two nodes"),
                ..waiting(&[], &REFUSED)
            };
            let now = Duration::from_secs(2 * attempt);
            if progress_log.report(now, &view) {
                lines.push(now.as_secs());
            }
        }
        assert_eq!(lines, [0, 10, 30, 60]);
    }

    #[test]
    fn each_change_of_the_missing_set_is_told_once() {
        let mut progress_log = ProgressLog::new();
        let now = Duration::from_secs(1);
        let both = ["meta-2", "meta-3"];
        assert!(!progress_log.report(now, &waiting(&both, &MissingReason::NotAskedYet)));
        assert!(progress_log.report(now, &waiting(&both, &UNKNOWN)));
        assert!(!progress_log.report(now, &waiting(&both, &REFUSED)));
        assert!(progress_log.report(now, &waiting(&["meta-3"], &UNKNOWN)));
    }
}
