//! The log lines of founding: one for each change of what is waited for, and a heartbeat at 10 s,
//! 30 s and every minute after; never one per retry.

use std::time::Duration;

use crate::cluster::founding::{Block, NOT_ASKED, StoreReason};
use crate::cluster::identity::record::Record;
use crate::cluster::node::view_builder::NO_SECRET;
use crate::cluster::{Activity, View};

pub(super) struct ProgressLog {
    response: Option<(Activity, String)>,
    /// Since when that is so, and when it is said again.
    since: Duration,
    again: Duration,
    alarm: Option<String>,
    warnings: Vec<String>,
    had_leader: bool,
    /// Since when it has none; from the start of the process before the first.
    leaderless: Duration,
    led: bool,
}

/// What makes one state another for a reader: who is missing, not how exactly; reasons change with
/// every retry.
fn subject(view: &View) -> String {
    match view.doing {
        Activity::Waiting => view
            .missing
            .iter()
            .map(|missing| format!("{} ", missing.address))
            .collect(),
        _ => view.reason.clone(),
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
            response: None,
            since: Duration::ZERO,
            again: REPEAT_AFTER[0],
            alarm: None,
            warnings: Vec::new(),
            had_leader: false,
            leaderless: Duration::ZERO,
            led: false,
        }
    }

    /// `started` is on disk.
    pub(super) fn stored(&self, record: &Record, why: StoreReason) {
        let Some(seat) = record.seat() else { return };
        let text = match why {
            StoreReason::Start => "all founders agree, founding the cluster",
            StoreReason::Follow => "a founder that agreed with this node has started: following it",
        };
        tracing::info!(event = "autojoin.found", cluster_id = %seat.cluster_id, raft_id = %seat.raft_id, "{text}");
    }

    /// Whether there was something to say.
    pub(super) fn report(&mut self, now: Duration, view: &View, alarm: Option<&Block>) -> bool {
        self.tell_alarm(alarm);
        for warning in self.new_warnings(view) {
            tracing::warn!(event = "cluster.warning", "{warning}");
        }
        let current = (view.doing, subject(view));
        if view.missing.iter().any(|missing| missing.why == NOT_ASKED) {
            // Before everybody was asked once there is nothing to tell.
            return false;
        }
        if self.response.as_ref() == Some(&current) {
            if now < self.again {
                return false;
            }
            self.again = self.next_beat(now);
        } else {
            if self.response.as_ref().map(|(doing, _)| *doing) != Some(view.doing) {
                self.since = now;
            }
            self.again = self.next_beat(now);
            self.response = Some(current);
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
            Activity::ByHand => tracing::info!(event = "autojoin.by-hand", "{}", view.reason),
            Activity::Open => self.open(now, view),
        }
    }

    fn open(&mut self, now: Duration, view: &View) {
        let has_leader = !view.reason.contains("without a leader");
        let (Some(cluster_id), Some(raft_id)) = (view.cluster_id, view.raft_id) else {
            return;
        };
        if has_leader && !self.had_leader {
            let elapsed = format!("{:.1}s", now.saturating_sub(self.leaderless).as_secs_f64());
            if self.led {
                tracing::info!(event = "cluster.leader", %cluster_id, %raft_id, elapsed, "there is a leader again");
            } else {
                tracing::info!(event = "autojoin.done", %cluster_id, %raft_id, elapsed, "in a cluster with a leader");
            }
            self.led = true;
        } else if !has_leader {
            if self.had_leader {
                self.leaderless = now;
            }
            // The first election of a process is no loss yet.
            if !self.led && now < self.since + REPEAT_AFTER[0] {
                tracing::info!(event = "cluster.no-leader", %cluster_id, %raft_id, "{}", view.reason);
            } else {
                tracing::warn!(event = "cluster.no-leader", %cluster_id, %raft_id, "{}", view.reason);
            }
        }
        self.had_leader = has_leader;
        if has_leader {
            // Nothing more to say until something changes.
            self.again = Duration::MAX;
        }
    }

    fn tell_alarm(&mut self, alarm: Option<&Block>) {
        let text = alarm.map(ToString::to_string);
        if text != self.alarm {
            if let Some(text) = &text {
                tracing::error!(event = "cluster.alarm", "{text}");
            }
            self.alarm = text;
        }
    }

    /// Those that this log has not: an alarm has a line of its own, and the secret was asked for at
    /// the start.
    fn new_warnings(&mut self, view: &View) -> Vec<String> {
        let of_alarm = |text: &String| self.alarm.as_ref() == Some(text) || text == NO_SECRET;
        let standing: Vec<String> = view
            .warnings
            .iter()
            .filter(|text| !of_alarm(text))
            .cloned()
            .collect();
        let new = standing
            .iter()
            .filter(|text| !self.warnings.contains(text))
            .cloned()
            .collect();
        self.warnings = standing;
        new
    }

    fn next_beat(&self, now: Duration) -> Duration {
        let elapsed = now.saturating_sub(self.since);
        let next = REPEAT_AFTER.into_iter().find(|beat| *beat > elapsed);
        self.since + next.unwrap_or_else(|| REPEAT_AFTER[2] * (elapsed.as_secs() / 60 + 1) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Address, Incarnation};
    use crate::cluster::Missing;
    use crate::wire::identity::Phase;

    fn waiting(missing: &[&str], why: &str) -> View {
        let missing = missing.iter().map(|host| {
            let address = Address::new(host, 8091);
            Missing {
                address,
                why: why.to_owned(),
            }
        });
        View {
            doing: Activity::Waiting,
            phase: Phase::Fresh,
            reason: format!("waiting ({why})"),
            missing: missing.collect(),
            incarnation: Incarnation([1; 16]),
            http: None,
            raft: None,
            cluster_id: None,
            cluster_name: String::new(),
            raft_id: None,
            warnings: Vec::new(),
        }
    }

    /// A third node ten minutes late: the log of the others stays readable.
    #[test]
    fn ten_minutes_of_retries_are_a_dozen_lines() {
        let (mut progress_log, mut lines) = (ProgressLog::new(), Vec::new());
        for tenth in 0..6000_u64 {
            let now = Duration::from_millis(tenth * 100);
            let why = if tenth % 2 == 0 {
                "connection refused"
            } else {
                "no answer in time"
            };
            if progress_log.report(now, &waiting(&["meta-3"], why), None) {
                lines.push(now.as_secs());
            }
        }
        assert_eq!(
            lines,
            [0, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540]
        );
    }

    /// `show` and `/healthz` show them all the time; the log has each when it comes up.
    #[test]
    fn a_standing_warning_is_told_when_it_comes_up() {
        let mut progress_log = ProgressLog::new();
        let mut news = |warnings: &[&str]| {
            let warnings = warnings.iter().map(|text| (*text).to_owned()).collect();
            progress_log.new_warnings(&View {
                warnings,
                ..waiting(&[], "")
            })
        };
        assert_eq!(news(&["two voters", NO_SECRET]), ["two voters"]);
        assert!(news(&["two voters", NO_SECRET]).is_empty());
        assert!(news(&[]).is_empty());
        assert_eq!(
            news(&["one voter", "two voters"]),
            ["one voter", "two voters"]
        );
    }

    #[test]
    fn each_change_of_the_missing_set_is_told_once() {
        let mut progress_log = ProgressLog::new();
        let now = Duration::from_secs(1);
        assert!(!progress_log.report(now, &waiting(&["meta-2", "meta-3"], NOT_ASKED), None));
        assert!(progress_log.report(now, &waiting(&["meta-2", "meta-3"], "name unknown"), None));
        assert!(!progress_log.report(
            now,
            &waiting(&["meta-2", "meta-3"], "connection refused"),
            None
        ));
        assert!(progress_log.report(now, &waiting(&["meta-3"], "name unknown"), None));
    }
}
