//! Refusal of requests that a web page of another site sent through a browser, and of heads whose
//! `Host` is not clear.
//!
//! A browser adds the user's reach, and the credentials that it remembers, to every request that a
//! page makes. `Sec-Fetch-Site` and `Origin` say which page that was; no page can change them.
//! Data nodes, `influxd-ctl` and the tools that call this API are no browsers and send neither.
//! All routes are alike: `GET /lease` and `GET /ping?all=true` have effects too.

use hyper::header::{HOST, HeaderValue, ORIGIN};
use hyper::{HeaderMap, StatusCode, Version};

use super::error::ErrorResponse;

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Checks the head of a request before anything else is done with it.
///
/// # Errors
/// 400 for a `Host` that is missing or sent twice, 403 for a request of another site's page.
pub(super) fn check(version: Version, headers: &HeaderMap) -> Result<(), ErrorResponse> {
    let host = host(version, headers)?;
    for site in headers.get_all(SEC_FETCH_SITE) {
        if matches!(site.as_bytes(), b"cross-site" | b"same-site") {
            return Err(foreign("Sec-Fetch-Site", site));
        }
    }
    for origin in headers.get_all(ORIGIN) {
        if !is_own(origin, host) {
            return Err(foreign("Origin", origin));
        }
    }
    Ok(())
}

/// Returns the `Host`. Two of them are read differently by two programs on the way (RFC 9112 3.2);
/// only HTTP/1.0 may leave it out.
fn host(version: Version, headers: &HeaderMap) -> Result<Option<&HeaderValue>, ErrorResponse> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (_, Some(_)) => Err(ErrorResponse::bad("the request has two Host headers")),
        (None, None) if version >= Version::HTTP_11 => {
            Err(ErrorResponse::bad("the request has no Host header"))
        }
        (host, None) => Ok(host),
    }
}

/// Returns whether an origin, such as `http://meta-1:8091`, has the host and port of the request.
/// The origin `null`, which sandboxed pages and files have, is never our own.
fn is_own(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let (Ok(origin), Some(Ok(host))) = (origin.to_str(), host.map(HeaderValue::to_str)) else {
        return false;
    };
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    // Browsers leave out the port that the scheme implies; other programs may not.
    let bare = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.strip_suffix(port).map(str::to_owned).unwrap_or(name)
    };
    bare(authority) == bare(host)
}

fn foreign(header: &str, value: &HeaderValue) -> ErrorResponse {
    ErrorResponse::new(
        StatusCode::FORBIDDEN,
        format!(
            "refused: a web page of another site sent this request ({header}: {}); open the \
             address of this node itself, or use a client that is no browser",
            String::from_utf8_lossy(value.as_bytes())
        ),
    )
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderName;

    use super::*;

    fn refused(version: Version, list: &[(&'static str, &'static str)]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        check(version, &headers)
            .err()
            .map(|error| error.text().to_owned())
    }

    #[test]
    fn an_origin_is_ours_only_with_the_host_and_the_port_of_the_request() {
        for (origin, host, own) in [
            ("http://m:8091", "m:8091", true),
            ("http://M:8091", "m:8091", true),
            ("http://[::1]:8091", "[::1]:8091", true),
            ("https://meta.example", "meta.example", true),
            ("https://meta.example", "meta.example:443", true),
            ("http://m", "m:80", true),
            ("http://m", "m:8091", false),
            ("http://m:3000", "m:8091", false),
            ("http://m:8091.evil.example", "m:8091", false),
            ("http://evil.example", "m:8091", false),
            ("ftp://m:8091", "m:8091", false),
            ("m:8091", "m:8091", false),
            ("null", "m:8091", false),
            ("null", "null", false),
            ("", "", false),
        ] {
            let refused = refused(Version::HTTP_11, &[("host", host), ("origin", origin)]);
            assert_eq!(refused.is_none(), own, "{origin} at {host}: {refused:?}");
        }
        // Without a Host there is nothing to compare with.
        assert!(refused(Version::HTTP_10, &[("origin", "http://m")]).is_some());
    }

    #[test]
    fn every_value_of_a_repeated_header_counts() {
        let host = ("host", "m:8091");
        let own = ("origin", "http://m:8091");
        assert_eq!(refused(Version::HTTP_11, &[host, own]), None);
        let foreign = ("origin", "http://evil.example");
        assert!(refused(Version::HTTP_11, &[host, own, foreign]).is_some());
        for (site, refuses) in [
            ("none", false),
            ("same-origin", false),
            ("same-site", true),
            ("cross-site", true),
        ] {
            let none = ("sec-fetch-site", "none");
            let list = [host, none, ("sec-fetch-site", site)];
            assert_eq!(
                refused(Version::HTTP_11, &list).is_some(),
                refuses,
                "{site}"
            );
        }
    }

    #[test]
    fn one_host_is_needed_and_one_is_enough() {
        let host = ("host", "m:8091");
        assert_eq!(refused(Version::HTTP_11, &[host]), None);
        assert_eq!(refused(Version::HTTP_10, &[]), None);
        assert_eq!(refused(Version::HTTP_10, &[host]), None);
        let none = refused(Version::HTTP_11, &[]).expect("refused");
        assert_eq!(none, "the request has no Host header");
        for version in [Version::HTTP_10, Version::HTTP_11] {
            let two = refused(version, &[host, host]).expect("refused");
            assert_eq!(two, "the request has two Host headers");
        }
    }
}
