//! Form of a subscription's destination. The check is exactly as strict as the parser of the
//! original: nothing passes that data nodes cannot read, and nothing that they can read is refused.

/// Whether this is a URL of `udp`, `http` or `https` with a host, which may be empty, and a port,
/// which may not be empty. It may have a user, a path and a query. Bytes beyond ASCII need not be
/// text.
pub(super) fn is_destination(url: &[u8]) -> bool {
    let Some((scheme, rest)) = split_once(url, b"://") else {
        return false;
    };
    let known = ["udp", "http", "https"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known.as_bytes()));
    let end = rest
        .iter()
        .position(|byte| b"/?#".contains(byte))
        .unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let at = authority.iter().rposition(|byte| *byte == b'@');
    let (user, host_port) = at.map_or((&b""[..], authority), |at| {
        (&authority[..at], &authority[at + 1..])
    });
    known
        && !url.iter().any(u8::is_ascii_control)
        && user.iter().all(|byte| is_of_user(*byte))
        && escapes_are_whole(user)
        && is_host_port(host_port)
        && without_query(rest).into_iter().all(escapes_are_whole)
}

fn is_host_port(host_port: &[u8]) -> bool {
    let Some(colon) = host_port.iter().rposition(|byte| *byte == b':') else {
        return false;
    };
    let (host, port) = (&host_port[..colon], &host_port[colon + 1..]);
    let bare = host
        .strip_prefix(b"[")
        .and_then(|host| host.strip_suffix(b"]"));
    // A host may contain a colon only in brackets.
    let is_host = match bare {
        Some(bare) => bare
            .iter()
            .all(|byte| *byte == b':' || *byte == b'%' || is_of_host(*byte)),
        None => host.iter().all(|byte| is_of_host(*byte)),
    };
    is_host && !port.is_empty() && port.iter().all(u8::is_ascii_digit)
}

fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || b"-_.~!$&'()*+,;=<>\"".contains(&byte)
}

fn is_of_user(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte)
}

/// Path and fragment: in both a `%` must begin two hexadecimal digits.
fn without_query(rest: &[u8]) -> [&[u8]; 2] {
    let (rest, fragment) = split_at_byte(rest, b'#');
    let (path, _) = split_at_byte(rest, b'?');
    [path, fragment]
}

fn escapes_are_whole(text: &[u8]) -> bool {
    let mut parts = text.split(|byte| *byte == b'%');
    parts.next();
    parts.all(|part| part.len() >= 2 && part[..2].iter().all(u8::is_ascii_hexdigit))
}

fn split_at_byte(text: &[u8], byte: u8) -> (&[u8], &[u8]) {
    let at = text
        .iter()
        .position(|found| *found == byte)
        .unwrap_or(text.len());
    text.split_at(at)
}

fn split_once<'a>(text: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = text
        .windows(separator.len())
        .position(|window| window == separator)?;
    Some((&text[..at], &text[at + separator.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_have_a_known_scheme_and_a_port() {
        for url in [
            "udp://h:9",
            "HTTP://h:9/write?db=x",
            "https://u:p@h:443",
            "https://u%40x:p@h:443#%41",
            "http://:9",
            "http://h:9?q=%zz",
            "http://h:99999",
            "udp://[::1]:9",
            "udp://[fe80::1%25eth0]:9",
            "udp://h\u{e9}:9",
        ] {
            assert!(is_destination(url.as_bytes()), "{url}");
        }
        assert!(is_destination(b"udp://\xff:9"));
    }

    #[test]
    fn anything_else_is_none() {
        for url in [
            "",
            "h:9",
            "ftp://h:9",
            "udp://h",
            "udp://h:",
            "udp://h:x",
            "udp://h:-9",
            "udp://::1:9",
            "udp://[::1]",
            "udp://[::1",
            "udp:h:9",
            "udp:///h:9",
            "udp://a b:9",
            "udp://a%41:9",
            "udp://[h:9",
            "http://h:9/%zz",
            "http://h:9/%4",
            "http://h:9#%4",
            "http://u%zz@h:9",
            "http://u x@h:9",
            "http://h:9/\n",
            "http://h:9/\u{7f}",
        ] {
            assert!(!is_destination(url.as_bytes()), "{url}");
        }
    }
}
