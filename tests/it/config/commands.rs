//! The built program: its output on stdout and stderr, and its exit codes.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::file;

/// A command that only prints, or refuses to start, takes far less even on a busy machine.
const SOON: Duration = Duration::from_secs(10);

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_influxd-meta"));
    command
        .args(args)
        .env_clear()
        .env("INFLUXDB_META_CONFIG_PATH", "/dev/null")
        .stdin(Stdio::null());
    command
}

/// Runs a command to its end, which must come soon.
#[track_caller]
fn ends(command: &mut Command) -> Output {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let began = Instant::now();
    while child.try_wait().expect("a status").is_none() {
        if began.elapsed() > SOON {
            child.kill().expect("killed");
            panic!("{command:?} still runs: {:?}", child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().expect("its output")
}

#[track_caller]
fn expect(command: &mut Command, code: i32, stdout: &str, stderr: &str) {
    let output = ends(command);
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(
        output.status.code(),
        Some(code),
        "{command:?}\n{out}\n{err}"
    );
    assert!(out.contains(stdout), "{stdout:?} is not in {out:?}");
    assert!(err.contains(stderr), "{stderr:?} is not in {err:?}");
}

#[test]
fn version_and_help_are_data() {
    let version = format!(
        "InfluxDB Meta v1.12.4-c{} (git: ",
        env!("CARGO_PKG_VERSION")
    );
    for line in [
        &["version"][..],
        &["-version"],
        &["--version"],
        &["influxd-meta", "version"],
    ] {
        expect(&mut program(line), 0, &version, "");
    }
    expect(&mut program(&["help"]), 0, "healthcheck", "");
    expect(&mut program(&["-h"]), 0, "healthcheck", "");
    expect(&mut program(&["run", "-h"]), 0, "--bootstrap-expect", "");
}

#[test]
fn what_is_no_command_or_flag_is_64() {
    let list = "commands: run (the default), config, version, healthcheck, help, influxd-ctl";
    expect(&mut program(&["sh"]), 64, "", list);
    expect(&mut program(&["bash", "-c", "true"]), 64, "", list);
    expect(&mut program(&["-no-such-flag"]), 64, "", "-no-such-flag");
    expect(&mut program(&["run", "too", "much"]), 64, "", "too");
}

#[test]
fn config_prints_the_effective_values() {
    let mut command = program(&["config", "-hostname", "by-flag"]);
    expect(
        command.env("INFLUXDB_META_DIR", "/by/variable"),
        0,
        "hostname = \"by-flag\"",
        "",
    );
    expect(&mut command, 0, "  dir = \"/by/variable\"", "");
    let (_folder, path) = file("[meta]\ngossip-frequency = \"7s\"\nzoo = 1\n");
    let path = path.to_str().expect("a path");
    for line in [["config", "-config", path], ["config", "--config", path]] {
        expect(
            &mut program(&line),
            0,
            "gossip-frequency = \"7s\"",
            "no key zoo",
        );
    }
    expect(
        &mut program(&["config", "-table"]),
        0,
        "| `INFLUXDB_META_PEERS`",
        "",
    );
    expect(
        program(&["config"]).env("INFLUXDB_META_LEASE_DURATION", "5"),
        78,
        "",
        "INFLUXDB_META_LEASE_DURATION",
    );
}

#[test]
fn two_problems_are_both_printed_and_nothing_is_created() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("meta");
    let mut command = program(&["-single-server"]);
    command
        .env("INFLUXDB_META_DIR", &dir)
        .env("INFLUXDB_META_PEERS", "a,b")
        .env("INFLUXDB_META_AUTH_ENABLED", "yes");
    expect(&mut command, 78, "", "the configuration has 2 problems:");
    expect(
        &mut command,
        78,
        "",
        "-single-server founds a cluster of one at once, but peers is set",
    );
    expect(
        &mut command,
        78,
        "",
        "INFLUXDB_META_AUTH_ENABLED: [meta] auth-enabled = \"yes\"",
    );
    assert!(!dir.exists());
}

#[test]
fn an_unreadable_secret_is_77_with_who_and_what_and_the_fix() {
    let (_folder, path) = file("s3cret");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).expect("mode");
    if std::fs::read(&path).is_ok() {
        return as_another_user(&path);
    }
    let mut command = program(&["run"]);
    expect(
        command.env("INFLUXDB_META_INTERNAL_SHARED_SECRET_FILE", &path),
        77,
        "",
        "Fix: chown",
    );
}

/// Root can read every file, so the program is started as uid 1000.
fn as_another_user(path: &Path) {
    use std::os::unix::process::CommandExt as _;
    let folder = path.parent().expect("a folder");
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("mode");
    let copy = folder.join("influxd-meta");
    super::copy_program(&copy);
    let mut command = Command::new(copy);
    command
        .uid(1000)
        .gid(1000)
        .arg("run")
        .env_clear()
        .env("INFLUXDB_META_CONFIG_PATH", "/dev/null");
    command.env("INFLUXDB_META_INTERNAL_SHARED_SECRET_FILE", path);
    let text = format!(
        "the secret file {} cannot be read: Permission denied",
        path.display()
    );
    expect(&mut command, 77, "", &text);
    expect(&mut command, 77, "", "this process runs as uid 1000");
    expect(&mut command, 77, "", "belongs to uid 0 and has mode 0000");
    expect(
        &mut command,
        77,
        "",
        &format!("chown 1000 {}", path.display()),
    );
}

#[test]
fn healthcheck_asks_where_the_configuration_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let asked = |args: &[&str]| {
        let mut command = program(args);
        command.env("INFLUXDB_META_HTTP_BIND_ADDRESS", &address);
        command
    };
    for (args, path, status, code) in [
        (&["healthcheck"][..], "/livez", "200 OK", 0),
        (
            &["healthcheck", "--ready"],
            "/readyz",
            "503 Service Unavailable",
            1,
        ),
        (
            &["healthcheck", "-ready", "-timeout", "5s"],
            "/readyz",
            "200 OK",
            0,
        ),
    ] {
        let answering = std::thread::scope(|scope| {
            let answering = scope.spawn(|| answer(&listener, status));
            expect(&mut asked(args), code, &format!("{path}: "), "");
            answering.join().expect("it was asked")
        });
        assert!(
            answering.starts_with(&format!("GET {path} HTTP/1.1\r\n")),
            "{answering:?}"
        );
    }
    // No answer comes: the connection waits in the queue of the listener.
    expect(
        &mut asked(&["healthcheck", "-timeout", "100ms"]),
        1,
        "no answer in 100ms",
        "",
    );
    drop(listener);
    expect(&mut asked(&["healthcheck"]), 1, "refused", "");
}

/// A node that was started with flags, or before its file was edited, may be healthy: only the
/// address is read from the configuration.
#[test]
fn a_health_check_is_not_the_judge_of_the_configuration() {
    let (_folder, edited) =
        file("[meta]\nbootstrap-expect = 3\nhttp-bind-address = \"127.0.0.1:7\"\n");
    let inputs = super::with_file(&edited, &[("INFLUXDB_META_PEERS", "http://x")]);
    let bind = influxdb_meta::config::http_bind(&inputs).map(|bind| bind.to_string());
    assert_eq!(bind.as_deref(), Ok("127.0.0.1:7"));
    // The content of a broken file is unknown, unless a layer above it decides.
    let (_folder, broken) = file("[meta\n");
    let ask = |variables: &[(&str, &str)]| {
        influxdb_meta::config::http_bind(&super::with_file(&broken, variables))
            .map(|bind| bind.to_string())
    };
    assert!(ask(&[]).is_err_and(|invalid| invalid.to_string().contains("is no valid TOML")));
    assert_eq!(
        ask(&[("INFLUXDB_META_HTTP_BIND_ADDRESS", ":9")]).as_deref(),
        Ok(":9")
    );
    assert!(ask(&[("INFLUXDB_META_HTTP_BIND_ADDRESS", "9")]).is_err());
}

/// Answers one request and returns the request.
fn answer(listener: &std::net::TcpListener, status: &str) -> String {
    use std::io::{Read as _, Write as _};
    let (mut stream, _) = listener.accept().expect("a connection");
    let mut request = [0; 1024];
    let length = stream.read(&mut request).expect("a request");
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok").expect("answered");
    String::from_utf8_lossy(&request[..length]).into_owned()
}

/// The image has one program and a link to it.
#[test]
fn the_program_is_influxd_ctl_under_that_name_and_as_a_word() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("influxd-ctl");
    symlink(env!("CARGO_BIN_EXE_influxd-meta"), &link).expect("a link");
    let mut by_name = Command::new(&link);
    expect(by_name.arg("-no-such-flag").env_clear(), 1, "", "");
    expect(&mut program(&["influxd-ctl", "-no-such-flag"]), 1, "", "");
}
