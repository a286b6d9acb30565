//! Sentences that differ in a measure alone.

/// Units behind a number that is a measure.
const UNITS: [&str; 4] = ["ms", "s", "seconds", "bytes"];

/// Returns the text with `…` in place of each number before a unit, to compare sentences: "1200 ms
/// ago" and "3400 ms ago" say the same. Ports, ids and counts stay.
pub fn without_measures(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let kept = words.iter().enumerate().map(|(n, word)| {
        let unit = words.get(n + 1).is_some_and(|next| is_unit(next));
        if unit && is_number(word) { "…" } else { word }
    });
    kept.collect::<Vec<_>>().join(" ")
}

fn is_unit(word: &str) -> bool {
    UNITS.contains(&word.trim_end_matches(|c: char| c.is_ascii_punctuation()))
}

fn is_number(word: &str) -> bool {
    let digits = word.trim_start_matches('(');
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_are_left_out_and_nothing_else() {
        for (text, want) in [
            ("heard 1200 ms ago); x", "heard … ms ago); x"),
            ("(3.5 s, 12 bytes)", "… s, … bytes)"),
            ("1 of 3 voters", "1 of 3 voters"),
            ("Raft id 3 at meta-1:8091", "Raft id 3 at meta-1:8091"),
            ("within seconds", "within seconds"),
            ("", ""),
        ] {
            assert_eq!(without_measures(text), want);
        }
    }
}
