//! Links between the pages: a relative link leads to a file that is there, and to a heading of it
//! (anchors by GitHub's rules).

use std::collections::BTreeMap;
use std::path::{Component, Path};

use super::files::{self, File};
use super::page::headings;

#[test]
fn every_relative_link_leads_somewhere() {
    let mut anchors = BTreeMap::new();
    let mut wrong = Vec::new();
    for file in files::markdown() {
        for (line, target) in targets(&file.text) {
            if let Err(problem) = follow(&file, &target, &mut anchors) {
                wrong.push(format!("{}:{line}: {target}: {problem}", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "links:\n{}", wrong.join("\n"));
}

/// Code links to plain files of the manual, never to items of the crate: the manual is no part of
/// it.
#[test]
fn no_code_links_into_the_manual_as_a_module() {
    for file in files::citing() {
        for (number, line) in file.text.lines().enumerate() {
            assert!(
                !line.contains("crate::docs") && !line.contains("[`docs::"),
                "{}:{}: {line}",
                file.path,
                number + 1
            );
        }
    }
}

/// "Where do I change …?" names files and folders, from the root or from `src`.
#[test]
fn contributing_names_files_that_are_there() {
    let file = File::read(".github/CONTRIBUTING.md");
    let mut wrong = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        for word in line.split('`').skip(1).step_by(2) {
            let is_path = |c: char| c.is_ascii_alphanumeric() || "_./".contains(c);
            let route = word.starts_with('/');
            let named = word.contains('/') && !route && word.chars().all(is_path);
            if named && !files::exists("src", word) {
                wrong.push(format!("{}:{}: {word}", file.path, number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "no such files:\n{}", wrong.join("\n"));
}

fn follow(
    file: &File,
    target: &str,
    anchors: &mut BTreeMap<String, Vec<String>>,
) -> Result<(), String> {
    if ["http://", "https://", "mailto:"]
        .iter()
        .any(|scheme| target.starts_with(scheme))
    {
        return Ok(());
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = match path {
        "" => file.path.clone(),
        path => normal(&format!("{}/{path}", file.folder()))?,
    };
    if !files::root().join(&path).exists() {
        return Err("no such file".to_owned());
    }
    if anchor.is_empty() || !path.ends_with(".md") {
        return Ok(());
    }
    let known = anchors
        .entry(path.clone())
        .or_insert_with(|| slugs(&File::read(&path).text));
    match known.iter().any(|it| it == anchor) {
        true => Ok(()),
        false => Err(format!("no such heading in {path}")),
    }
}

/// The path without `.` and `..`.
fn normal(path: &str) -> Result<String, String> {
    let mut parts: Vec<String> = Vec::new();
    for part in Path::new(path.trim_start_matches('/')).components() {
        match part {
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::ParentDir => {
                parts.pop().ok_or("outside the repository")?;
            }
            _ => {}
        }
    }
    Ok(parts.join("/"))
}

/// Targets of links, with the number of their line; `[text][name]` counts where `name` is not
/// defined, too.
fn targets(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut references = Vec::new();
    let mut defined = Vec::new();
    let mut code = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            code = !code;
        }
        if code {
            continue;
        }
        let line = without_code(line);
        if let Some((name, target)) = definition(&line) {
            defined.push(name.to_lowercase());
            found.push((number + 1, target.to_owned()));
            continue;
        }
        for part in line.split("](").skip(1) {
            let target = part.split(')').next().unwrap_or_default();
            found.push((number + 1, target.to_owned()));
        }
        for part in line.split("][").skip(1) {
            let name = part.split(']').next().unwrap_or_default();
            references.push((number + 1, name.to_lowercase()));
        }
    }
    references.retain(|(_, name)| !defined.contains(name));
    let undefined = references
        .into_iter()
        .map(|(line, name)| (line, format!("[{name}] is not defined")));
    found.extend(undefined);
    found
}

fn definition(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix('[')?.split_once("]: ")
}

/// The line without its spans of code.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// Anchors of the headings, as GitHub makes them.
fn slugs(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for heading in headings(text) {
        let mut slug: String = heading
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
            .map(|c| if c == ' ' { '-' } else { c })
            .flat_map(char::to_lowercase)
            .collect();
        let same = found.iter().filter(|it| **it == slug).count();
        if same > 0 {
            slug += &format!("-{same}");
        }
        found.push(slug);
    }
    found
}

#[test]
fn anchors_are_those_of_github() {
    assert_eq!(
        slugs("# A. Clients\n## 3.4 Rules of each command\n## `/join`, twice\n# A\n# A\n"),
        [
            "a-clients",
            "34-rules-of-each-command",
            "join-twice",
            "a",
            "a-1"
        ]
    );
}

/// The table of founding.md 9.10 names functions that are in the files beside them.
#[test]
fn every_step_of_the_safety_argument_names_code_that_is_there() {
    let page = std::fs::read_to_string("src/docs/founding.md").expect("the page");
    let (_, table) = page.split_once("### 9.10").expect("the section");
    let (table, _) = table.split_once("\n## ").expect("its end");
    let (mut files, mut rows) = (Vec::new(), 0);
    let quoted = |cell: &str| -> Vec<String> {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    for row in table.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [_, file_cell, names] = cells[..] else {
            panic!("three cells: {row}");
        };
        let linked = file_cell.split("](../").skip(1);
        let linked: Vec<_> = linked.filter_map(|rest| rest.split(')').next()).collect();
        if !file_cell.starts_with("the same") {
            files.clear();
        }
        files.extend(linked.iter().map(|file| format!("src/{file}")));
        for name in quoted(names) {
            let name = name.rsplit("::").next().expect("a name").to_owned();
            let is_there = files.iter().any(|file| {
                let code = std::fs::read_to_string(file).expect("a file of the table");
                code.contains(&format!("fn {name}"))
            });
            assert!(is_there, "fn {name} is in none of {files:?}: {row}");
        }
        rows += 1;
    }
    assert!(rows > 20, "{rows} rows");
}
