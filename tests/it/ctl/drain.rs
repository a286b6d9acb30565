//! `influxd-ctl remove-data -drain`.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::copy_shard::meta;
use super::remove_data::no_content;
use super::run::{Net, Ran, ctl, ctl_at, ctl_at_terminal, done, failed};
use super::server::{Asked, Reply, json, status};

const DRAIN: [&str; 3] = ["remove-data", "-drain", "data-2:8088"];
const NEXT: &str = r#"{"answers":true,"copies-left":1,"open-shards":0,"open-for-ms":0,"kept-short":0,
    "next":{"source":"data-2:8088","dest":"data-1:8088","shard-id":7}}"#;
const COMPLETE: &str = r#"{"answers":true,"copies-left":0,"open-shards":0,"open-for-ms":0,
    "kept-short":0,"next":null}"#;

/// A meta node that answers requests for the next copy with these plans, the last one again and
/// again, and every other order with success.
fn planned(plans: &'static [&'static str]) -> impl Fn(&Asked) -> Reply {
    let times = AtomicUsize::new(0);
    meta(move |asked| match asked.what.as_str() {
        "POST /drain-data" => {
            let time = times.fetch_add(1, Ordering::SeqCst);
            json(plans[time.min(plans.len() - 1)])
        }
        _ => no_content(),
    })
}

#[test]
fn what_is_left_is_copied_and_then_it_is_removed() {
    let net = Net::new();
    let server = net.serve(planned(&[NEXT, COMPLETE]));
    let want = "Copied shard 7 from data-2:8088 to data-1:8088\nRemoved data node at data-2:8088\n";
    assert_eq!(ctl_at(&server, &DRAIN), done(want));
    let asked: Vec<_> = server.asked();
    let asked: Vec<_> = asked
        .iter()
        .map(|asked| (asked.what.as_str(), asked.body.as_str()))
        .collect();
    let plan = ("POST /drain-data", "addr=data-2%3A8088&force=false");
    let copy = "src=data-2%3A8088&dest=data-1%3A8088&shard=7&report=true";
    let remove = "addr=data-2%3A8088&force=false&report=true";
    let want = [
        plan,
        ("POST /copy-shard", copy),
        plan,
        ("POST /remove-data", remove),
    ];
    assert_eq!(asked, want);
}

/// The shards are ended once: while they still take points, the command only waits.
#[test]
fn open_shards_are_ended_once() {
    let net = Net::new();
    const OPEN: &str = r#"{"answers":true,"copies-left":1,"open-shards":1,"open-for-ms":3600000,
        "kept-short":0,"next":null}"#;
    const ENDING: &str = r#"{"answers":true,"copies-left":1,"open-shards":1,"open-for-ms":89000,
        "kept-short":0,"next":null}"#;
    let server = net.serve(planned(&[OPEN, ENDING, COMPLETE]));
    let want = "Truncated shards.\nRemoved data node at data-2:8088\n";
    assert_eq!(
        ctl_at(&server, &[&DRAIN[..], &["-delay", "1m30s"]].concat()),
        done(want)
    );
    let order = "POST /truncate-shards";
    let asked = server.asked();
    let ended: Vec<_> = asked.iter().filter(|asked| asked.what == order).collect();
    assert_eq!((ended.len(), ended[0].body.as_str()), (1, "delay=1m30s"));
    // A terminal sees what the command waits for.
    let server = net.serve(planned(&[ENDING, COMPLETE]));
    let bind = server.local.to_string();
    let line = [&["-bind", bind.as_str()], &DRAIN[..], &["-delay", "1m30s"]].concat();
    let shown = ctl_at_terminal(&line, &[("TERM", "xterm")]);
    let waits = "copies left: 1; shards that take points: 1, for 89 s more\r\x1b[2K";
    assert!(shown.contains(waits), "{shown:?}");
}

/// With force a data node that does not answer is taken out; it cannot reset itself.
#[test]
fn one_that_does_not_answer_is_forced_out() {
    let net = Net::new();
    const SILENT: &str = r#"{"answers":false,"copies-left":0,"open-shards":0,"open-for-ms":0,
        "kept-short":2,"next":null}"#;
    let server = net.serve(planned(&[SILENT]));
    let want = Ran {
        stderr: "remove-data: data-2:8088 did not answer: its data is still on its disk\n\
                 remove-data: 2 shards have one copy less: data-2:8088 did not answer, and their \
                 other owners hold no points of them\n"
            .to_owned(),
        ..done("Removed data node at data-2:8088\n")
    };
    assert_eq!(ctl_at(&server, &[&DRAIN[..], &["-force"]].concat()), want);
    let asked = server.asked();
    let bodies: Vec<_> = asked.iter().map(|asked| asked.body.as_str()).collect();
    let remove = "addr=data-2%3A8088&force=true&report=true";
    assert_eq!(bodies, ["addr=data-2%3A8088&force=true", remove]);
}

/// With force too: what it holds alone would be passed over.
#[test]
fn one_that_stops_answering_is_not_forced_out() {
    let net = Net::new();
    const SILENT: &str = r#"{"answers":false,"copies-left":0,"open-shards":0,"open-for-ms":0,
        "kept-short":1,"next":null}"#;
    let server = net.serve(planned(&[NEXT, SILENT]));
    let ran = ctl_at(&server, &[&DRAIN[..], &["-force"]].concat());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.stderr
            .contains("data-2:8088 does not answer any more\n"),
        "{ran:?}"
    );
    assert!(!server.heard().contains(&"POST /remove-data".to_owned()));
}

/// Before anything was done nothing needs to be taken up again.
#[test]
fn a_refusal_is_final() {
    let net = Net::new();
    let text = "data-3:8088 is being drained";
    let server = net.serve(meta(move |_| {
        status(409, &format!(r#"{{"error":"{text}"}}"#))
    }));
    let want = format!("remove-data: operation exited with error: {text}\n");
    assert_eq!(ctl_at(&server, &DRAIN), failed("", &want));
    assert_eq!(server.heard(), ["POST /drain-data"]);
}

/// A data node that does not answer for a moment does not end a drain of hours.
#[test]
fn a_failure_meanwhile_is_tried_again() {
    let net = Net::new();
    let text = "data-2:8088 does not answer";
    let failure = format!(r#"{{"error":"{text}"}}"#);
    let times = AtomicUsize::new(0);
    let server = net.serve(meta(move |asked| match asked.what.as_str() {
        "POST /drain-data" => match times.fetch_add(1, Ordering::SeqCst) {
            0 => json(NEXT),
            1 | 2 => status(500, &failure),
            _ => json(COMPLETE),
        },
        _ => no_content(),
    }));
    let want = Ran {
        stderr: format!("remove-data: operation exited with error: {text}\n").repeat(2),
        ..done("Copied shard 7 from data-2:8088 to data-1:8088\nRemoved data node at data-2:8088\n")
    };
    assert_eq!(ctl_at(&server, &DRAIN), want);
}

#[test]
fn it_is_given_up() {
    let net = Net::new();
    let server = net.serve(|_| no_content());
    let want = "Data node at data-2:8088 gets new shards again\n";
    assert_eq!(
        ctl_at(&server, &[&DRAIN[..], &["-cancel"]].concat()),
        done(want)
    );
    let asked = server.asked();
    let asked: Vec<_> = asked
        .iter()
        .map(|asked| (asked.what.as_str(), asked.body.as_str()))
        .collect();
    assert_eq!(
        asked,
        [("POST /drain-data", "addr=data-2%3A8088&cancel=true")]
    );
}

/// A flag that would have no effect is refused: its caller expects one.
#[test]
fn flags_of_a_drain_alone() {
    for flags in [
        &["-cancel"][..],
        &["-delay", "1m"],
        &["-drain", "-cancel", "-force"],
        &["-drain", "-delay", "1x"],
    ] {
        let line = [&["-bind", "127.0.0.1:1", "remove-data"], flags, &["data-2"]].concat();
        let ran = ctl(&line);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{flags:?}");
        assert!(
            !ran.stderr.contains("connection"),
            "{flags:?}: {}",
            ran.stderr
        );
    }
}
