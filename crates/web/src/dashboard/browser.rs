//! What a browser calls itself, made readable.

/// Names of browsers, before those whose name they carry as well.
const BROWSERS: [(&str, &str); 9] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex"),
    ("Vivaldi/", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
];

const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

/// The name of a browser, its version and its system, as in `Firefox 143, macOS`; what it said itself if that is nothing
/// known.
pub(super) fn readable(user_agent: &str) -> String {
    let known = BROWSERS.into_iter().find_map(|(token, name)| {
        let (_, rest) = user_agent.split_once(token)?;
        // As in `Edg/`, `EdgA/` and `EdgiOS/`.
        let version = if token.ends_with('/') { rest } else { rest.split_once('/')?.1 };
        Some((name, major(version)))
    });
    let safari = || {
        let (_, version) = user_agent.split_once("Version/")?;
        user_agent.contains("Safari/").then(|| ("Safari", major(version)))
    };
    let system = SYSTEMS.into_iter().find(|(token, _)| user_agent.contains(token)).map(|(_, name)| name);
    match (known.or_else(safari), system) {
        (Some((name, version)), Some(system)) => format!("{name} {version}, {system}"),
        (Some((name, version)), None) => format!("{name} {version}"),
        (None, _) => user_agent.chars().take(120).collect(),
    }
}

fn major(version: &str) -> &str {
    let end = version.find(|character: char| !character.is_ascii_digit()).unwrap_or(version.len());
    &version[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_apart() {
        let mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:143.0) Gecko/20100101 Firefox/143.0";
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (user_agent, name) in [
            (mac.to_owned(), "Firefox 143, macOS"),
            (
                format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/142.0.0.0 Safari/537.36"),
                "Chrome 142, Windows",
            ),
            (
                format!("Mozilla/5.0 (Windows NT 10.0) {webkit} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.1"),
                "Edge 142, Windows",
            ),
            (
                format!("Mozilla/5.0 (Linux; Android 10; K) {webkit} Chrome/142.0 Mobile Safari/537.36 EdgA/141.0"),
                "Edge 141, Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/26.0 Mobile/15E148 Safari/604.1"
                    .to_owned(),
                "Safari 26, iOS",
            ),
            ("curl/8.14.1".to_owned(), "curl/8.14.1"),
            ("Edg".to_owned(), "Edg"),
            (String::new(), ""),
        ] {
            assert_eq!(readable(&user_agent), name, "{user_agent}");
        }
    }

    #[test]
    fn what_is_not_known_is_cut() {
        assert_eq!(readable(&"é".repeat(500)).chars().count(), 120);
    }
}
