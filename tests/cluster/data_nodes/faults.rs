//! Meta nodes die while data nodes write: nothing acknowledged is lost, and in the end all nodes
//! have the same catalog.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::harness::data_node::shards::unix_nanos;

/// Acknowledged databases, and shard groups by their ids.
#[derive(Default)]
struct Kept {
    databases: BTreeSet<String>,
    groups: BTreeSet<u64>,
}

#[derive(Default)]
struct Load {
    stop: AtomicBool,
    kept: Mutex<Kept>,
}

impl Load {
    /// Writes under names that are used once, so that an unknown outcome promises nothing.
    fn write_until_stopped(&self, node: &DataNode) {
        for turn in 0.. {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let name = format!("db-{}-{turn}", node.id());
            if node
                .execute(&command::create_database(
                    &name,
                    Some(&policy(1 + turn % 2)),
                ))
                .is_err()
            {
                continue;
            }
            let group = node.write(&name, "", unix_nanos());
            let mut kept = self.kept.lock().expect("no panic");
            kept.databases.insert(name);
            kept.groups.extend(group.ok().map(|group| group.id));
        }
    }

    fn count_of(&self, node: &DataNode) -> usize {
        let own = format!("db-{}-", node.id());
        let kept = self.kept.lock().expect("no panic");
        kept.databases
            .iter()
            .filter(|name| name.starts_with(&own))
            .count()
    }

    /// Waits until each data node has one more acknowledged database.
    #[track_caller]
    fn wait_progress(&self, nodes: &[Option<DataNode>]) {
        for node in nodes.iter().flatten() {
            let before = self.count_of(node);
            wait_for("progress of a data node", AT_LAST, || {
                let now = self.count_of(node);
                if now > before {
                    Ok(())
                } else {
                    Err(format!("{now} databases of {}", node.tcp_addr()))
                }
            });
        }
    }
}

/// Ends the load also when the test fails; the writers would wait for ever.
struct Ending<'a>(&'a Load, &'a [Option<DataNode>]);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
        if std::thread::panicking() {
            self.1.iter().flatten().for_each(DataNode::kill);
        }
    }
}

/// Two data nodes write while `faults` runs, which may wait for progress of both. Then everything
/// is compared.
fn under_load(faults: impl FnOnce(&mut Nodes, &dyn Fn())) -> Stack {
    let mut stack = Stack::joined(2);
    let load = Load::default();
    {
        let Stack { meta, data } = &mut stack;
        let data: &[Option<DataNode>] = data;
        std::thread::scope(|scope| {
            let _ending = Ending(&load, data);
            for node in data.iter().flatten() {
                scope.spawn(|| load.write_until_stopped(node));
            }
            let progress = || load.wait_progress(data);
            progress();
            faults(meta, &progress);
            progress();
        });
    }
    stack.assert_kept(&load.kept.lock().expect("no panic"));
    stack
}

impl Stack {
    #[track_caller]
    fn assert_kept(&self, kept: &Kept) {
        let data = self.settled();
        let there: BTreeSet<String> = data
            .databases
            .iter()
            .map(|database| database.name.clone())
            .collect();
        let lost: Vec<_> = kept.databases.difference(&there).collect();
        assert!(lost.is_empty(), "{lost:?} of {}", kept.databases.len());
        let policies = data
            .databases
            .iter()
            .flat_map(|database| &database.retention_policies);
        let groups: Vec<u64> = policies
            .flat_map(|policy| &policy.shard_groups)
            .map(|group| group.id)
            .collect();
        let ids: BTreeSet<u64> = groups.iter().copied().collect();
        assert_eq!(ids.len(), groups.len(), "an id was given twice");
        let lost: Vec<_> = kept.groups.difference(&ids).collect();
        assert!(lost.is_empty(), "{lost:?} of {}", kept.groups.len());
        assert!(kept.groups.len() > 5, "{} groups", kept.groups.len());
    }
}

#[test]
fn each_meta_node_is_killed() {
    under_load(|meta, progress| {
        for n in 0..3 {
            meta.all[n].kill();
            progress();
            meta.all[n].start();
            meta.wait_ready();
            progress();
        }
    });
}

#[test]
fn all_meta_nodes_are_killed() {
    under_load(|meta, progress| {
        for _ in 0..crate::rounds(2, 20) {
            meta.all.iter_mut().for_each(Node::kill);
            meta.start_all();
            meta.wait_ready();
            progress();
        }
    });
}

/// The volumes of the meta node that data nodes ask first, and of the leader.
#[test]
fn volumes_are_lost() {
    under_load(|meta, progress| {
        for pick in [|_: &Nodes| 0, Nodes::leader] {
            let wiped = pick(meta);
            meta.all[wiped].lose_volume();
            progress();
            assert_eq!(meta.wait_voters(&[0, 1, 2]), [1, 2, 3]);
        }
    });
}

#[test]
fn a_leader_is_frozen() {
    under_load(|meta, progress| {
        let leader = meta.leader();
        meta.all[leader].signal("STOP");
        let others = (0..3)
            .filter(|n| *n != leader)
            .map(|n| meta.all[n].http())
            .collect();
        let writers = Writers::start(1, others);
        writers.wait_progress();
        writers.finish();
        meta.all[leader].signal("CONT");
        meta.wait_ready();
        progress();
    });
}

/// All nodes stop and start again, the data nodes first: they wait for a meta node.
#[test]
fn all_is_restarted() {
    let mut stack = under_load(|_, _| {});
    let before = stack.settled();
    for n in [0, 1] {
        stack.kill_data(n);
    }
    for node in &mut stack.meta.all {
        assert_eq!(node.terminate().0, Some(0));
    }
    for n in [0, 1] {
        stack.start_data(n);
    }
    stack.meta.start_all();
    stack.meta.wait_ready();
    for n in [0, 1] {
        stack
            .data(n)
            .wait_for("the catalog", AT_LAST, |data| data.index >= before.index);
        assert_eq!(stack.data(n).id(), 4 + n as u64);
    }
    let after = stack.settled();
    assert_eq!(
        (&after.databases, &after.data_nodes),
        (&before.databases, &before.data_nodes)
    );
    stack.data(1).create_database("after").expect("a database");
    stack.settled();
}
