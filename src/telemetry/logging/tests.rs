use std::cell::RefCell;

use super::*;

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

struct Noon;
impl Clock for Noon {
    fn now(&self) -> UnixNanos {
        UnixNanos(1_700_000_000_123_456_789)
    }
}

fn logged(format: Format, level: Threshold, log: fn()) -> Vec<String> {
    let sink = |line| LINES.with_borrow_mut(|lines| lines.push(line));
    let form = LineForm {
        format,
        color: false,
    };
    let lines = Lines {
        form,
        threshold: level.filter(),
        clock: Arc::new(Noon),
        sink: Box::new(sink),
    };
    tracing::subscriber::with_default(lines, log);
    LINES.take()
}

fn waiting() {
    let missing = "meta-2=dns meta-3=refused";
    tracing::warn!(
        event = "autojoin.wait",
        ok = "meta-1",
        missing,
        attempt = 7,
        "waiting for \"two\"\nof 3"
    );
}

#[test]
fn one_line_each_with_the_same_keys() {
    assert_eq!(
        logged(Format::Logfmt, Threshold::Info, waiting),
        [
            "ts=2023-11-14T22:13:20.123456Z lvl=warn event=autojoin.wait msg=\"waiting for \
             \\\"two\\\"\\nof 3\" ok=meta-1 missing=\"meta-2=dns meta-3=refused\" attempt=7\n"
        ]
    );
    let json = logged(Format::Json, Threshold::Info, waiting);
    let value: serde_json::Value = serde_json::from_str(&json[0]).expect("JSON");
    assert_eq!(value["lvl"], "warn");
    assert_eq!(value["event"], "autojoin.wait");
    assert_eq!(value["msg"], "waiting for \"two\"\nof 3");
    assert_eq!(value["attempt"], 7);
    assert_eq!(
        logged(Format::Console, Threshold::Info, waiting),
        [
            "22:13:20.123 WARN  waiting for \"two\"\\nof 3  ok=meta-1  missing=\"meta-2=dns \
             meta-3=refused\"  attempt=7\n"
        ]
    );
}

#[test]
fn the_threshold_and_the_origin_decide() {
    let talk = || {
        tracing::info!(event = "boot", "ours");
        tracing::debug!("ours, in detail");
        tracing::info!(target: "some_library::core", "a library's inner life");
        tracing::warn!(target: "some_library::core", "a library's trouble");
    };
    let info = logged(Format::Logfmt, Threshold::Info, talk);
    assert_eq!(info.len(), 2, "{info:?}");
    assert!(info[1].contains("event=some_library"), "{info:?}");
    assert_eq!(logged(Format::Logfmt, Threshold::Debug, talk).len(), 3);
    assert_eq!(logged(Format::Logfmt, Threshold::Error, talk).len(), 0);
}

#[test]
fn what_comes_from_outside_cannot_forge_a_line() {
    let talk = || tracing::info!(event = "x", name = "a\x1b[31m lvl=error\r\nts=", "m\x07");
    for format in [Format::Logfmt, Format::Json, Format::Console] {
        let lines = logged(format, Threshold::Info, talk);
        assert!(
            !lines[0].trim_end().contains(|c: char| c.is_control()),
            "{lines:?}"
        );
    }
}
