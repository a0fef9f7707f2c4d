//! The widget's file: where it comes from, how large it is, and how it is served.

use std::fs;
use std::path::{Path, PathBuf};

use http::StatusCode;
use sha2::{Digest as _, Sha256};

use crate::desk::Desk;

/// What the widget may weigh, compressed.
const BUDGET: usize = 20_000;

fn widget() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../widget")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

#[test]
fn the_bundle_is_built_from_these_sources() {
    let root = widget();
    let tools = [
        "build.mjs",
        "members.mjs",
        "names.mjs",
        "scopes.mjs",
        "sheet.mjs",
        "short-names.txt",
        "package-lock.json",
    ];
    let mut files: Vec<_> = tools.iter().map(|tool| root.join(tool)).collect();
    files_below(&root.join("src"), &mut files);
    let mut names: Vec<_> = files
        .iter()
        .map(|path| (path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/"), path))
        .collect();
    names.sort();
    let mut hash = Sha256::new();
    for (name, path) in names {
        let content = hex(&Sha256::digest(fs::read(path).unwrap()));
        hash.update(format!("{name}\n{content}\n"));
    }
    let sources = hex(&hash.finalize());
    assert_eq!(include_str!("../../assets/chat-widget.sources").trim(), sources, "run: cargo xtask generate");
}

#[tokio::test]
async fn the_bundle_keeps_to_its_budget() {
    let desk = Desk::open().await;
    let response = desk.get("/widget/chat-widget.js").header("accept-encoding", "gzip").begin().await;
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    println!("chat-widget.js: {} of {BUDGET} bytes, compressed", body.len());
    assert!(body.len() <= BUDGET, "{} bytes", body.len());
}

#[tokio::test]
async fn every_page_may_load_it_and_its_address_may_be_kept() {
    let desk = Desk::open().await;
    let reply = desk.get("/widget/chat-widget.js").send().await;
    assert_eq!(reply.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    assert_eq!(reply.header("cross-origin-resource-policy"), "cross-origin");
    assert_eq!(reply.header("cache-control"), "public, max-age=300, stale-while-revalidate=86400");

    let hash = reply.header("etag").trim_matches('"').to_owned();
    let immutable = desk.get(&format!("/widget/chat-widget.{hash}.js")).send().await;
    assert_eq!(immutable.body, reply.body);
    assert_eq!(immutable.header("cache-control"), "public, max-age=31536000, immutable");
    let known = desk.get("/widget/chat-widget.js").header("if-none-match", reply.header("etag")).send().await;
    assert_eq!((known.status, known.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    let other = desk.get("/widget/chat-widget.0000000000000000.js").send().await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_page_may_load_its_words_in_its_language() {
    let desk = Desk::open().await;
    let reply = desk.get("/widget/locales/de.json").header("origin", "https://shop.example").send().await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    assert_eq!(reply.header("cross-origin-resource-policy"), "cross-origin");
    assert_eq!(reply.header("cache-control"), "public, max-age=300, stale-while-revalidate=86400");
    assert!(reply.body.contains("Chat öffnen"));
    let known =
        desk.get("/widget/locales/de.json").header("if-none-match", reply.header("etag")).send().await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
    for (tag, language, word) in [
        ("de", "de", "Chat öffnen"),
        ("de-at", "de-AT", "Chat öffnen"),
        ("en", "en", "Open chat"),
        ("en_GB", "en-GB", "Open chat"),
        ("tlh", "en", "Open chat"),
        ("not%20a%20tag", "en", "Open chat"),
        ("..%2Fde", "en", "Open chat"),
    ] {
        let reply = desk.get(&format!("/widget/locales/{tag}.json")).send().await;
        assert_eq!((reply.status, reply.header("content-language")), (StatusCode::OK, language));
        assert!(reply.body.contains(word), "{tag}");
    }
    for unknown in ["de", "..%2Fchat-widget.js", "chat-widget.js"] {
        let reply = desk.get(&format!("/widget/locales/{unknown}")).send().await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{unknown}");
    }
}
