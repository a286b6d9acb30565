//! What docker/Dockerfile is given to compile: the sources and the commit, and nothing else.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::docker::{Ended, Image, docker, docker_ended, fresh_name};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Files of a checkout, and whether the build gets them.
const FILES: [(&str, bool); 14] = [
    (".git/HEAD", true),
    (".git/refs/heads/main", true),
    (".git/packed-refs", true),
    (".git/refs/remotes/origin/main", false),
    (".git/config", false),
    (".git/objects/01/23456789", false),
    ("Cargo.toml", true),
    ("Cargo.lock", true),
    ("src/main.rs", true),
    ("src/docs/README.md", false),
    ("tests/it/main.rs", false),
    ("target/debug/program", false),
    ("compose/.env", false),
    ("README.md", false),
];

fn checkout() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (file, _) in FILES {
        let path = dir.path().join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let text = match file {
            ".git/HEAD" => "ref: refs/heads/main\n".to_owned(),
            ".git/refs/heads/main" => format!("{COMMIT}\n"),
            _ => String::new(),
        };
        fs::write(path, text).expect("a file");
    }
    fs::create_dir(dir.path().join("docker")).expect("a folder");
    for file in [".dockerignore", "docker/stamp.sh"] {
        fs::copy(sources.join(file), dir.path().join(file)).expect("a copy");
    }
    dir
}

/// Removes the container and the image.
struct Built(String);

impl Drop for Built {
    fn drop(&mut self) {
        docker_ended(&["rm", "-f", &self.0]);
        docker_ended(&["rmi", "-f", &self.0]);
    }
}

/// Copies the context as docker/Dockerfile does, into a folder on this machine.
#[track_caller]
fn copied(checkout: &Path) -> tempfile::TempDir {
    let built = Built(fresh_name("context"));
    let mut build = Command::new("docker")
        .args(["build", "-q", "-t", &built.0, "-f", "-", "."])
        .current_dir(checkout)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("docker build");
    let mut stdin = build.stdin.take().expect("a pipe");
    stdin
        .write_all(b"FROM scratch\nCOPY . /src/\n")
        .expect("a Dockerfile");
    drop(stdin);
    assert!(build.wait().expect("docker build").success());
    docker(&["create", "--name", &built.0, &built.0, "none"]);
    let folder = tempfile::tempdir().expect("a folder");
    let to = folder.path().to_string_lossy().into_owned();
    docker(&["cp", &format!("{}:/src/.", built.0), &to]);
    folder
}

/// Without git and without the objects of the repository, the build knows the commit that is
/// checked out. It says that it does not know whether the sources are those of the commit.
#[test]
fn the_build_gets_the_sources_and_knows_their_commit() {
    let Some(_image) = Image::here() else { return };
    let checkout = checkout();
    let context = copied(checkout.path());
    for (file, given) in FILES {
        assert_eq!(context.path().join(file).exists(), given, "{file}");
    }
    assert_eq!(stamp(context.path()), format!("{COMMIT}-unchecked main"));

    // After `git gc` the commit is in another file; a detached HEAD has it itself.
    let git = context.path().join(".git");
    fs::remove_file(git.join("refs/heads/main")).expect("removed");
    let packed = format!("# pack-refs with: peeled\n{COMMIT} refs/heads/main\n");
    fs::write(git.join("packed-refs"), packed).expect("a file");
    assert_eq!(stamp(context.path()), format!("{COMMIT}-unchecked main"));
    fs::write(git.join("HEAD"), format!("{COMMIT}\n")).expect("a file");
    let detached = format!("{COMMIT}-unchecked unknown");
    assert_eq!(stamp(context.path()), detached);
    fs::remove_dir_all(git).expect("removed");
    assert_eq!(stamp(context.path()), "unknown unknown");
}

#[track_caller]
fn stamp(folder: &Path) -> String {
    let mut sh = Command::new("sh");
    sh.args(["-euc", ". docker/stamp.sh; echo \"$revision $branch\""]);
    for variable in ["REVISION", "BRANCH", "CREATED", "SOURCE"] {
        sh.env_remove(variable);
    }
    let ended: Ended = sh.current_dir(folder).output().expect("sh runs").into();
    assert_eq!(ended.code, 0, "{ended:?}");
    ended.stdout.trim().to_owned()
}
