use frontdesk_core::Visit;
use http::HeaderMap;
use http::header::{ACCEPT_LANGUAGE, HeaderName, USER_AGENT};
use serde_json::Value;

/// What the visitor's browser says of the visit: in the body where the chat is, in the headers what it is. Nothing of it is
/// ever refused; what is not a text, or no address of a page, is not there.
pub(crate) fn visit(headers: &HeaderMap, page: Option<&Value>, referrer: Option<&Value>) -> Visit {
    let header = |name: HeaderName| Visit::text(headers.get(name)?.to_str().ok()?);
    Visit {
        page: address(page),
        referrer: address(referrer),
        user_agent: header(USER_AGENT),
        language: header(ACCEPT_LANGUAGE),
    }
}

fn address(value: Option<&Value>) -> Option<String> {
    page_address(value?.as_str()?)
}

/// The address of a page as it is kept: without its fragment, which may hold what is nobody's business.
pub(crate) fn page_address(text: &str) -> Option<String> {
    let is_address = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
    let without_fragment = text.split_once('#').map_or(text, |(address, _)| address);
    Visit::text(without_fragment).filter(|_| is_address)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_visit_is_what_the_body_and_the_headers_say() {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static("Mozilla/5.0"));
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("de, en;q=0.5"));
        let page = json!("https://shop.example/rates?from=porto#token=abc");
        let visit = visit(&headers, Some(&page), Some(&json!("http://search.example/")));
        assert_eq!(visit.page.as_deref(), Some("https://shop.example/rates?from=porto"));
        assert_eq!(visit.referrer.as_deref(), Some("http://search.example/"));
        assert_eq!(visit.user_agent.as_deref(), Some("Mozilla/5.0"));
        assert_eq!(visit.language.as_deref(), Some("de, en;q=0.5"));
    }

    #[test]
    fn what_is_no_address_of_a_page_is_not_there() {
        for page in
            [json!(7), json!(null), json!({"url": "https://a"}), json!("javascript:alert(1)"), json!("")]
        {
            assert_eq!(visit(&HeaderMap::new(), Some(&page), None), Visit::default(), "{page}");
        }
    }
}
