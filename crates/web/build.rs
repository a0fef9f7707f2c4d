//! Compresses the files that are served as they are, and makes a table of them.

use std::error::Error;
use std::fmt::Write as _;
use std::num::NonZeroU64;
use std::path::Path;
use std::{env, fs, io};

use sha2::{Digest as _, Sha256};

/// The files: name in the table, place below `assets/`, and type.
const FILES: [(&str, &str, &str); 4] = [
    ("chat-widget.js", "chat-widget.js", "text/javascript; charset=utf-8"),
    ("favicon.svg", "favicon.svg", "image/svg+xml"),
    ("headless-test.js", "headless-test.js", "text/javascript; charset=utf-8"),
    ("rapidoc.js", "vendor/rapidoc-9.3.8/rapidoc-min.js", "text/javascript; charset=utf-8"),
];

/// The modules of the dashboard's script, below `assets/dashboard/`: each after those that it imports from.
const MODULES: [&str; 15] = [
    "settings.js",
    "drafts.js",
    "tell.js",
    "page.js",
    "times.js",
    "forms.js",
    "dialogs.js",
    "keys.js",
    "live.js",
    "notify.js",
    "list.js",
    "compose.js",
    "thread.js",
    "inbox.js",
    "main.js",
];

/// The parts of the dashboard's style sheet, below `assets/dashboard/`: what is for narrow screens takes back what was said
/// before.
const STYLES: [&str; 6] = ["tokens.css", "shell.css", "controls.css", "inbox.css", "pages.css", "narrow.css"];

#[expect(clippy::disallowed_methods, reason = "build scripts are told everything through the environment")]
fn main() -> Result<(), Box<dyn Error>> {
    let out = env::var("OUT_DIR")?;
    let root = env::var("CARGO_MANIFEST_DIR")?;
    let mut table = String::from("static FILES: &[Asset] = &[\n");
    let locales = locales(&root)?;
    let locales =
        locales.iter().map(|name| (name.as_str(), name.as_str(), "application/json; charset=utf-8"));
    let (script, style) = (format!("{out}/dashboard.js"), format!("{out}/dashboard.css"));
    fs::write(&script, join_modules(&root)?)?;
    fs::write(&style, join_styles(&root)?)?;
    let files = FILES.into_iter().chain(locales);
    let files = files.map(|(name, place, kind)| (name, format!("{root}/assets/{place}"), kind));
    let script = ("dashboard.js", script, "text/javascript; charset=utf-8");
    let style = ("dashboard.css", style, "text/css; charset=utf-8");
    for (name, source, kind) in files.chain([script, style]) {
        println!("cargo::rerun-if-changed={source}");
        let bytes = fs::read(&source).map_err(|error| format!("{source}: {error}"))?;
        let gzip = format!("{out}/{}.gz", name.replace('/', "-"));
        fs::write(&gzip, compress(&bytes)?)?;
        let hash = short_hash(&bytes);
        writeln!(
            table,
            "    Asset {{ name: {name:?}, kind: {kind:?}, hash: {hash:?}, bytes: include_bytes!({source:?}), \
             gzip: include_bytes!({gzip:?}) }},"
        )?;
    }
    table.push_str("];\n");
    fs::write(Path::new(&out).join("assets.rs"), table)?;
    Ok(())
}

/// The modules as one, so that a page asks for one file: each a function that returns what it exports. Comments that have lines
/// of their own stay here.
fn join_modules(root: &str) -> Result<String, Box<dyn Error>> {
    let mut script = String::new();
    for (place, name) in MODULES.iter().enumerate() {
        let source = format!("{root}/assets/dashboard/{name}");
        println!("cargo::rerun-if-changed={source}");
        let text = fs::read_to_string(&source).map_err(|error| format!("{source}: {error}"))?;
        let (mut body, mut exported, mut in_comment) = (String::new(), Vec::new(), false);
        for line in text.lines() {
            in_comment |= line.trim_start().starts_with("/**");
            if in_comment || line.trim_start().starts_with("//") {
                in_comment &= !line.ends_with("*/");
                continue;
            }
            if line.starts_with("import ") {
                let from = line.split('"').nth(1).and_then(|from| from.strip_prefix("./"));
                if !from.is_some_and(|from| MODULES.iter().take(place).any(|other| *other == from)) {
                    return Err(format!("{source}: has to come after what it imports: {line}").into());
                }
                continue;
            }
            let kept = line.strip_prefix("export ").unwrap_or(line);
            if kept.len() < line.len() {
                let name = kept.split([' ', '(']).find(|word| !["async", "function", "const"].contains(word));
                exported.push(name.ok_or_else(|| format!("{source}: exports nothing: {line}"))?);
            }
            writeln!(body, "{kept}")?;
        }
        let exported = exported.join(", ");
        writeln!(script, "const {{ {exported} }} = (() => {{\n{body}return {{ {exported} }};\n}})();")?;
    }
    Ok(script)
}

/// The parts of the style sheet as one.
fn join_styles(root: &str) -> Result<String, Box<dyn Error>> {
    let mut style = String::new();
    for name in STYLES {
        let source = format!("{root}/assets/dashboard/{name}");
        println!("cargo::rerun-if-changed={source}");
        style += &fs::read_to_string(&source).map_err(|error| format!("{source}: {error}"))?;
    }
    Ok(style)
}

/// The bytes in gzip's format, as small as an exhaustive search makes them: some 3 % smaller than zlib does at its best. A
/// build cannot wait for that where a file is large.
fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let tries = if bytes.len() < 128 * 1024 { 30 } else { 1 };
    let options = zopfli::Options {
        iteration_count: NonZeroU64::new(tries).unwrap_or(NonZeroU64::MIN),
        ..zopfli::Options::default()
    };
    let mut gzip = Vec::new();
    zopfli::compress(options, zopfli::Format::Gzip, bytes, &mut gzip)?;
    Ok(gzip)
}

/// The widget's words in all its languages.
fn locales(root: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let folder = format!("{root}/assets/locales");
    println!("cargo::rerun-if-changed={folder}");
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(format!("locales/{}", entry?.file_name().to_string_lossy()));
    }
    names.sort();
    Ok(names)
}

/// The first eight bytes of a file's SHA-256, in hexadecimal.
fn short_hash(bytes: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}
