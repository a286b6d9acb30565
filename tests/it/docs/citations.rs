//! Citations: `founding.md 5.4, 7 and 11`, `wire.md Q34`, `clients.md trap 11`,
//! `wire.md appendix C`, `errors.md, "Exit codes"`. The page must be there, and have that section.

use std::collections::BTreeMap;

use super::files::{self, File};
use super::page::Page;

/// One thing that a citation names in its page.
#[derive(Debug, PartialEq, Eq)]
enum Named {
    Section(String),
    Label(String),
    Heading(String),
}

struct Citation {
    offset: usize,
    /// The page as written: `wire.md`, `src/docs/wire.md`, `../README.md`.
    page: String,
    names: Vec<Named>,
    /// End of the names.
    end: usize,
}

/// Documents of the root that are no pages of the manual.
const OTHERS: [&str; 3] = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"];

#[test]
fn every_cited_page_and_section_is_there() {
    let mut pages = BTreeMap::new();
    let mut wrong = Vec::new();
    for file in files::citing() {
        for passage in files::passages(&file) {
            for citation in citations(&passage.text) {
                for problem in problems(&file, &citation, &mut pages) {
                    let line = passage.line(citation.offset);
                    wrong.push(format!("{}:{line}: {problem}", file.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "citations:\n{}", wrong.join("\n"));
}

/// In comments `Q34`, `F4`, `trap 11`, `rule 3.2` and `section 5` stand behind the name of a page.
#[test]
fn no_comment_names_a_label_without_its_page() {
    let mut wrong = Vec::new();
    for file in files::citing().iter().filter(|file| !file.is_markdown()) {
        for passage in files::passages(file).iter().filter(|it| it.is_comment) {
            for (offset, label) in bare_labels(&passage.text) {
                let line = passage.line(offset);
                wrong.push(format!("{}:{line}: {label} of which page?", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "labels:\n{}", wrong.join("\n"));
}

fn problems(file: &File, citation: &Citation, pages: &mut BTreeMap<String, Page>) -> Vec<String> {
    let written = &citation.page;
    let name = written.rsplit('/').next().unwrap_or_default();
    if written.contains('/') || OTHERS.contains(&name) {
        let there = files::exists(file.folder(), written)
            || name == "CONTRIBUTING.md" && files::exists(".github", name);
        if !there {
            return vec![format!("there is no {written}")];
        }
        if files::page_name(written).is_none() {
            return Vec::new();
        }
    }
    if !files::exists("src/docs", name) {
        return vec![format!("the manual has no page {name}")];
    }
    if citation.names.is_empty() {
        return Vec::new();
    }
    let page = pages
        .entry(name.to_owned())
        .or_insert_with(|| Page::read(name));
    let missing = citation.names.iter().filter_map(|named| match named {
        Named::Section(number) => (!page.has_section(number)).then(|| format!("section {number}")),
        Named::Label(label) => (!page.has_label(label)).then(|| label.clone()),
        Named::Heading(words) => (!page.has_heading(words)).then(|| format!("heading \"{words}\"")),
    });
    missing
        .map(|what| format!("{name} has no {what}"))
        .collect()
}

/// All names of `.md` files in a text, with what follows each.
fn citations(text: &str) -> Vec<Citation> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(".md").map(|at| at + from) {
        let end = at + ".md".len();
        from = end;
        let is_path = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
        let begin = text[..at].rfind(|c| !is_path(c)).map_or(0, |before| {
            before + text[before..].chars().next().map_or(1, char::len_utf8)
        });
        let glued = text[end..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let url = text[..begin].ends_with(':') || text[begin..].starts_with("//");
        if begin == at || glued || url || text[..at].ends_with(['/', '.']) {
            continue;
        }
        let page = text[begin..end].to_owned();
        // The target of a link: links are another test's.
        let link = text[..begin].ends_with("](") || text[end..].starts_with(['#', ')', ']']);
        let (names, end) = if link {
            (Vec::new(), end)
        } else {
            names(text, end)
        };
        if !link || !text[..begin].ends_with("](") {
            found.push(Citation {
                offset: begin,
                page,
                names,
                end,
            });
        }
    }
    found
}

/// The sections and labels behind a page's name, and where they end.
fn names(text: &str, from: usize) -> (Vec<Named>, usize) {
    let mut names = Vec::new();
    let mut end = from;
    let mut rest = Rest { text, at: from };
    rest.skip("`");
    // A range or a list may go on without its word: `traps 3 and 4`.
    let mut word = "";
    loop {
        let separated = rest.separator(names.is_empty());
        if !separated {
            break;
        }
        if let Some(heading) = rest.quoted() {
            names.push(Named::Heading(heading));
            end = rest.at;
            continue;
        }
        word = rest.word().unwrap_or(word);
        let Some(named) = rest.item(word) else {
            break;
        };
        names.push(named);
        end = rest.at;
    }
    (names, end)
}

/// Rest of a text behind a page's name.
struct Rest<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Rest<'a> {
    fn left(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip(&mut self, word: &str) -> bool {
        let found = self.left().starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    /// A space, or a comma before a quoted heading; between items also the words of a list.
    fn separator(&mut self, first: bool) -> bool {
        if first {
            if self.left().starts_with(", \"") {
                self.at += ", ".len();
                return true;
            }
            return self.skip(" ");
        }
        [", and ", ", ", " and ", " or ", " to ", "–", "-"]
            .iter()
            .any(|word| self.skip(word))
    }

    fn quoted(&mut self) -> Option<String> {
        let inside = self.left().strip_prefix('"')?;
        let (heading, _) = inside.split_once('"')?;
        self.at += heading.len() + 2;
        Some(heading.trim_end_matches([',', '.']).to_owned())
    }

    fn word(&mut self) -> Option<&'static str> {
        let words = [
            ("traps ", "Trap "),
            ("trap ", "Trap "),
            ("appendix ", "Appendix "),
            ("Appendix ", "Appendix "),
            ("appendices ", "Appendix "),
            ("rules ", ""),
            ("rule ", ""),
            ("sections ", ""),
            ("section ", ""),
        ];
        let (_, means) = words.iter().find(|(word, _)| self.skip(word))?;
        Some(means)
    }

    /// `3.4`, `Q34`, or what stands behind `trap` or `appendix`.
    fn item(&mut self, word: &str) -> Option<Named> {
        let left = self.left();
        if word == "Appendix " {
            let letter = &left[..left.starts_with(|c: char| c.is_ascii_uppercase()).into()];
            let alone = !left[letter.len()..].starts_with(|c: char| c.is_alphanumeric());
            if letter.is_empty() || !alone {
                return None;
            }
            self.at += 1;
            return Some(Named::Section(format!("Appendix {letter}")));
        }
        if let Some(label) = label(left) {
            self.at += label.len();
            return Some(Named::Label(label.to_owned()));
        }
        let digits = |c: char| !c.is_ascii_digit() && c != '.';
        let number = &left[..left.find(digits).unwrap_or(left.len())];
        let number = number.trim_end_matches('.');
        let glued = left[number.len()..].starts_with(|c: char| c.is_alphanumeric());
        if number.is_empty() || glued || number.starts_with('.') {
            return None;
        }
        self.at += number.len();
        Some(match word {
            "" => Named::Section(number.to_owned()),
            word => Named::Label(format!("{word}{number}")),
        })
    }
}

/// A capital letter, one or two digits and perhaps a small letter, at the beginning.
fn label(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    if !bytes.first()?.is_ascii_uppercase() {
        return None;
    }
    let digits = bytes[1..].iter().take_while(|b| b.is_ascii_digit()).count();
    let small = bytes.get(1 + digits).is_some_and(u8::is_ascii_lowercase);
    let end = 1 + digits + usize::from(small);
    let glued = text[end..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
    ((1..=2).contains(&digits) && !glued).then_some(&text[..end])
}

/// Labels of the specifications outside citations.
fn bare_labels(text: &str) -> Vec<(usize, String)> {
    let cited: Vec<_> = citations(text).iter().map(|it| it.offset..it.end).collect();
    let mut found = Vec::new();
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let begins = !before.is_alphanumeric() && !"_`.#".contains(before);
        before = c;
        if !begins || cited.iter().any(|range| range.contains(&at)) {
            continue;
        }
        let left = &text[at..];
        if let Some(label) = label(left).filter(|it| it.starts_with(['F', 'J', 'P', 'Q'])) {
            found.push((at, label.to_owned()));
        }
        for word in [
            "trap ",
            "traps ",
            "rule ",
            "rules ",
            "section ",
            "sections ",
        ] {
            let rest = left.strip_prefix(word);
            if rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
                found.push((at, left.chars().take(word.len() + 3).collect()));
            }
        }
    }
    found
}

#[test]
fn citations_are_found_with_all_that_they_name() {
    let section = |number: &str| Named::Section(number.to_owned());
    let label = |label: &str| Named::Label(label.to_owned());
    for (text, page, names) in [
        ("(wire.md 3.4).", "wire.md", vec![section("3.4")]),
        (
            "founding.md 5.4, 7 and 11: frames",
            "founding.md",
            vec![section("5.4"), section("7"), section("11")],
        ),
        (
            "founding.md 6, J1 to J4, and 7, Replace",
            "founding.md",
            vec![section("6"), label("J1"), label("J4"), section("7")],
        ),
        ("`wire.md` Q31c.", "wire.md", vec![label("Q31c")]),
        (
            "clients.md traps 3 and 11",
            "clients.md",
            vec![label("Trap 3"), label("Trap 11")],
        ),
        ("wire.md appendix C", "wire.md", vec![section("Appendix C")]),
        (
            "(errors.md, \"Exit codes\")",
            "errors.md",
            vec![Named::Heading("Exit codes".to_owned())],
        ),
        ("decisions.md 13 says", "decisions.md", vec![section("13")]),
        ("see src/docs/wire.md for", "src/docs/wire.md", vec![]),
        ("as http.md has it, 20 s", "http.md", vec![]),
    ] {
        let found = citations(text);
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!((found[0].page.as_str(), &found[0].names), (page, &names));
    }
}

#[test]
fn labels_without_a_page_are_found() {
    let found = |text: &str| bare_labels(text).len();
    assert_eq!(found("as Q34 has it, and rule 3.2"), 2);
    assert_eq!(found("(trap 11)"), 1);
    assert_eq!(
        found("wire.md Q34, founding.md F4 and F5, clients.md trap 11"),
        0
    );
    assert_eq!(found("U+FF3D, `F4` and a rule of 3"), 0);
}
