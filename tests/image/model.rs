//! An image of the model of a data node (tests/model): one static file and nothing else, made when
//! a test needs it and removed with it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::harness::docker::{docker_ended, fresh_name};

/// Dropped after the containers that run it.
pub struct Model(pub String);

impl Model {
    #[track_caller]
    pub fn new() -> Self {
        static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
        let program = PROGRAM.get_or_init(compiled);
        let model = Self(fresh_name("data-node"));
        import(program, &model.0);
        model
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        docker_ended(&["rmi", &self.0]);
    }
}

/// Builds the program with the crates to which this test is linked, so that none of them is
/// compiled again. Only the program itself is linked statically; the C library for that comes with
/// the compiler on Debian and similar systems, and as `glibc-static` on Fedora.
fn compiled() -> PathBuf {
    // target/debug/deps/image-0123; also under another target folder, or of another profile.
    let test = env::current_exe().expect("this test");
    let built = test.ancestors().nth(2).expect("a folder of cargo's");
    let profile = match built.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(other) => other,
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "rustc",
            "--locked",
            "--quiet",
            "--example",
            "data-node",
            "--profile",
            profile,
        ])
        .args([
            "--",
            "-C",
            "target-feature=+crt-static",
            "-C",
            "strip=symbols",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "the model: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    built.join("examples/data-node")
}

#[track_caller]
fn import(program: &Path, name: &str) {
    let folder = program.parent().expect("a folder");
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(folder).args(["-c", "data-node"]);
    let mut tar = tar.stdout(Stdio::piped()).spawn().expect("tar");
    let import = Command::new("docker")
        .args([
            "import",
            "--change",
            r#"ENTRYPOINT ["/data-node"]"#,
            "--change",
            r#"CMD ["run"]"#,
            "-",
            name,
        ])
        .stdin(tar.stdout.take().expect("a pipe"))
        .output()
        .expect("docker import");
    assert!(
        tar.wait().expect("tar").success() && import.status.success(),
        "{import:?}"
    );
}
