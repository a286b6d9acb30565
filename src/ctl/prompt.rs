//! Questions to a person.

use std::io::Write;

use super::session::Session;
use super::tell;

/// Whether the answer is yes; with `-y` it is. The time that a person takes is not the cluster's.
///
/// # Errors
/// Nobody answered: the line for stderr.
pub(super) fn confirmed(session: &mut Session, yes: bool, question: &str) -> Result<bool, String> {
    let answer = if yes {
        PromptAnswer::Yes
    } else {
        ask(question)
    };
    session.begin_anew();
    match answer {
        PromptAnswer::Yes => Ok(true),
        PromptAnswer::No => Ok(false),
        PromptAnswer::Nobody => Err(session.said(NOBODY)),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PromptAnswer {
    Yes,
    No,
    /// The end of stdin: a script, or `docker exec` without `-i`.
    Nobody,
}

/// One line; only `y` and `Y` are a yes.
fn ask(question: &str) -> PromptAnswer {
    let mut stdout = std::io::stdout().lock();
    // Who cannot read the question can still answer it.
    let _ = write!(stdout, "{question} [y/N]: ").and_then(|()| stdout.flush());
    drop(stdout);
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(read) if read > 0 => match line.trim() {
            "y" | "Y" => PromptAnswer::Yes,
            _ => PromptAnswer::No,
        },
        _ => {
            tell("");
            PromptAnswer::Nobody
        }
    }
}

/// Nothing was done, and nobody decided so.
const NOBODY: &str = "nobody answered, so the node stays; -y answers yes";
