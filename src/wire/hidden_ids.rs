//! The answers about health as a stranger gets them: without the ids by which meta nodes know each
//! other, where these prove a secret before they name themselves (founding.md 11.3).

use super::api::{Health, HealthSummary, RaftStateInfo, Ready};

/// Digits of a cluster id or an incarnation in a sentence.
const ID_DIGITS: usize = 32;
/// Words before a Raft id in a sentence.
const RAFT_ID: &str = "Raft id ";

impl Ready {
    /// Takes the ids out of the sentences.
    pub fn hide_ids(&mut self) {
        hide_in(self.error.as_mut());
        for check in &mut self.checks {
            hide_in(check.message.as_mut());
        }
    }
}

impl HealthSummary {
    /// Takes the ids out of the sentences.
    pub fn hide_ids(&mut self) {
        hide_in([&mut self.message].into_iter().chain(&mut self.error));
    }
}

impl Health {
    /// Takes cluster id, incarnation and Raft ids away, from the fields and from the sentences.
    /// The ids of nodes in the catalog stay: every client reads those.
    pub fn hide_ids(&mut self) {
        (self.incarnation, self.cluster_id, self.raft_id) = (None, None, None);
        hide_in(
            [&mut self.reason]
                .into_iter()
                .chain(&mut self.blocked)
                .chain(&mut self.halted)
                .chain(&mut self.warnings)
                .chain(self.missing.iter_mut().map(|missing| &mut missing.why)),
        );
        if let Some(raft) = &mut self.raft_state {
            raft.hide_ids();
        }
    }
}

impl RaftStateInfo {
    fn hide_ids(&mut self) {
        self.leader = None;
        (self.voters, self.learners) = (Vec::new(), Vec::new());
        for member in &mut self.members {
            member.raft_id = None;
        }
        for waiting in &mut self.waiting {
            waiting.raft_id = None;
            hide_in(waiting.state.as_mut());
        }
    }
}

fn hide_in<'a>(texts: impl IntoIterator<Item = &'a mut String>) {
    for text in texts {
        *text = without_ids(text);
    }
}

/// Replaces each id in a sentence by `…`.
fn without_ids(text: &str) -> String {
    let mut hidden = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let hex = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        let word = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let taken = if hex == ID_DIGITS && word == ID_DIGITS {
            hidden.push('…');
            ID_DIGITS
        } else if let Some(number) = rest.strip_prefix(RAFT_ID) {
            hidden.push_str(RAFT_ID);
            hidden.push('…');
            RAFT_ID.len() + number.bytes().take_while(u8::is_ascii_digit).count()
        } else {
            let taken = word.max(first.len_utf8());
            hidden.push_str(&rest[..taken]);
            taken
        };
        rest = &rest[taken..];
    }
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever `/healthz` has: every id is of one kind of byte or number, and none is left.
    #[test]
    fn no_field_of_a_health_keeps_an_id() {
        let (incarnation, cluster) = ("ee".repeat(16), "cc".repeat(16));
        let text = format!(
            r#"{{"status":"pass","version":"v","phase":"member","doing":"open",
            "reason":"in {cluster}","blocked":"by {incarnation}","halted":"{cluster}",
            "missing":[{{"address":"m2:8091","why":"two answer: {incarnation}"}}],
            "incarnation":"{incarnation}","http":"m:8091","raft":"m:8089",
            "cluster_id":"{cluster}","cluster_name":"name","raft_id":770,"node_id":1,
            "raft_state":{{"term":3,"role":"leader","leader":770,"leader_http":"m:8091",
            "last_log":null,"committed":null,"applied":null,"snapshot":null,"lag":0,
            "catalog_index":4,"voters":[770,771],"learners":[772],"joint":false,
            "quorum_ack_ms":1,"members":[{{"raft_id":771,"node_id":2,"http":"m2:8091",
            "raft":"m2:8089","voter":true,"lag":0,"quiet_ms":5}}],
            "waiting":[{{"http":"m3:8091","raft_id":773,"voter":true,"state":"Raft id 770"}}]}},
            "catalog":null,"peer_proofs":"required","warnings":["Raft id 774 votes"],"alarms":[]}}"#
        );
        let mut health: Health = serde_json::from_str(&text).expect("a health");
        health.hide_ids();
        let shown = serde_json::to_string(&health).expect("encodes");
        for id in [&incarnation[..], &cluster, "77"] {
            assert!(!shown.contains(id), "{id} in {shown}");
        }
        for kept in ["m2:8091", "leader_http", "\"node_id\":2", "votes"] {
            assert!(shown.contains(kept), "{kept} in {shown}");
        }
    }

    #[test]
    fn ids_in_sentences_are_hidden_and_nothing_else() {
        let id = "9f86d081884c7d659a2feaa0c55ad015";
        let joining = format!("cluster {id} exists at meta-1:8091: joining it");
        assert_eq!(
            without_ids(&joining),
            "cluster … exists at meta-1:8091: joining it"
        );
        assert_eq!(
            without_ids(&format!("({id}, Raft id 12): Raft id 3.")),
            "(…, Raft id …): Raft id …."
        );
        for kept in [
            String::new(),
            "no leader is known".to_owned(),
            "größer: 12 of 30 – Raft identity".to_owned(),
            // Longer numbers and names are no ids.
            format!("{id}0 x{id} {}", &id[1..]),
        ] {
            assert_eq!(without_ids(&kept), kept);
        }
    }
}
