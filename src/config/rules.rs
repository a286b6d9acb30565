//! Rules that tie several keys together.

use std::path::Path;

use super::files;
use super::layers::Flags;
use super::problem::{Problem, Source};
use super::settings::Settings;
use super::value::Setting;

/// Everything contradictory, all at once. Keys whose own value was refused are not judged again here.
pub(super) fn check(settings: &Settings, flags: &Flags) -> Vec<Problem> {
    let mut problems = Vec::new();
    founding(settings, flags, &mut problems);
    ports(settings, &mut problems);
    licence(settings, &mut problems);
    problems
}

/// `peers`, `bootstrap-expect` and `-single-server` must say one thing.
fn founding(settings: &Settings, flags: &Flags, problems: &mut Vec<Problem>) {
    let mut wrong = |text: String| problems.push(Problem::Contradiction(text));
    let (Some(peers), Some(expect)) = (settings.get("meta.peers"), settings.get("meta.bootstrap-expect"))
    else {
        return;
    };
    let peers = match peers {
        Setting::Addresses(peers) => peers.len() as u64,
        _ => 0,
    };
    let peers_from = settings.from("meta.peers");
    let expect_from = settings.from("meta.bootstrap-expect");
    if flags.single_server && peers > 0 {
        wrong(format!(
            "-single-server founds a cluster of one at once, but peers is set ({peers_from}): keep one of them"
        ));
    }
    let Setting::Count(expect) = expect else { return };
    match (peers, *expect) {
        (0, 1) => {}
        (0, 0) => wrong(format!(
            "{expect_from}: bootstrap-expect = 0 means to join a cluster, but peers is empty: list its nodes there"
        )),
        (0, expect) => wrong(format!(
            "{expect_from}: bootstrap-expect = {expect} needs peers, the addresses of all {expect} founders; \
             without peers only 1 is allowed"
        )),
        (_, 0) => {}
        (peers, expect) if peers == expect => {}
        (peers, expect) => wrong(format!(
            "{expect_from}: bootstrap-expect = {expect}, but peers names {peers} ({peers_from}): \
             allowed are {peers}, or 0 to join and never found"
        )),
    }
}

fn ports(settings: &Settings, problems: &mut Vec<Problem>) {
    let (http, raft) = (settings.bind("meta.http-bind-address"), settings.bind("meta.bind-address"));
    if http.port != 0 && http.port == raft.port {
        problems.push(Problem::Contradiction(format!(
            "[meta] http-bind-address and bind-address have one port, {}: they are two listeners",
            http.port
        )));
    }
}

/// Checked as documented although nothing here needs it: a file that would be refused elsewhere is refused here.
fn licence(settings: &Settings, problems: &mut Vec<Problem>) {
    let path = settings.text("enterprise.license-path");
    if path.is_empty() {
        return;
    }
    if !settings.text("enterprise.license-key").is_empty() {
        let text = "[enterprise] license-key and license-path are both set: keep one of them";
        problems.push(Problem::Contradiction(text.into()));
    }
    let named_by = Source::Named(settings.from("enterprise.license-path").to_owned());
    if let Err(problem) = files::read("the licence file", Path::new(&path), &named_by) {
        problems.push(problem);
    }
}
