//! Pods as the vendor's Helm chart runs them: long names, a secret, no list; each pod's own loop
//! forms the cluster.

use std::thread;
use std::time::Duration;

use crate::harness::ctl::meta_nodes;
use crate::harness::docker::{Image, Network, SOON, Volume, docker};
use crate::harness::writers::{Writers, assert_kept};
use crate::harness::{http, wait_for, wire};
use crate::nodes::{Node, turn};

/// Ordinal 0 adds itself, the others join it, all at once and again every two seconds until it
/// succeeds; the same happens at every later start.
#[test]
fn ordinal_zero_adds_itself_and_the_others_join_it_all_at_once() {
    let Some(image) = Image::here() else { return };
    let _turn = turn();
    let (network, volumes) = (
        Network::new(),
        [Volume::new(), Volume::new(), Volume::new()],
    );
    let pods: Vec<Node> = (0..3)
        .map(|n| {
            let own_name = format!("INFLUXDB_HOSTNAME={}", name(n));
            let env = [
                &own_name,
                "INFLUXDB_META_INTERNAL_SHARED_SECRET=a long passphrase of the chart",
            ];
            Node::on_volume(&image, &network, &name(n), &volumes[n], &env)
        })
        .collect();
    run_loops(&pods);
    // Any of them may found: of two nodes that ask each other, the one with the lower incarnation
    // does.
    let shown = wait_shown(&pods);
    let writers = Writers::start(2, pods.iter().map(Node::http).collect());
    writers.wait_progress();
    let acknowledged = writers.finish();

    pods.iter()
        .for_each(|pod| drop(docker(&["stop", &pod.container.name])));
    pods.iter()
        .for_each(|pod| drop(docker(&["start", &pod.container.name])));
    run_loops(&pods);
    assert_eq!(wait_shown(&pods), shown);
    for pod in &pods {
        wait_for("all writes", SOON, || {
            let held = wire::data(&http::get(pod.http(), "/?index=0")?.body).databases;
            let lacks = acknowledged.iter().find(|a| !held.contains(&a.name));
            lacks.map_or(Ok(()), |a| Err(format!("{} is not there", a.name)))
        });
    }
    assert_kept(
        &acknowledged,
        &wire::data(&http::get(pods[0].http(), "/?index=0").expect("watch").body).databases,
    );
}

fn name(ordinal: usize) -> String {
    format!("prod-meta-{ordinal}.prod-meta.monitoring.svc")
}

#[track_caller]
fn run_loops(pods: &[Node]) {
    let zero = format!("{}:8091", name(0));
    thread::scope(|scope| {
        for (n, pod) in pods.iter().enumerate() {
            let word = if n == 0 { "add-meta" } else { "join" };
            let command = ["influxd-ctl", word, &zero];
            scope.spawn(move || until_done(pod, &command));
        }
    });
}

/// The chart's own loop has no end.
#[track_caller]
fn until_done(pod: &Node, command: &[&str]) {
    for _ in 0..20 {
        let ended = pod.container.exec(command);
        if ended.code == 0 {
            return;
        }
        eprintln!("{} {command:?}: {ended:?}", pod.alias);
        thread::sleep(Duration::from_secs(2));
    }
    panic!("{} {command:?} never succeeds", pod.alias);
}

/// Waits until all three vote, and returns what all show.
#[track_caller]
fn wait_shown(pods: &[Node]) -> Vec<(String, u64)> {
    for pod in pods {
        wait_for(&format!("vote of {}", pod.alias), SOON, || match http::get(
            pod.http(),
            "/readyz?voter",
        )? {
            ready if ready.status == 200 => Ok(()),
            refused => Err(refused.text()),
        });
    }
    wait_for("the same three everywhere", SOON, || {
        let of = |pod: &Node| meta_nodes(&pod.container.exec(&["influxd-ctl", "show"]).stdout);
        let mut shown: Vec<Vec<(String, u64)>> = pods
            .iter()
            .map(|pod| of(pod).into_iter().map(|(at, (id, _))| (at, id)).collect())
            .collect();
        shown.dedup();
        match shown.as_slice() {
            [one] if one.len() == 3 => Ok(one.clone()),
            _ => Err(format!("{shown:?}")),
        }
    })
}
