//! Sections and labels of a page of the manual, as citations name them.

use super::files::File;

pub(super) struct Page {
    headings: Vec<String>,
    text: String,
}

impl Page {
    pub(super) fn read(name: &str) -> Self {
        let text = File::read(&format!("src/docs/{name}")).text;
        Self {
            headings: headings(&text),
            text,
        }
    }

    /// Section `3.4` or `Appendix C`: a heading that begins so.
    pub(super) fn has_section(&self, number: &str) -> bool {
        self.headings.iter().any(|heading| {
            let rest = heading.strip_prefix(number);
            rest.is_some_and(|rest| {
                let rest = rest.strip_prefix('.').unwrap_or(rest);
                rest.is_empty() || rest.starts_with(' ')
            })
        })
    }

    /// Heading with exactly these words, without a leading number; or a word in bold that the page
    /// explains.
    pub(super) fn has_heading(&self, words: &str) -> bool {
        let bold = self.text.contains(&format!("**{words}**"));
        bold || self.headings.iter().any(|heading| {
            let plain = heading.replace('`', "");
            let numbered = plain.split_once(' ').filter(|(number, _)| {
                number.starts_with(|c: char| c.is_ascii_digit()) || number.ends_with('.')
            });
            plain == words || numbered.is_some_and(|(_, rest)| rest == words)
        })
    }

    /// Label such as `Q34`, `F4`, `Trap 11`: bold, or a heading that begins so.
    pub(super) fn has_label(&self, label: &str) -> bool {
        self.text.contains(&format!("**{label}**")) || self.has_section(label)
    }
}

/// Headings of a page outside code, without the marks.
pub(super) fn headings(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            code = !code;
        }
        let marks = line.bytes().take_while(|byte| *byte == b'#').count();
        if !code && (1..=6).contains(&marks) && line[marks..].starts_with(' ') {
            found.push(line[marks..].trim().to_owned());
        }
    }
    found
}
