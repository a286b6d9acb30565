//! Parameters of a request: form values first, then the query (wire.md 4.4). GET has only the
//! query.

use axum::extract::{FromRequest, Multipart, Request};
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Method, Uri};

use super::error::ErrorResponse;

/// Names and values in order; the first of a name counts.
#[derive(Debug, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn from_query(uri: &Uri) -> Self {
        Self(urlencoded(uri.query().unwrap_or_default().as_bytes()))
    }

    /// Returns the parameters of a request whose body has been read. A body is a form only if its
    /// content type says so; a route may read another body itself, such as JSON with the content
    /// type of a form (clients.md trap 17).
    ///
    /// # Errors
    /// 400 for a multipart form that cannot be decoded.
    pub(super) async fn from_form(
        uri: &Uri,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Self, ErrorResponse> {
        let mut pairs = match media_type(headers).as_str() {
            "application/x-www-form-urlencoded" => urlencoded(body.trim_ascii_end()),
            "multipart/form-data" => multipart(headers, body).await?,
            _ => Vec::new(),
        };
        pairs.extend(Self::from_query(uri).0);
        Ok(Self(pairs))
    }

    /// Returns the value, unless it is missing or empty: Go's `FormValue` does not distinguish
    /// these.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let first = self.0.iter().find(|(n, _)| n == name);
        first
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

/// Returns the media type without parameters, in lower case: case does not matter in it (RFC 9110,
/// 8.3.1). Parameters may be any bytes, not only text.
fn media_type(headers: &HeaderMap) -> String {
    let value = headers
        .get(CONTENT_TYPE)
        .map(|value| value.as_bytes())
        .unwrap_or_default();
    let name = value.split(|byte| *byte == b';').next().unwrap_or_default();
    String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase()
}

/// Decodes pairs. Every byte is accepted: clients send blanks, quotes, `<`, `{` and `#` as they
/// are.
fn urlencoded(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

async fn multipart(
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Vec<(String, String)>, ErrorResponse> {
    let broken = |error: &dyn std::fmt::Display| {
        ErrorResponse::bad(format!("the form cannot be decoded: {error}"))
    };
    let mut request = Request::new(axum::body::Body::from(body));
    *request.method_mut() = Method::POST;
    *request.headers_mut() = headers.clone();
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|error| broken(&error))?;
    let mut pairs = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
        let name = field.name().unwrap_or_default().to_owned();
        pairs.push((name, field.text().await.map_err(|error| broken(&error))?));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    async fn params(content_type: &str, body: &str) -> Params {
        let mut headers = HeaderMap::new();
        let content_type = HeaderValue::from_bytes(content_type.as_bytes()).expect("a value");
        headers.insert(CONTENT_TYPE, content_type);
        let uri = Uri::from_static("/join?addr=query%3A1&force=true&empty=");
        Params::from_form(&uri, &headers, Bytes::copy_from_slice(body.as_bytes()))
            .await
            .expect("decodes")
    }

    const FORM: &str = "application/x-www-form-urlencoded";

    #[tokio::test]
    async fn the_media_type_of_a_form_has_any_case_and_any_parameters() {
        for content_type in [
            "Application/X-WWW-Form-URLEncoded",
            "application/x-www-form-urlencoded; charset=UTF-8",
            "application/x-www-form-urlencoded;charset=\"utf-8\"",
            " application/x-www-form-urlencoded ;x",
            "application/x-www-form-urlencoded; charset=caf\u{e9}",
        ] {
            let params = params(content_type, "addr=form").await;
            assert_eq!(params.get("addr"), Some("form"), "{content_type}");
        }
        let body =
            "--B\r\nContent-Disposition: form-data; name=\"addr\"\r\n\r\na b#\"<{\r\n--B--\r\n";
        for content_type in [
            "Multipart/Form-Data; boundary=B",
            "multipart/form-data; charset=utf-8; Boundary=\"B\"",
        ] {
            let params = params(content_type, body).await;
            assert_eq!(params.get("addr"), Some("a b#\"<{"), "{content_type}");
        }
    }

    #[tokio::test]
    async fn every_byte_may_stand_in_a_form_as_it_is() {
        let plain = "a b\"'<>{}[]|\\^`#?/:@!$()*,;~\u{e9}\t\n.";
        let params = params(FORM, &format!("x={plain}&delay=1m")).await;
        assert_eq!(params.get("x"), Some(plain));
        assert_eq!(params.get("delay"), Some("1m"));
    }

    #[tokio::test]
    async fn a_form_may_be_as_long_as_a_body() {
        let long = "x".repeat((1 << 20) - 20);
        let params = params(FORM, &format!("x={long}&delay=1m")).await;
        assert_eq!(params.get("x"), Some(long.as_str()));
        assert_eq!(params.get("delay"), Some("1m"));
    }

    #[tokio::test]
    async fn a_form_comes_before_the_query() {
        let params = params(
            "application/x-www-form-urlencoded",
            "addr=m%2D1%3A8091&x=a+b",
        )
        .await;
        assert_eq!(params.get("addr"), Some("m-1:8091"));
        assert_eq!(params.get("force"), Some("true"));
        assert_eq!(params.get("x"), Some("a b"));
        assert_eq!(params.get("empty"), None);
    }

    /// Helm's chart posts like this (clients.md trap 11).
    #[tokio::test]
    async fn curls_multipart_form_is_a_form() {
        let body =
            "--B\r\nContent-Disposition: form-data; name=\"addr\"\r\n\r\ndata-0:8088\r\n--B--\r\n";
        let params = params("multipart/form-data; boundary=B", body).await;
        assert_eq!(params.get("addr"), Some("data-0:8088"));
    }

    #[tokio::test]
    async fn a_form_under_another_content_type_is_none() {
        let params = params("text/plain", "addr=form").await;
        assert_eq!(params.get("addr"), Some("query:1"));
    }
}
