//! P17: backups restore.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use frontdesk_testkit::{Effort, ModelServer, Program, Request};
use serde_json::{Value, json};

use crate::BINARY;
use crate::load::{Load, compare};

/// How many clients send while backups are made.
const CLIENTS: usize = 4;

/// A program with a model, which has to live as long.
fn desk() -> (Program, ModelServer) {
    let model = Load::model();
    let program = Program::new(BINARY).set("OPENAI_BASE_URL", &model.base_url()).set("UPSTREAM_API", "chat");
    (program, model)
}

fn run(program: &Program, arguments: &[&str]) -> Result<String, String> {
    let output = program.command().args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// Restores a backup into a folder where nothing was before, and says where it is now.
fn restored(backup: &Path) -> (Program, PathBuf) {
    let fresh = Program::new(BINARY);
    run(&fresh, &["restore", backup.to_str().unwrap()]).unwrap();
    let database = fresh.folder().join("data/frontdesk.db");
    (fresh, database)
}

fn send(program: &Program, session: &str) {
    let message = json!({ "sessionId": session, "message": "Hello" });
    let request = Request::post("/v1/chat", &message).header("x-api-key", Program::PUBLIC_KEY);
    assert_eq!(program.ask(&request).status, 200);
}

fn conversations(program: &Program) -> Value {
    let list = Request::get("/v1/admin/conversations").header("x-admin-api-key", Program::ADMIN_KEY);
    program.ask(&list).json()
}

fn stop(program: &mut Program) {
    program.child().terminate();
    assert!(program.child().wait(Duration::from_secs(10)));
}

/// Fills a server's data until copying it takes a while.
fn fill(program: &Program, messages: usize) {
    let text = "words ".repeat(600);
    for n in 0..messages {
        let message = json!({ "sessionId": format!("filler-{}", n % 20), "message": text });
        let request = Request::post("/v1/chat", &message).header("x-api-key", Program::PUBLIC_KEY);
        assert_eq!(program.ask(&request).status, 200);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Ends a command in its middle, or not at all if it was faster. Says which.
pub(crate) fn killed_after(mut command: Command, span: Duration) -> bool {
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    thread::sleep(span);
    process.kill().unwrap();
    !process.wait().unwrap().success()
}

#[test]
fn a_backup_under_load_has_everything_that_was_acknowledged_before() {
    let rounds = Effort::asked().pick(2, 20);
    let (program, _model) = desk();
    let program = program.started();
    let mut load = Load::of(CLIENTS);
    load.begin(program.api());
    let mut backups = Vec::new();
    let mut longest = Duration::ZERO;
    for round in 0..rounds {
        let began = Instant::now();
        thread::sleep(Duration::from_millis(150));
        let acknowledged = load.acknowledged();
        let backup = program.folder().join(format!("backup-{round}.db"));
        let copying = Instant::now();
        run(&program, &["backup", backup.to_str().unwrap()]).unwrap();
        longest = longest.max(copying.elapsed());
        backups.push((backup, acknowledged));
        if Effort::asked() == Effort::Full {
            thread::sleep(Duration::from_secs(1).saturating_sub(began.elapsed()));
        }
    }
    load.end();
    let mut found = 0;
    for (backup, acknowledged) in &backups {
        let (_fresh, database) = restored(backup);
        found = compare(&database, acknowledged);
    }
    println!("{rounds} backups under load, the last with {found} messages; the slowest took {longest:?}");
    assert!(found > rounds, "the clients hardly came to send anything");
}

#[test]
fn a_backup_that_is_killed_leaves_no_file_under_its_name_that_is_not_sound() {
    let rounds = Effort::asked().pick(3, 20);
    let (program, _model) = desk();
    let program = program.started();
    fill(&program, Effort::asked().pick(60, 1500));
    let mut load = Load::of(CLIENTS);
    load.begin(program.api());
    let folder = program.folder().join("kept");
    fs::create_dir(&folder).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let began = Instant::now();
    run(&program, &["backup", &path("whole.db")]).unwrap();
    let whole = began.elapsed();
    let drafts = || names(&folder).iter().filter(|name| name.starts_with('.')).count();
    let (mut killed, mut in_the_middle) = (0, 0);
    for round in 0..rounds {
        let acknowledged = load.acknowledged();
        let name = format!("killed-{round}.db");
        let mut command = program.command();
        command.args(["backup", &path(&name)]);
        // All over the time that a backup takes, and a little more.
        let was_killed = killed_after(command, whole.mul_f64(f64::from(round) * 1.1 / f64::from(rounds)));
        killed += u32::from(was_killed);
        in_the_middle += u32::from(drafts() > 0);
        if folder.join(&name).exists() {
            let (_fresh, database) = restored(&folder.join(&name));
            compare(&database, &acknowledged);
        } else {
            assert!(was_killed, "it ended by itself, and made nothing");
        }
    }
    load.end();
    run(&program, &["backup", &path("last.db")]).unwrap();
    assert_eq!(drafts(), 0, "{:?}", names(&folder));
    println!(
        "{rounds} backups: {killed} killed, {in_the_middle} while they wrote; a whole one takes {whole:?}"
    );
    // How long one takes depends on what else the machine does.
    assert!(killed >= rounds / 4, "hardly any was killed in time");
    assert!(Effort::asked() == Effort::Quick || in_the_middle > 0, "none was killed while it wrote");
}

#[test]
fn a_restore_that_is_killed_leaves_the_old_database_or_the_new_one() {
    let rounds = Effort::asked().pick(3, 20);
    let (mut program, _model) = desk();
    program.start();
    fill(&program, Effort::asked().pick(30, 500));
    run(&program, &["backup", "new.db"]).unwrap();
    // The old one has a conversation more.
    send(&program, "only-in-the-old-one");
    run(&program, &["backup", "old.db"]).unwrap();
    let (new, old) = (20, 21);
    stop(&mut program);
    let began = Instant::now();
    run(&program, &["restore", "old.db", "--replace"]).unwrap();
    let whole = began.elapsed();
    let (mut was_old, mut was_new) = (0, 0);
    for round in 0..rounds {
        let mut command = program.command();
        command.args(["restore", "new.db", "--replace"]);
        killed_after(command, whole.mul_f64(f64::from(round) * 1.3 / f64::from(rounds)));
        let check = run(&program, &["backup", &format!("check-{round}.db")]).unwrap();
        let count =
            |n: i32| check.lines().any(|line| line.split_whitespace().eq(["Conversations", &n.to_string()]));
        assert!(count(old) || count(new), "{check}");
        was_old += u32::from(count(old));
        was_new += u32::from(count(new));
        run(&program, &["restore", "old.db", "--replace"]).unwrap();
    }
    let drafts = names(&program.folder().join("data"));
    assert!(drafts.iter().all(|name| !name.starts_with('.')), "{drafts:?}");
    println!("{rounds} restores killed: {was_old} times the old database, {was_new} times the new one");
}

#[test]
fn a_backup_is_one_file_for_its_owner_alone_and_says_what_is_in_it() {
    let (program, _model) = desk();
    let program = program.started();
    send(&program, "a");
    send(&program, "a");
    send(&program, "b");
    let said = run(&program, &["backup"]).unwrap();
    let word = |label: &str| {
        let line = said.lines().find(|line| line.starts_with(label)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    let path = program.folder().join(word("Backup"));
    assert_eq!(path.parent().unwrap(), program.folder().join("data/backups"));
    assert_eq!(names(path.parent().unwrap()).len(), 1);
    let found = fs::metadata(&path).unwrap();
    assert_eq!((found.permissions().mode() & 0o777, found.len().to_string()), (0o600, word("Size")));
    assert_eq!((word("Conversations"), word("Messages")), ("2".to_owned(), "6".to_owned()));
}

#[test]
fn a_restored_server_goes_on_where_the_backup_was_made() {
    let (mut program, _model) = desk();
    program.start();
    send(&program, "kept");
    run(&program, &["backup", "backup.db"]).unwrap();
    send(&program, "lost");
    stop(&mut program);
    let said = run(&program, &["restore", "backup.db", "--replace"]).unwrap();
    let aside = said.lines().find_map(|line| line.strip_prefix("Put aside")).unwrap().trim();
    program.start();
    let list = conversations(&program);
    assert_eq!((&list["total"], &list["conversations"][0]["sessionId"]), (&json!(1), &json!("kept")));
    stop(&mut program);
    // And back, by the same way.
    run(&program, &["restore", aside, "--replace"]).unwrap();
    program.start();
    assert_eq!(conversations(&program)["total"], 2);
}

#[test]
fn a_backup_that_cannot_be_made_says_why_in_one_line() {
    let (program, _model) = desk();
    let refused = |arguments: &[&str], reason: &str| {
        let problem = run(&program, arguments).unwrap_err();
        assert!(problem.contains(reason) && problem.lines().count() == 1, "{arguments:?}: {problem}");
    };
    refused(&["backup"], "there is no database at data/frontdesk.db");
    refused(&["export", "all.jsonl"], "there is no database at data/frontdesk.db");
    assert!(names(program.folder()).is_empty(), "{:?}", names(program.folder()));
    let program = program.started();
    let refused = |arguments: &[&str], reason: &str| {
        let problem = run(&program, arguments).unwrap_err();
        assert!(problem.contains(reason) && problem.lines().count() == 1, "{arguments:?}: {problem}");
    };
    fs::write(program.folder().join("taken.db"), "mine").unwrap();
    refused(&["backup", "taken.db"], "taken.db exists already");
    refused(&["export", "taken.db"], "taken.db exists already");
    refused(&["backup", "nowhere/backup.db"], "cannot write nowhere/backup.db");
    assert_eq!(fs::read_to_string(program.folder().join("taken.db")).unwrap(), "mine");
}

#[test]
fn a_restore_that_would_do_harm_is_refused() {
    let (mut program, _model) = desk();
    program.start();
    send(&program, "a");
    run(&program, &["backup", "backup.db"]).unwrap();
    fs::write(program.folder().join("notes.txt"), "not a database at all, and long enough ".repeat(200))
        .unwrap();
    let refused = |program: &Program, arguments: &[&str], reason: &str| {
        let problem = run(program, arguments).unwrap_err();
        assert!(problem.contains(reason) && problem.lines().count() == 1, "{arguments:?}: {problem}");
    };
    refused(&program, &["restore", "backup.db", "--replace"], "stop the server first");
    stop(&mut program);
    refused(
        &program,
        &["restore", "backup.db"],
        "there are conversations in data/frontdesk.db (1): with --replace",
    );
    refused(&program, &["restore", "notes.txt", "--replace"], "notes.txt is not a database of Frontdesk");
    refused(&program, &["restore", "missing.db", "--replace"], "there is no database at missing.db");

    // A dashboard of its own serves no API, and has the database open all the same.
    let mut dashboard = program.argument("serve").argument("--only").argument("dashboard");
    dashboard.start();
    let mut restore = Command::new(BINARY);
    restore.env_clear().args(["restore", "backup.db", "--replace"]).current_dir(dashboard.folder());
    let output = restore.output().unwrap();
    let problem = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && problem.contains("in use by another process"), "{problem}");
}

#[test]
fn an_export_has_everything_once_and_nothing_secret() {
    let (program, _model) = desk();
    let program = program.set("WIDGET_API_KEY", "").set("DASHBOARD_PASSWORD", "").started();
    let key = key_of(&program);
    for (session, message) in [("a", "One"), ("a", "Two"), ("b", "Three")] {
        let page = "https://shop.example/rates";
        let body =
            json!({ "sessionId": session, "message": message, "clientMessageId": message, "page": page });
        let request = Request::post("/v1/chat", &body).header("x-api-key", &key);
        assert_eq!(program.ask(&request).status, 200);
    }
    let text = run(&program, &["export"]).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).collect::<Vec<_>>();
    assert_eq!((&lines[0]["type"], &lines[0]["formatVersion"]), (&json!("export"), &json!(1)));
    let end = json!({ "type": "end", "sites": 1, "keys": 1, "conversations": 2, "messages": 6 });
    assert_eq!(lines.last(), Some(&end));
    for (kind, count) in [("site", 1), ("key", 1), ("conversation", 2), ("message", 6)] {
        assert_eq!(of(kind).len(), count, "{kind}");
    }
    // The same as the admin API says, field by field.
    let list = conversations(&program);
    for conversation in list["conversations"].as_array().unwrap() {
        let exported =
            of("conversation").into_iter().find(|line| line["_id"] == conversation["_id"]).unwrap();
        // What follows from other fields, and who is there now, which is kept nowhere.
        agree(exported, conversation, &["_creationTime", "unreadCount", "isPresent"]);
        let path = format!("/v1/admin/conversations/{}", conversation["_id"].as_str().unwrap());
        let thread = program.ask(&Request::get(path).header("x-admin-api-key", Program::ADMIN_KEY)).json();
        for message in thread["messages"].as_array().unwrap() {
            let exported = of("message").into_iter().find(|line| line["_id"] == message["_id"]).unwrap();
            agree(exported, message, &[]);
        }
    }
    let question = of("message").into_iter().find(|line| line["content"] == "Two").unwrap();
    assert_eq!((&question["place"], &question["clientMessageId"]), (&json!(3), &json!("Two")));
    for secret in [key.as_str(), "sha256", "secret\":\"", "argon2", "token\":"] {
        assert!(!text.contains(secret), "{secret}");
    }
    run(&program, &["export", "all.jsonl"]).unwrap();
    let file = program.folder().join("all.jsonl");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let without_first = |text: &str| text.split_once('\n').unwrap().1.to_owned();
    assert_eq!(without_first(&fs::read_to_string(&file).unwrap()), without_first(&text));
    assert_eq!(run(&program, &["export", "-"]).map(|text| without_first(&text)), Ok(without_first(&text)));
}

/// The public key that the program has made for itself.
fn key_of(program: &Program) -> String {
    let page = frontdesk_testkit::exchange(program.dashboard(), &Request::get("/widget-test.html")).unwrap();
    page.body.split("data-api-key=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// Every field that the API shows is in the export, with the same value.
fn agree(exported: &Value, shown: &Value, but: &[&str]) {
    for (name, value) in shown.as_object().unwrap() {
        assert!(but.contains(&name.as_str()) || exported[name] == *value, "{name}: {exported} {shown}");
    }
}
