use frontdesk_core::{
    AnswerFacts, ConversationId, FeedCursor, ListCursor, MessageStatus, SecretHash, SiteId, Timestamp,
    TurnEnd, TurnLog,
};
use http::{HeaderMap, StatusCode};

use super::headers;
use super::proxy_headers::check_proxies;
use crate::api::follow::parse_cursor;
use crate::cursor;
use crate::dashboard::login::safe_path;
use crate::dashboard::session::Cookies;
use crate::extract::{Query, idempotency_key, session_key};
use crate::origins::{AllowedOrigins, OriginVerdict};
use crate::stream::Framing;

/// A request without its body: on the first line a query, then headers.
///
/// What is taken has to be within the documented rules, and what is within these has to be taken. Proxies that are not
/// trusted have to mean nothing, and the claims of a client that comes over a trusted one neither.
pub fn request_parts(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let query = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let headers = headers(parts.next().unwrap_or_default());
    check_numbers(&query);
    check_places(&query);
    check_session(&query, &headers);
    check_cookies(&headers);
    check_origin(&headers);
    check_proxies(&headers);
    let _ = Framing::asked(&headers);
}

/// The values of a parameter, read in another way than the program's.
fn values(query: &str, name: &str) -> Vec<String> {
    let decoded = |text: &str| {
        let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
        while let [byte, behind @ ..] = rest {
            let hex = behind.get(..2).and_then(|hex| str::from_utf8(hex).ok());
            let hex = hex.filter(|hex| *byte == b'%' && hex.bytes().all(|digit| digit.is_ascii_hexdigit()));
            rest = if hex.is_some() { &behind[2..] } else { behind };
            let plain = if *byte == b'+' { b' ' } else { *byte };
            bytes.push(hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).unwrap_or(plain));
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(found, _)| decoded(found) == name)
        .map(|(_, value)| decoded(value))
        .collect()
}

fn check_numbers(query: &str) {
    let expected = match &values(query, "limit")[..] {
        [] => Some(None),
        [one] if !one.is_empty() && one.bytes().all(|byte| byte.is_ascii_digit()) => {
            let digits = one.trim_start_matches('0');
            let number = digits.parse::<u32>().ok().filter(|number| digits.len() < 4 && *number <= 200);
            number.map(Some)
        }
        _ => None,
    };
    let read = Query::read(query).number("limit", 1..=200);
    assert_eq!(read.as_ref().ok(), expected.as_ref());
    assert!(read.err().is_none_or(|error| error.code.facts().status == StatusCode::BAD_REQUEST));
}

/// Cursors: of lists, of answers, and the page to go to after signing in.
fn check_places(query: &str) {
    let query = Query::read(query);
    if let Ok(Some(text)) = query.text("cursor") {
        if let Some(place) = cursor::decode(SiteId::DEFAULT, text) {
            assert_eq!(cursor::encode(SiteId::DEFAULT, place), text, "two texts for one place");
        }
        // A place of these bytes, and what comes of it when its text is altered.
        let mut bytes = [0; 24];
        for (byte, from) in bytes.iter_mut().zip(text.bytes()) {
            *byte = from;
        }
        let (time, id) = bytes.split_at(8);
        let place = ListCursor {
            updated_at: Timestamp::from_millis(i64::from_be_bytes(time.try_into().unwrap_or_default())),
            id: ConversationId::from_bytes(id.try_into().unwrap_or_default()),
        };
        let made = cursor::encode(SiteId::DEFAULT, place);
        assert_eq!(cursor::decode(SiteId::DEFAULT, &made), Some(place));
        assert_eq!(cursor::decode(SiteId::from_bytes([9; 16]), &made), None);
        let altered = format!("{}{}", text.chars().next().unwrap_or('A'), &made[1..]);
        assert!(altered == made || cursor::decode(SiteId::DEFAULT, &altered).is_none());
    }
    if let Ok(Some(text)) = query.text("after")
        && let Ok(place) = text.parse::<FeedCursor>()
    {
        assert_eq!(place.to_string(), text, "two texts for one place");
    }
    if let Ok(Some(text)) = query.text("after")
        && let Ok(after) = parse_cursor(text)
    {
        assert_eq!(text.trim_start_matches('0'), after.to_string().trim_start_matches('0'));
        let end = TurnEnd {
            status: MessageStatus::Complete,
            finish: AnswerFacts::default().finish,
            failure: None,
            usage: None,
            retry_after: None,
        };
        let answer = "aé漢😀";
        let log = TurnLog::ended(answer.to_owned(), end);
        assert_eq!(log.reader(after).is_ok(), [0, 1, 3, 6, 10].contains(&after));
    }
    if let Ok(Some(text)) = query.text("next") {
        let path = safe_path(text);
        assert!(path == text || path == "/");
        // Browsers take `\` for `/`, and drop tabs and line ends.
        let read: String = path.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
        let read = read.replace('\\', "/");
        assert!(read.starts_with('/') && !read.starts_with("//"), "{text}");
        let names_a_host = path.parse::<http::Uri>().is_ok_and(|uri| uri.host().is_some());
        assert!(http::HeaderValue::from_str(path).is_ok() && !names_a_host, "{text}");
    }
}

/// The bytes of a header, if it was sent once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a [u8]>, ()> {
    let lines: Vec<_> = headers.get_all(name).iter().collect();
    match lines[..] {
        [] => Ok(None),
        [line] => Ok(Some(line.as_bytes())),
        _ => Err(()),
    }
}

fn check_session(query: &str, headers: &HeaderMap) {
    let session = Query::read(query).text("session").ok().flatten().unwrap_or("a").to_owned();
    let is_session = (1..=128).contains(&session.len())
        && session.chars().all(|c| c.is_ascii_alphanumeric() || "._:-".contains(c));
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    let secret = only(headers, "x-session-secret");
    let is_secret = secret
        .is_ok_and(|secret| secret.is_none_or(|secret| secret.len() == 43 && secret.iter().all(is_base64)));
    let key = session_key(SiteId::DEFAULT, &session, headers);
    assert_eq!(key.is_ok(), is_session && is_secret);
    if let Ok(key) = key {
        assert_eq!(key.session.as_str(), session);
        let secret =
            secret.ok().flatten().and_then(|secret| SecretHash::of(str::from_utf8(secret).ok()?).ok());
        assert_eq!(key.secret, secret);
    }

    let in_body = Query::read(query).text("clientMessageId").ok().flatten().map(str::to_owned);
    let in_header = only(headers, "idempotency-key");
    let is_key = |key: &[u8]| (1..=255).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    let is_fine = in_header.is_ok_and(|header| {
        header.is_none_or(is_key)
            && in_body.as_ref().is_none_or(|body| is_key(body.as_bytes()))
            && (header.is_none() || in_body.is_none() || header == in_body.as_ref().map(String::as_bytes))
    });
    let key = idempotency_key(headers, in_body.as_deref());
    assert_eq!(key.is_ok(), is_fine);
    if let Ok(key) = key {
        let sent = in_header.ok().flatten().or(in_body.as_ref().map(String::as_bytes));
        assert_eq!(key.as_ref().map(|key| key.as_str().as_bytes()), sent);
    }
}

fn check_cookies(headers: &HeaderMap) {
    for (cookies, name) in
        [(Cookies::Plain, "frontdesk_session"), (Cookies::Secure, "__Host-frontdesk_session")]
    {
        let Some(token) = cookies.session(headers) else { continue };
        assert!(!token.is_empty() && !token.contains(';'));
        let pair = format!("{name}={token}");
        let lines = headers.get_all("cookie").iter().filter_map(|line| line.to_str().ok());
        assert!(
            lines.flat_map(|line| line.split(';')).any(|found| found.trim() == pair),
            "nobody sent {pair}"
        );
    }
}

fn check_origin(headers: &HeaderMap) {
    let list = "https://shop.example, http://localhost:3000, https://*.wide.example";
    let Ok(allowed) = AllowedOrigins::parse(list) else { unreachable!("the list is in order") };
    let verdict = allowed.judge(headers);
    assert_eq!(verdict == OriginVerdict::None, !headers.contains_key("origin"));
    if let OriginVerdict::Allowed(origin) = verdict {
        assert_eq!(headers.get_all("origin").iter().count(), 1);
        let origin = origin.to_ascii_lowercase();
        let host = origin.strip_prefix("https://").and_then(|host| host.strip_suffix(".wide.example"));
        let is_below = host.is_some_and(|name| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
        });
        assert!(
            ["https://shop.example", "http://localhost:3000"].contains(&&*origin) || is_below,
            "{origin}"
        );
    }
}
