//! Files that the tests of the documentation read, and their text with line numbers.

use std::path::{Path, PathBuf};

pub(super) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository, by its path from the root.
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
}

impl File {
    pub(super) fn read(path: &str) -> Self {
        let text = std::fs::read_to_string(root().join(path));
        Self {
            path: path.to_owned(),
            text: text.unwrap_or_else(|error| panic!("{path}: {error}")),
        }
    }

    pub(super) fn is_markdown(&self) -> bool {
        self.path.ends_with(".md")
    }

    /// Folder of the file, as a path from the root; empty for the root.
    pub(super) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

/// Name of the page if the path is one of the manual: `wire.md`.
pub(super) fn page_name(path: &str) -> Option<&str> {
    path.strip_prefix("src/docs/")
}

/// README, CHANGELOG, CONTRIBUTING and all pages of the manual.
pub(super) fn markdown() -> Vec<File> {
    let mut paths = vec!["README.md".to_owned(), "CHANGELOG.md".to_owned()];
    walk(".github", &mut paths);
    walk("src/docs", &mut paths);
    paths.retain(|path| path.ends_with(".md"));
    paths.iter().map(|path| File::read(path)).collect()
}

/// Everything that may cite the manual: sources, tests, scripts, settings, and the pages.
pub(super) fn citing() -> Vec<File> {
    let mut paths: Vec<String> = ["Cargo.toml", ".clippy.toml", ".dockerignore", "Makefile"]
        .map(str::to_owned)
        .to_vec();
    for folder in ["src", "tests", "docker", "compose", ".ci", ".github"] {
        walk(folder, &mut paths);
    }
    paths.retain(|path| {
        let kind = path.rsplit('/').next().unwrap_or_default();
        let kind = kind.rsplit_once('.').map_or("", |(_, kind)| kind);
        // These tests have citations of pages that do not exist, to try the search on them.
        let own = path.starts_with("tests/it/docs");
        // Bytes, and pages, which come below.
        !own && !path.starts_with("tests/data/") && !["md", "lock", "bin", "png"].contains(&kind)
    });
    paths.sort();
    let mut files: Vec<File> = paths.iter().map(|path| File::read(path)).collect();
    files.extend(markdown());
    files
}

/// All files below a folder, without build folders and hidden ones.
fn walk(folder: &str, paths: &mut Vec<String>) {
    for entry in std::fs::read_dir(root().join(folder)).expect("folder") {
        let entry = entry.expect("entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{folder}/{name}");
        if name.starts_with('.') {
            continue;
        }
        if entry.path().is_dir() {
            if !path.ends_with("/target") {
                walk(&path, paths);
            }
        } else {
            paths.push(path);
        }
    }
}

/// Whether a path is there, from the root or from a folder.
pub(super) fn exists(folder: &str, path: &str) -> bool {
    root().join(path).exists() || root().join(Path::new(folder).join(path)).exists()
}

/// Lines that belong together, joined by spaces: a paragraph of Markdown, or neighbouring lines of
/// comments. A citation may wrap within it.
pub(super) struct Passage {
    pub(super) text: String,
    /// Whether it is a comment, and not code.
    pub(super) is_comment: bool,
    /// Offset in `text`, and number of the line that begins there.
    lines: Vec<(usize, usize)>,
}

impl Passage {
    /// Number of the line, from 1, at an offset of `text`.
    pub(super) fn line(&self, offset: usize) -> usize {
        let begun = self.lines.iter().rev().find(|(at, _)| *at <= offset);
        begun.map_or(0, |(_, line)| *line)
    }
}

pub(super) fn passages(file: &File) -> Vec<Passage> {
    let mut passages: Vec<Passage> = Vec::new();
    let mut joins = false;
    for (number, line) in file.text.lines().enumerate() {
        let (text, is_comment, mergeable) = piece(file, line);
        if text.is_empty() {
            joins = false;
            continue;
        }
        match passages.last_mut() {
            Some(last) if joins && mergeable && last.is_comment == is_comment => {
                last.text.push(' ');
                last.lines.push((last.text.len(), number + 1));
                last.text += text;
            }
            _ => passages.push(Passage {
                text: text.to_owned(),
                is_comment,
                lines: vec![(0, number + 1)],
            }),
        }
        joins = mergeable;
    }
    passages
}

/// The text of a line, whether it is a comment, and whether it may continue on the next line.
fn piece<'a>(file: &File, line: &'a str) -> (&'a str, bool, bool) {
    let trimmed = line.trim();
    if file.is_markdown() {
        return (trimmed, false, !trimmed.starts_with('|'));
    }
    let mark = if file.path.ends_with(".rs") {
        "//"
    } else {
        "#"
    };
    if trimmed.starts_with(mark) {
        let text = trimmed.trim_start_matches(['/', '#', '!']).trim_start();
        return (text, true, true);
    }
    // A comment behind code. The space keeps URLs out.
    match trimmed.split_once(&format!(" {mark} ")) {
        Some((_, comment)) => (comment, true, false),
        None => (trimmed, false, false),
    }
}
