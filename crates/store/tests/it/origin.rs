//! What comes from the origin's export.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use frontdesk_core::testing::ManualClock;
use frontdesk_store::{
    ExportedRow, Imported, MoveError, Skipped, StoreUrl, compare_stores, export, import_origin, lock_for_api,
};
use frontdesk_testkit::{ConvexDeployment, Dice, Effort};

use super::moving::{convex, postgres, sqlite};
use super::postgres::server;

const CONVERSATIONS: &str = r#"{"_creationTime":1000.5,"_id":"c1","createdAt":1000.0,"lastMessage":"x","sessionId":"one","updatedAt":5000.0}
{"_creationTime":2000.5,"_id":"c2","createdAt":2000.0,"lastMessage":"","sessionId":"two","updatedAt":2000.0}
{"_creationTime":900.5,"_id":"c3","createdAt":900.0,"sessionId":"one","updatedAt":4000.0}
{"_creationTime":2000.5,"_id":"c4","createdAt":2000.0,"sessionId":"","updatedAt":2000.0}
{"_creationTime":2000.5,"_id":"c5","createdAt":2000.0,"sessionId":"empty","updatedAt":2000.0}
{"_creationTime":2000.5,"_id":"c1","createdAt":2000.0,"sessionId":"again","updatedAt":2000.0}
"#;

const MESSAGES: &str = r#"{"_creationTime":1000.7,"_id":"m2","content":"Hello!","conversationId":"c1","createdAt":1000.0,"role":"assistant"}
{"_creationTime":1000.6,"_id":"m1","content":"hello 😀","conversationId":"c1","createdAt":1000.0,"role":"user"}
{"_creationTime":950.0,"_id":"m0","content":"first","conversationId":"c3","createdAt":950.0,"role":"user"}
{"_creationTime":2001.0,"_id":"m3","content":"no answer","conversationId":"c2","createdAt":2001.0,"role":"user"}
not JSON canary
{"_creationTime":2001.0,"_id":"m4","content":"canary","conversationId":"c4","createdAt":2001.0,"role":"user"}
{"_creationTime":2001.0,"_id":"m5","content":"canary","conversationId":"c9","createdAt":2001.0,"role":"user"}
{"_creationTime":2001.0,"_id":"m6","content":"canary","conversationId":"c2","createdAt":2001.0,"role":"system"}
{"_creationTime":2001.0,"_id":"m7","content":"canary\u0000","conversationId":"c2","createdAt":2001.0,"role":"user"}
{"_creationTime":2001.0,"_id":"m3","content":"canary","conversationId":"c2","createdAt":2001.0,"role":"user"}
"#;

fn write(folder: &Path, conversations: &[u8], messages: &[u8]) {
    for (table, text) in [("conversations", conversations), ("messages", messages)] {
        fs::create_dir_all(folder.join(table)).unwrap();
        fs::write(folder.join(table).join("documents.jsonl"), text).unwrap();
    }
}

fn imported(folder: &Path, to: &StoreUrl) -> Result<(Imported, Vec<Skipped>), MoveError> {
    let mut skipped = Vec::new();
    let imported = import_origin(folder, to, &ManualClock::default(), &mut |row| skipped.push(row))?;
    Ok((imported, skipped))
}

fn contents(url: &StoreUrl) -> Vec<String> {
    let mut words = Vec::new();
    export(url, &mut |row| {
        words.push(match row {
            ExportedRow::Conversation(it) => {
                let summary = it.summary;
                let times = (summary.created_at.millis(), summary.updated_at.millis());
                format!("{} {times:?} {}", summary.session.as_str(), summary.message_count)
            }
            ExportedRow::Message(_, message) => {
                format!(
                    "{} {} {}: {}",
                    message.seq,
                    message.created_at.millis(),
                    message.status.as_str(),
                    message.text
                )
            }
            _ => return Ok(()),
        });
        Ok(())
    })
    .unwrap();
    words
}

#[test]
fn conversations_come_into_every_engine_once_with_their_times_and_order() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), CONVERSATIONS.as_bytes(), MESSAGES.as_bytes());
    let first = sqlite(&folder.path().join("first.db"));
    let mut stores = vec![first.clone()];
    stores.extend(server().map(|server| postgres(server).1));
    let deployment = ConvexDeployment::start();
    stores.extend(deployment.as_ref().map(convex));
    for store in &stores {
        let (result, skipped) = imported(folder.path(), store).unwrap();
        assert_eq!((result.conversations, result.messages, result.known, result.skipped), (2, 4, 0, 9));
        let places: Vec<_> = skipped.iter().map(|row| (row.table, row.line)).collect();
        let rows = |table, lines: &[u64]| lines.iter().map(|line| (table, *line)).collect::<Vec<_>>();
        let expected = [
            rows("conversations", &[4, 6]),
            rows("messages", &[5, 6, 7, 8, 9, 10]),
            rows("conversations", &[5]),
        ];
        assert_eq!(places, expected.concat());
        assert!(
            skipped.iter().all(|row| row.rule.contains("must") && !row.rule.contains("canary")),
            "{skipped:?}"
        );
        let expected = [
            "one (900, 5000) 3",
            "1 950 accepted: first",
            "2 1000 accepted: hello 😀",
            "3 1000 complete: Hello!",
            "two (2000, 2001) 1",
            "1 2001 accepted: no answer",
        ];
        assert_eq!(contents(store), expected);

        let (again, _) = imported(folder.path(), store).unwrap();
        assert_eq!((again.conversations, again.messages, again.known), (0, 0, 2));
        assert_eq!(contents(store), expected);
        assert_eq!(compare_stores(&first, store, &mut |_| {}).unwrap().first_difference, None);
    }
}

#[test]
fn what_has_gone_on_here_is_left_as_it_is() {
    use frontdesk_core::testing::suite::{Fixture, bare_session};

    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), CONVERSATIONS.as_bytes(), MESSAGES.as_bytes());
    let url = sqlite(&folder.path().join("test.db"));
    let say = |session: &str, second: u64| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = frontdesk_store::open(&url, &ManualClock::default()).unwrap();
            let f = Fixture::new(store, None, Box::new(())).await;
            // Ids are made from the time.
            f.pass(second);
            f.say(&bare_session(session), "and now?", "Now this.").await;
        });
    };
    say("two", 1);
    let (result, skipped) = imported(folder.path(), &url).unwrap();
    assert_eq!((result.conversations, result.known), (1, 0));
    assert!(skipped.iter().any(|row| (row.table, row.line) == ("conversations", 2)), "{skipped:?}");
    say("one", 2);
    let before = contents(&url);
    assert!(before[4].starts_with("4 ") && before[4].ends_with("accepted: and now?"), "{before:?}");
    let (result, _) = imported(folder.path(), &url).unwrap();
    assert_eq!((result.conversations, result.known), (0, 1));
    assert_eq!(contents(&url), before);
}

#[test]
fn a_server_that_runs_and_a_folder_that_is_not_an_export_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite(&folder.path().join("test.db"));
    let error = imported(folder.path(), &url).unwrap_err();
    assert!(error.to_string().contains("conversations/documents.jsonl"), "{error}");
    assert!(!folder.path().join("test.db").exists());
    write(folder.path(), b"", b"");
    let held = lock_for_api(&url).unwrap();
    let error = imported(folder.path(), &url).unwrap_err();
    assert!(matches!(error, MoveError::TargetInUse(_)), "{error}");
    drop(held);
    assert_eq!(imported(folder.path(), &url).unwrap().0, Imported::default());
}

#[test]
fn files_of_anything_are_read_to_their_end() {
    let mut dice = Dice::new(4);
    for _ in 0..Effort::asked().pick(20, 150) {
        let folder = tempfile::tempdir().unwrap();
        let mut spoil = |text: &str| {
            let mut bytes = text.repeat(3).into_bytes();
            for _ in 0..dice.below(8) {
                let (at, until) = (dice.below(bytes.len()), dice.below(20));
                let until = (at + until).min(bytes.len());
                let odd = b"\0\"\\\n{}[],:9e\xff"[dice.below(13)];
                bytes.splice(at..until, vec![odd; dice.below(4)]);
            }
            bytes
        };
        let (conversations, messages) = (spoil(CONVERSATIONS), spoil(MESSAGES));
        write(folder.path(), &conversations, &messages);
        let url = sqlite(&folder.path().join("test.db"));
        let (result, skipped) = imported(folder.path(), &url).unwrap();
        assert_eq!(result.skipped, skipped.len() as u64);
        let again = imported(folder.path(), &url).unwrap().0;
        assert_eq!((again.conversations, again.known), (0, result.conversations));
    }
}

#[test]
fn a_conversation_of_thousands_of_messages_comes_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut messages = String::new();
    for n in 0..3000 {
        let role = if n % 2 == 0 { "user" } else { "assistant" };
        let (at, line) = (10_000 - n, format!("message {n}"));
        writeln!(
            messages,
            r#"{{"_id":"m{n}","content":"{line}","conversationId":"c1","createdAt":{at},"role":"{role}"}}"#
        )
        .unwrap();
    }
    write(folder.path(), CONVERSATIONS.as_bytes(), messages.as_bytes());
    let url = sqlite(&folder.path().join("test.db"));
    let (result, _) = imported(folder.path(), &url).unwrap();
    assert_eq!((result.conversations, result.messages), (1, 3000));
    let contents = contents(&url);
    assert_eq!(contents[1], "1 7001 complete: message 2999");
    assert_eq!(contents[3000], "3000 10000 accepted: message 0");
}
