//! Crashes of a recorded run: after each change of the disk, as by a kill, and as by a power loss
//! with subsets of what was not synced.

use openraft::StorageHelper;
use openraft::testing::log::Suite;

use super::model::{Durable, Step};
use super::recording::{Journal, OnRecordedDisk, Recorded};
use super::{PurgeRule, Stores, open, open_log_id, open_with};
use crate::runtime::disk::{Fake, Op};
use crate::wire::state;

/// Numbers of what was checked, so that a test can say that it checked something.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Checked {
    pub(super) crashes: usize,
    /// Crashes in runs that follow the rules of Raft: what openraft itself finds is checked, too.
    pub(super) in_raft: usize,
}

impl std::ops::AddAssign for Checked {
    fn add_assign(&mut self, more: Self) {
        self.crashes += more.crashes;
        self.in_raft += more.in_raft;
    }
}

/// Content of the volume after a step, and the place in the disk's history from which on the step is
/// acknowledged.
struct After {
    content: Durable,
    acknowledged: Option<usize>,
}

/// Contents that a crash may leave.
struct Expected {
    rule: PurgeRule,
    /// `logs[n]` is the content after n steps of the log.
    logs: Vec<After>,
    /// `snapshots[n]` is the content after n snapshots.
    snapshots: Vec<After>,
}

impl Expected {
    fn of(run: &Recorded) -> Self {
        let base = || After {
            content: run.base.clone(),
            acknowledged: Some(0),
        };
        let mut expected = Self {
            rule: PurgeRule::NeedsSnapshot,
            logs: vec![base()],
            snapshots: vec![base()],
        };
        let mut content = run.base.clone();
        for asked in &run.steps {
            if !content.allows(&asked.step) {
                expected.rule = PurgeRule::Free;
            }
            content.take(&asked.step);
            let of_its_kind = match asked.step {
                Step::Snapshot(_) => &mut expected.snapshots,
                _ => &mut expected.logs,
            };
            of_its_kind.push(After {
                content: content.clone(),
                acknowledged: asked.acknowledged,
            });
        }
        expected
    }

    /// Asserts that a volume has every step that was acknowledged up to `place`, and that it is a
    /// prefix of what was asked.
    fn assert_holds(&self, found: &Durable, place: usize, case: &str) {
        let logs = self
            .logs
            .iter()
            .rposition(|after| after.content.log == found.log);
        let logs = logs.unwrap_or_else(|| panic!("{case}: no prefix of what was asked: {found:?}"));
        let least = acknowledged(&self.logs, place);
        assert!(
            logs >= least,
            "{case}: {least} steps were acknowledged, {logs} are left"
        );
        let is_found = |after: &After| after.content.snapshot == found.snapshot;
        let snapshots = self.snapshots.iter().rposition(is_found);
        let snapshots = snapshots.unwrap_or_else(|| panic!("{case}: never stored: {found:?}"));
        let least = acknowledged(&self.snapshots, place);
        assert!(
            snapshots >= least,
            "{case}: {least} snapshots were acknowledged, {snapshots} are left"
        );
    }
}

/// Number of steps that are acknowledged at this place. One that is acknowledged has all before it.
fn acknowledged(steps: &[After], place: usize) -> usize {
    let is_acknowledged = |after: &After| after.acknowledged.is_some_and(|from| from <= place);
    steps.iter().rposition(is_acknowledged).unwrap_or(0)
}

/// Opens a volume as openraft does at a start: it cleans up, and applies what is committed.
pub(super) async fn start(stores: &mut Stores, case: &str) {
    let opened = StorageHelper::new(&mut stores.log, &mut stores.machine)
        .with_id(1)
        .get_initial_state()
        .await;
    assert!(opened.is_ok(), "{case}: {:?}", opened.err());
    assert!(
        stores.halt_latch.get().is_none(),
        "{case}: {:?}",
        stores.halt_latch.get()
    );
}

/// Lets the log write what it has queued, and its mark.
pub(super) async fn settle() {
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
}

/// Crashes a recorded run after each change of the disk, and checks what is left.
pub(super) async fn check(journal: &Journal, name: &str) -> Checked {
    check_without(journal, name, |_, _| false).await
}

/// Like [`check`], but without the changes of the disk that `is_left_out` chooses by the history and
/// the place in it: as if the storage had never asked for them.
pub(super) async fn check_without(
    journal: &Journal,
    name: &str,
    is_left_out: impl Fn(&[Op], usize) -> bool,
) -> Checked {
    let (expected, at, history) = journal.with(|run| {
        let at = run.before.after_kill();
        (Expected::of(run), at, run.disk.history())
    });
    let mut checked = Checked::default();
    for place in 0..=history.len() {
        for (which, crashed) in [vec![at.after_kill()], at.power_losses(4)]
            .concat()
            .iter()
            .enumerate()
        {
            let case = format!("{name}, crash at {place}, variant {which}");
            check_crash(journal, &expected, crashed, place, &case).await;
            checked.crashes += 1;
            checked.in_raft += usize::from(expected.rule == PurgeRule::NeedsSnapshot);
        }
        if let Some(change) = history.get(place)
            && !is_left_out(&history, place)
        {
            at.replay(change).expect("replays");
        }
    }
    checked
}

async fn check_crash(
    journal: &Journal,
    expected: &Expected,
    crashed: &Fake,
    place: usize,
    case: &str,
) {
    let mut stores = open_with(crashed, expected.rule);
    let found = Durable::read(&mut stores).await;
    expected.assert_holds(&found, place, case);
    // What was opened was shown to Raft, and stays after a second crash.
    let mut again = open_with(&crashed.after_power_loss_keeping(|| false), expected.rule);
    assert_eq!(
        Durable::read(&mut again).await,
        found,
        "{case}: after a second crash"
    );
    if expected.rule == PurgeRule::Free {
        return;
    }
    found.assert_sound(case);
    start(&mut stores, case).await;
    let applied = stores.applied.borrow().clone();
    let last = applied.last.map(open_log_id);
    assert_eq!(
        last,
        found.log.committed.max(found.covered()),
        "{case}: applied"
    );
    journal.with(|run| {
        if let Some(catalog) = last.and_then(|last| run.catalogs.get(&last)) {
            assert_eq!(
                *catalog,
                state::encode(&applied.catalog),
                "{case}: the catalog"
            );
        }
    });
    settle().await;
    drop(stores);
    start(&mut open(&crashed.after_power_loss_keeping(|| false)), case).await;
}

#[tokio::test(start_paused = true)]
async fn openrafts_storage_suite_survives_a_crash_after_any_change() {
    let volumes = OnRecordedDisk::default();
    Suite::test_all(&volumes).await.expect("the suite");
    settle().await;
    let mut checked = Checked::default();
    for (number, journal) in volumes.journals().iter().enumerate() {
        checked += check(journal, &format!("volume {number} of the suite")).await;
    }
    assert!(
        checked.in_raft > 1000 && checked.crashes > checked.in_raft,
        "{checked:?}"
    );
}
