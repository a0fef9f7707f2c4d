//! What hostile bytes must not do here: the checks that the fuzzer (`fuzz/`) and the tests run. They panic if something is
//! not as it has to be.

#![expect(clippy::missing_panics_doc, reason = "that is what these are for")]

mod dashboard_markdown;
mod http_stream;
mod json_body;
mod proxy_headers;
mod request_parts;

pub use dashboard_markdown::dashboard_markdown;
pub use http_stream::http_stream;
pub use json_body::json_body;
pub use request_parts::request_parts;

use http::{HeaderMap, HeaderName, HeaderValue};

/// Headers as they stand in a request, one a line; lines that no request could have are left out.
fn headers(text: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in text.split(|byte| *byte == b'\n') {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = HeaderName::from_bytes(parts.next().unwrap_or_default());
        let value = HeaderValue::from_bytes(parts.next().unwrap_or_default().trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use frontdesk_testkit::hostile_bytes;

    #[test]
    fn hostile_answers_become_known_elements() {
        hostile_bytes("dashboard_markdown", super::dashboard_markdown);
    }

    #[test]
    fn hostile_streams_of_requests_are_split_in_one_way_only() {
        hostile_bytes("http_stream", super::http_stream);
    }

    #[test]
    fn hostile_bodies_are_taken_exactly_if_they_are_in_order() {
        hostile_bytes("json_body", super::json_body);
    }

    #[test]
    fn hostile_queries_and_headers_are_taken_exactly_if_they_are_in_order() {
        hostile_bytes("request_parts", super::request_parts);
    }
}
