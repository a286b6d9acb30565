//! Questions to a person.

use std::io::Write;

use super::session::Session;
use super::tell;

/// Whether the answer is yes; with `-y` it is. The time that a person takes is not the cluster's.
///
/// # Errors
/// Nobody answered: the line for stderr.
pub(super) fn confirmed(session: &mut Session, yes: bool, question: &str) -> Result<bool, String> {
    let answer = if yes { Answer::Yes } else { ask(question) };
    session.begin_anew();
    match answer {
        Answer::Yes => Ok(true),
        Answer::No => Ok(false),
        Answer::Nobody => Err(session.said(NOBODY)),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    /// The end of stdin: a script, or `docker exec` without `-i`.
    Nobody,
}

/// One line; only `y` and `Y` are a yes.
fn ask(question: &str) -> Answer {
    let mut stdout = std::io::stdout().lock();
    // Who cannot read the question can still answer it.
    let _ = write!(stdout, "{question} [y/N]: ").and_then(|()| stdout.flush());
    drop(stdout);
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(read) if read > 0 => match line.trim() {
            "y" | "Y" => Answer::Yes,
            _ => Answer::No,
        },
        _ => {
            tell("");
            Answer::Nobody
        }
    }
}

/// Nothing was done, and nobody decided so.
const NOBODY: &str = "nobody answered, so the node stays; -y answers yes";
