use crate::dashboard::markdown::render;

/// What an element may have: its attributes in their order, each with its value. `*` is any number, `@` any safe address.
const ELEMENTS: [(&str, &[(&str, &str)]); 24] = [
    ("a", &[("target", "_blank"), ("rel", "noopener noreferrer nofollow ugc"), ("href", "@")]),
    ("blockquote", &[]),
    ("br", &[]),
    ("code", &[]),
    ("div", &[("class", "scroll-x"), ("tabindex", "0"), ("role", "region"), ("aria-label", "Table")]),
    ("em", &[]),
    ("h3", &[("dir", "auto")]),
    ("h4", &[("dir", "auto")]),
    ("h5", &[("dir", "auto")]),
    ("h6", &[("dir", "auto")]),
    ("hr", &[]),
    ("li", &[("dir", "auto")]),
    ("ol", &[("start", "*")]),
    ("p", &[("dir", "auto")]),
    ("pre", &[("tabindex", "0"), ("aria-label", "Code"), ("dir", "ltr")]),
    ("s", &[]),
    ("strong", &[]),
    ("table", &[]),
    ("tbody", &[]),
    ("td", &[]),
    ("th", &[("scope", "col")]),
    ("thead", &[]),
    ("tr", &[]),
    ("ul", &[]),
];

/// How text is escaped; the ampersand last, so that what is made of it is not read again.
const ENTITIES: [(&str, char); 5] =
    [("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&#39;", '\''), ("&amp;", '&')];

/// What nests as deep as it may, and a table with a link in it.
const DEEPEST: usize = 64;

/// An answer, as the dashboard shows it.
///
/// Every tag has to be one of the known ones, with the known attributes and nothing more; each opened element has to be
/// closed in order; addresses have to be of schemes that cannot run anything; and the page must not be much larger than
/// the answer, nor nested deeper than browsers go.
pub fn dashboard_markdown(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let html = render(&text);
    // Definitions of links are repeated wherever they are used, up to 100,000 bytes of them, and `"` grows to six.
    assert!(html.len() <= 40 * text.len() + 600_000, "{} bytes become {}", text.len(), html.len());

    let mut open: Vec<&str> = Vec::new();
    let mut rest = &*html;
    while let Some(at) = rest.find('<') {
        check_text(&rest[..at]);
        let end = at + tag_length(&rest[at..]);
        let tag = &rest[at + 1..end - 1];
        rest = &rest[end..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed out of order");
            continue;
        }
        let name = check_tag(tag);
        assert!(name != "a" || !open.contains(&"a"), "a link within a link");
        if !["br", "hr"].contains(&name) {
            open.push(name);
        }
        assert!(open.len() <= DEEPEST, "too deep");
    }
    check_text(rest);
    assert!(open.is_empty(), "never closed: {open:?}");
}

/// How long the tag is that a text begins with. Within quotes a `>` would not end it.
fn tag_length(text: &str) -> usize {
    let mut quoted = false;
    let end = text.find(|character| {
        quoted ^= character == '"';
        character == '>' && !quoted
    });
    assert!(end.is_some(), "a tag that does not end: {text}");
    end.unwrap_or_default() + 1
}

/// Checks a tag, without its angle brackets. Gives the element's name.
fn check_tag(tag: &str) -> &'static str {
    let (name, mut rest) = tag.split_at(tag.find(' ').unwrap_or(tag.len()));
    let known = ELEMENTS.iter().find(|(known, _)| *known == name);
    assert!(known.is_some(), "an unknown element: {tag}");
    let (name, attributes) = known.copied().unwrap_or_default();
    for (attribute, value) in attributes {
        let begin = format!(" {attribute}=\"");
        assert!(rest.starts_with(&begin), "{attribute} is not there: {tag}");
        let (found, behind) = rest[begin.len()..].split_once('"').unwrap_or_default();
        rest = behind;
        match *value {
            "*" => assert!(!found.is_empty() && found.bytes().all(|byte| byte.is_ascii_digit()), "{tag}"),
            "@" => check_address(found),
            value => assert_eq!(found, value, "{tag}"),
        }
    }
    assert_eq!(rest, "", "more attributes than are known: {tag}");
    name
}

/// Checks that nothing in a text, or in an attribute, is read as markup.
fn check_text(text: &str) {
    assert!(!text.contains(['<', '>', '"', '\'']), "not escaped: {text}");
    for (at, _) in text.match_indices('&') {
        assert!(ENTITIES.iter().any(|(entity, _)| text[at..].starts_with(entity)), "not escaped: {text}");
    }
}

fn check_address(escaped: &str) {
    check_text(escaped);
    let address = ENTITIES.iter().fold(escaped.to_owned(), |address, (entity, character)| {
        address.replace(entity, character.encode_utf8(&mut [0; 4]))
    });
    // As browsers read an address (WHATWG URL): without blanks and controls at its ends, without tabs and line ends anywhere.
    let read: String = address.chars().filter(|character| !matches!(character, '\t' | '\n' | '\r')).collect();
    let read = read.trim_matches(|character| character <= ' ').to_ascii_lowercase();
    let is_safe = ["http://", "https://", "mailto:", "tel:"].iter().any(|scheme| read.starts_with(scheme));
    assert!(is_safe && read.len() == address.len(), "an address that could run something: {address}");
}
