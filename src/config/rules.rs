//! Rules that tie several keys together.

use std::path::Path;

use super::files;
use super::layers::Flags;
use super::problem::{Notice, Problem, Source};
use super::settings::Settings;
use super::value::Setting;

/// Everything contradictory, all at once. Keys whose own value was refused are not judged again
/// here.
pub(super) fn check(settings: &Settings, flags: &Flags) -> Vec<Problem> {
    let mut problems = Vec::new();
    founding(settings, flags, &mut problems);
    ports(settings, &mut problems);
    licence(settings, &mut problems);
    authentication(settings, &mut problems);
    problems
}

/// What asks for something that it does not get, or gets too much.
pub(super) fn notices(settings: &Settings) -> Vec<Notice> {
    let mut notices = Vec::new();
    let shared = settings.text("meta.shared-secret");
    let no_effect = |key: &str, name: &str| Notice {
        event: "config.no-effect",
        text: format!(
            "{}: [meta] {name} has no effect: auth-enabled is false",
            settings.from(key)
        ),
    };
    if !settings.bool("meta.auth-enabled") {
        if !shared.is_empty() {
            notices.push(no_effect("meta.shared-secret", "shared-secret"));
        }
        if matches!(
            settings.text("meta.auth-method").as_str(),
            "jwt" | "userpass"
        ) {
            notices.push(no_effect("meta.auth-method", "auth-method"));
        }
    } else if !shared.is_empty() && shared == settings.text("meta.internal-shared-secret") {
        notices.push(Notice {
            event: "config.one-secret",
            text:
                "[meta] shared-secret is internal-shared-secret: whoever may sign tokens for people can sign \
                   those of nodes, which may do everything; set another"
                    .into(),
        });
    }
    notices
}

/// What does nothing beside the other keys.
pub(super) fn idle(settings: &Settings) -> Option<Notice> {
    let alone = settings.bool("meta.data-insecure-tls") && !settings.bool("meta.data-use-tls");
    alone.then(|| {
        let from = settings.from("meta.data-insecure-tls");
        let text =
            format!("{from}: [meta] data-insecure-tls = true has no effect without data-use-tls");
        Notice {
            event: "config.no-effect",
            text,
        }
    })
}

/// `peers`, `bootstrap-expect` and `-single-server` must say one thing.
fn founding(settings: &Settings, flags: &Flags, problems: &mut Vec<Problem>) {
    let mut wrong = |text: String| problems.push(Problem::Contradiction(text));
    let (Some(peers), Some(expect)) = (
        settings.get("meta.peers"),
        settings.get("meta.bootstrap-expect"),
    ) else {
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
    let Setting::Count(expect) = expect else {
        return;
    };
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
    let (http, raft) = (
        settings.bind("meta.http-bind-address"),
        settings.bind("meta.bind-address"),
    );
    if http.port != 0 && http.port == raft.port {
        problems.push(Problem::Contradiction(format!(
            "[meta] http-bind-address and bind-address have one port, {}: they are two listeners",
            http.port
        )));
    }
}

/// A token signed with nothing could be made by anybody.
fn authentication(settings: &Settings, problems: &mut Vec<Problem>) {
    let blank = settings.get("meta.internal-shared-secret") == Some(&Setting::Unset);
    if settings.bool("meta.auth-enabled") && blank {
        let from = settings.from("meta.auth-enabled");
        problems.push(Problem::Contradiction(format!(
            "internal-shared-secret is blank and must be set in config when auth is enabled ({from}): set \
             INFLUXDB_META_INTERNAL_SHARED_SECRET to the same long text on all meta and data nodes"
        )));
    }
}

/// Checked as documented although nothing here needs it: a file that would be refused elsewhere is
/// refused here.
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
