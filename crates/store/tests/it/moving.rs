//! From every engine to every other, and what is refused.

mod refusals;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use frontdesk_core::testing::ManualClock;
use frontdesk_core::testing::suite::{Fixture, OTHER_SITE, SITE, oracle, session};
use frontdesk_core::{
    AnswerFacts, Answering, Clock as _, CloseTurn, ConversationName, ConversationState, ConversationStatus,
    ConversationUpdate, DraftKind, EmailAddress, Feedback, FeedbackReason, FinishReason, KeyId, KeyKind,
    MessageId, MessageStatus, MessageText, NewMessage, NodeId, OpenTurn, OperatorName, OperatorSession,
    RateAnswer, Rating, Role, SaveDraft, SavePartial, SessionKey, SiteDocument, StoredKey, Tag, TokenHash,
    TurnFailure, UpdatedConversation, Usage, Visit, VisitorIdentity,
};
use frontdesk_store::{
    Comparison, ConvexKey, ConvexSettings, ConvexUrl, MoveError, OpenError, StoreUrl, compare_stores,
    lock_for_api, move_store, open,
};
use frontdesk_testkit::{ConvexDeployment, PostgresServer};
use rusqlite::Connection;
use rusqlite::types::Value;

use super::postgres::{database, server};

/// The tables that are not moved, of all engines that have tables.
const LEFT_OUT: [&str; 5] = ["login_tries", "migrations", "nodes", "operator_devices", "operator_sessions"];

/// Who was writing an answer means nothing elsewhere.
const LEFT_OUT_COLUMN: &str = "node_id";

pub(crate) fn sqlite(path: &Path) -> StoreUrl {
    StoreUrl::Sqlite(path.to_owned())
}

pub(crate) fn postgres(server: &PostgresServer) -> (String, StoreUrl) {
    let name = database(server, "migrated");
    let url = StoreUrl::parse(&server.url(&name)).unwrap();
    (name, url)
}

pub(crate) fn convex(deployment: &ConvexDeployment) -> StoreUrl {
    StoreUrl::Convex(Box::new(ConvexSettings {
        url: ConvexUrl::parse(&deployment.url()).unwrap(),
        key: ConvexKey::new(&deployment.key()).unwrap(),
        timeout: ConvexSettings::TIMEOUT,
        max_concurrency: ConvexSettings::MAX_CONCURRENCY,
    }))
}

fn moved(from: &StoreUrl, to: &StoreUrl) -> Result<Comparison, MoveError> {
    move_store(from, to, &ManualClock::default(), &mut |_, _| {})
}

/// A database with everything that there is to move, and with what is not.
fn varied(path: &Path) -> StoreUrl {
    let url = sqlite(path);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = open(&url, &ManualClock::default()).unwrap();
        let f = Fixture::new(store, None, Box::new(())).await;
        f.pass(1);
        oracle::behave_like_the_memory_store(&f, 3).await;
        every_ending(&f).await;
        for (n, kind) in [(1, KeyKind::Public), (2, KeyKind::Admin)] {
            let text = (kind == KeyKind::Public).then(|| "pk_shown".to_owned());
            let id = KeyId::from_bytes([n; 16]);
            f.store
                .add_key(StoredKey { id, site: SITE, kind, sha256: [n; 32], text, created_at: f.clock.now() })
                .await
                .unwrap();
        }
        f.store.set_operator_password("$argon2id$canary".to_owned(), f.clock.now()).await.unwrap();
        let token = TokenHash::of("browser");
        f.store.remember_device(token, f.clock.now()).await.unwrap();
        let opened = OperatorSession {
            token,
            password_fingerprint: [1; 32],
            created_at: f.clock.now(),
            last_seen_at: f.clock.now(),
            user_agent: "Browser".to_owned(),
            name: OperatorName::default(),
        };
        f.store.open_operator_session(opened, f.clock.now()).await.unwrap();
    });
    url
}

/// A conversation of each way to end, with all facts that there can be, and one of another site.
async fn every_ending(f: &Fixture) {
    let endings = [
        (MessageStatus::Complete, Some(FinishReason::Length), None),
        (MessageStatus::Stopped, None, None),
        (MessageStatus::Failed, None, Some(TurnFailure::Restarted)),
    ];
    let other = SessionKey { site: OTHER_SITE, ..session("other") };
    let keyed = |of: &SessionKey, n: usize| {
        f.keyed_turn(of, &format!("Frage {n} \u{1F600}\r\n'\"\\"), &format!("k{n}"))
    };
    for (n, (status, finish, failure)) in endings.into_iter().enumerate() {
        let visitor = if n == 0 { other.clone() } else { session(&format!("ending-{n}")) };
        let known = VisitorIdentity::new(format!("{n}"), Some("Ana".to_owned()), Some("ana@b".to_owned()));
        let visit = Visit {
            page: Some("https://shop.example/".to_owned()),
            referrer: Some("https://search.example/".to_owned()),
            user_agent: Some("Browser/1".to_owned()),
            language: Some("no".to_owned()),
        };
        let turn = OpenTurn { identity: Some(known.unwrap()), visit, ..keyed(&visitor, n) };
        let opened = f.accept(turn).await;
        f.pass(1);
        let usage = Some(Usage { input_tokens: 12, output_tokens: 7 });
        let facts = AnswerFacts {
            model: Some("model".to_owned()),
            finish,
            failure,
            usage,
            first_token_millis: Some(80),
            total_millis: Some(900),
        };
        let (answer, now) = (opened.answer, f.clock.now());
        let ending =
            CloseTurn { site: visitor.site, answer, status, text: format!("Antwort {n}"), facts, now };
        f.store.close_turn(ending).await.unwrap();
        let feedback = Feedback {
            rating: Rating::Down,
            reason: Some(FeedbackReason::Outdated),
            comment: Some("so".to_owned()),
        };
        let (site, secret) = (visitor.site, visitor.secret.unwrap());
        let rating = RateAnswer { site, secret, answer, feedback: Some(feedback) };
        f.store.rate_answer(rating).await.unwrap().unwrap();
        operate(f, &visitor, n).await;
    }
    for document in SiteDocument::ALL {
        f.store.set_site_document(SITE, document, "{\"title\":\"Hallo\"}".to_owned()).await.unwrap();
    }
    let unfinished = f.open(&session("unfinished"), "one").await;
    let partial = SavePartial { site: SITE, answer: unfinished.answer, text: "so far".to_owned() };
    f.store.save_partial(partial).await.unwrap();
}

/// Makes something of a conversation.
async fn operate(f: &Fixture, visitor: &SessionKey, n: usize) {
    let name = ConversationName::Session(visitor.clone());
    let (_, found) = f.store.conversation(&name).await.unwrap().unwrap();
    let operator = |name: &str| OperatorName::parse(name).unwrap();
    let state = ConversationState {
        status: ConversationStatus::ALL[n],
        answering: Some(Answering { operator: operator("Maya"), since: f.clock.now() }),
        assignee: Some(operator("Ben")),
        tags: ["größe", "vip"].map(|tag| Tag::parse(tag).unwrap()).to_vec(),
        contact: EmailAddress::parse("ana@shop.example").ok(),
    };
    let message = NewMessage {
        id: MessageId::from_bytes([u8::try_from(n).unwrap() + 200; 16]),
        role: [Role::Event, Role::Note, Role::Operator][n],
        text: "joined".to_owned(),
        author: Some(operator("Maya")),
        idempotency_key: None,
    };
    let change = ConversationUpdate {
        site: visitor.site,
        conversation: found.id,
        expected_revision: found.revision,
        state,
        message: Some(message),
        is_activity: true,
        now: f.clock.now(),
    };
    assert_eq!(f.store.update_conversation(change).await.unwrap(), Some(UpdatedConversation::Done));
    f.store.mark_read(visitor.site, found.id, 2).await.unwrap();
    for (name, kind) in [("Ben", DraftKind::Note), ("Ñandú", DraftKind::Reply), ("Ben", DraftKind::Reply)] {
        let text = MessageText::parse(format!("begun by {name} \u{1F600}")).ok();
        let (site, conversation, operator) = (visitor.site, found.id, operator(name));
        f.store.save_draft(SaveDraft { site, conversation, operator, kind, text }).await.unwrap().unwrap();
    }
}

/// Every value of every table that is moved, by table and column.
type Dump = Vec<(String, String, Vec<Value>)>;

fn dump(path: &Path) -> Dump {
    let connection = Connection::open(path).unwrap();
    let list = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let tables = list(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    );
    let mut dump = Dump::new();
    // What is found by which words is made anew, and so are the numbers for it.
    let is_moved =
        |table: &&String| !LEFT_OUT.contains(&table.as_str()) && !table.starts_with("message_words");
    for table in tables.iter().filter(is_moved) {
        let columns = list(&format!("SELECT name FROM pragma_table_info('{table}')"));
        for column in columns
            .into_iter()
            .filter(|column| ![LEFT_OUT_COLUMN, "number", "is_indexed"].contains(&column.as_str()))
        {
            // By something that names the row on both sides.
            let order = match table.as_str() {
                "messages" => "id",
                "sessions" => "conversation_id",
                _ => "1",
            };
            let order = if order == "1" { format!("(SELECT {column})") } else { order.to_owned() };
            let sql = format!("SELECT {column} FROM {table} ORDER BY {order}");
            let mut statement = connection.prepare(&sql).unwrap();
            let values = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
            dump.push((table.clone(), column, values));
        }
    }
    dump
}

/// That the data has something in every column that is moved: what is empty on both sides would not be missed.
fn check_that_nothing_is_empty(dump: &Dump) {
    let is_something = |value: &Value| match value {
        Value::Null => false,
        Value::Integer(number) => *number != 0,
        Value::Real(number) => *number != 0.0,
        Value::Text(text) => !text.is_empty(),
        Value::Blob(bytes) => !bytes.is_empty(),
    };
    for (table, column, values) in dump {
        assert!(
            values.iter().any(is_something),
            "{table}.{column} is empty in the data of this test: fill it, and see that it is moved, or list it as left out"
        );
    }
}

/// The columns of PostgreSQL's tables that are moved and that are empty.
fn empty_columns(server: &PostgresServer, database: &str) -> String {
    let left_out = LEFT_OUT.map(|table| format!("'{table}'")).join(",");
    let columns = server.execute(
        database,
        &format!(
            "SELECT table_name || ' ' || column_name FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name NOT IN ({left_out}) AND column_name <> '{LEFT_OUT_COLUMN}' ORDER BY 1"
        ),
    );
    // The part of a site's count may be the first one, and words are made anew.
    let looked_at = columns.lines().filter(|column| !["site_counts part", "messages words"].contains(column));
    let each = looked_at.map(|column| {
        let (table, column) = column.split_once(' ').unwrap();
        format!(
            "SELECT '{table}.{column}' WHERE NOT EXISTS (
                 SELECT 1 FROM {table} WHERE {column}::text NOT IN ('', '0', 'false', '\\x'))"
        )
    });
    server.execute(database, &each.collect::<Vec<_>>().join(" UNION ALL "))
}

fn rows(server: &PostgresServer, database: &str) -> String {
    let tables = [
        "sites",
        "site_documents",
        "site_counts",
        "keys",
        "conversations",
        "sessions",
        "conversation_tags",
        "drafts",
        "messages",
        "settings",
    ];
    server.execute(database, &format!("UPDATE messages SET {LEFT_OUT_COLUMN} = NULL"));
    let each = tables.map(|table| format!("SELECT '{table}' || t::text AS row FROM {table} t"));
    server.execute(database, &format!("SELECT row FROM ({}) AS every ORDER BY row", each.join(" UNION ALL ")))
}

#[test]
fn everything_goes_from_every_engine_to_every_other_and_comes_back_as_it_was() {
    let (Some(server), Some(one), Some(other)) =
        (server(), ConvexDeployment::start(), ConvexDeployment::start())
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let first = varied(&path("first.db"));
    let before = dump(&path("first.db"));
    check_that_nothing_is_empty(&before);
    let (first_name, first_postgres) = postgres(server);
    let (second_name, second_postgres) = postgres(server);
    let way = [
        first,
        sqlite(&path("second.db")),
        first_postgres.clone(),
        convex(&one),
        sqlite(&path("third.db")),
        convex(&other),
        second_postgres,
        sqlite(&path("last.db")),
    ];
    let mut checksums = Vec::new();
    for pair in way.windows(2) {
        let comparison = moved(&pair[0], &pair[1]).unwrap();
        assert_eq!((&comparison.from, &comparison.first_difference), (&comparison.to, &None));
        assert!(comparison.to.counts.conversations > 10, "{comparison:?}");
        checksums.push(comparison.to.checksum);
    }
    checksums.dedup();
    assert_eq!(checksums.len(), 1, "the checksum depends on the engine");
    assert_eq!(dump(&path("last.db")), before);
    assert_eq!(rows(server, &first_name), rows(server, &second_name));
    assert_eq!(empty_columns(server, &first_name), "", "empty: fill it, and see that it is moved");

    // What was moved is alive: the answer that was being written is, and a message is known by its key.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for url in &way {
        let store = open(url, &ManualClock::default()).unwrap();
        runtime.block_on(async {
            let f = Fixture::new(store, None, Box::new(())).await;
            let busy = f.store.open_turn(f.turn(&session("unfinished"), "two")).await.unwrap();
            assert!(matches!(busy, frontdesk_core::TurnOpening::Busy { .. }), "{busy:?}");
            let total = f.total().await;
            let opened = f.say(&session("new"), "hello", "Hello").await;
            assert_eq!(f.total().await, total + 1);
            let name = frontdesk_core::ConversationName::Id(SITE, opened.conversation);
            f.store.delete_conversation(&name).await.unwrap().unwrap();
            let stopped = frontdesk_core::ConversationName::Session(session("ending-1"));
            f.store.delete_conversation(&stopped).await.unwrap().unwrap();
            assert_eq!(f.total().await, total - 1);
            assert_eq!(f.store.operator_password().await.unwrap().as_deref(), Some("$argon2id$canary"));
            assert_eq!(
                f.store.operator_session(TokenHash::of("browser")).await.unwrap().is_some(),
                *url == way[0]
            );
        });
    }
}

#[test]
fn a_copy_that_differs_in_anything_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let from = varied(&path("from.db"));
    moved(&from, &sqlite(&path("to.db"))).unwrap();
    let whole = fs::read(path("to.db")).unwrap();
    assert!(!path("to.db-wal").exists(), "the file is not all of it");
    let of_one = "WHERE id = (SELECT max(id) FROM messages WHERE role = 'assistant' AND model IS NOT NULL)";
    let mut changes = vec![
        "DELETE FROM messages WHERE id = (SELECT min(id) FROM messages WHERE status = 'stopped')".to_owned(),
        "UPDATE conversations SET revision = revision + 1 WHERE id = (SELECT min(id) FROM conversations)"
            .to_owned(),
        "UPDATE conversations SET last_message = 'x' WHERE id = (SELECT max(id) FROM conversations)"
            .to_owned(),
        "UPDATE sessions SET secret = zeroblob(32) WHERE session = 'unfinished'".to_owned(),
        "UPDATE keys SET sha256 = zeroblob(32) WHERE text IS NULL".to_owned(),
        "DELETE FROM keys WHERE text IS NOT NULL".to_owned(),
        "UPDATE site_documents SET text = '{}' WHERE name = 'office_hours'".to_owned(),
        "UPDATE conversations SET visitor_email = 'x@y' WHERE visitor_id = '1'".to_owned(),
        "UPDATE messages SET rating_comment = NULL WHERE status = 'stopped' AND rating IS NOT NULL"
            .to_owned(),
        "UPDATE settings SET value = 'x'".to_owned(),
        "UPDATE sites SET created_at = created_at + 1 WHERE name = 'other'".to_owned(),
        "INSERT INTO settings VALUES ('more', '')".to_owned(),
    ];
    for (column, value) in [
        ("status", "'closed'"),
        ("answering", "'x'"),
        ("answering_since", "7"),
        ("assignee", "NULL"),
        ("tags", "'vip'"),
        ("contact", "NULL"),
        ("read_count", "1"),
        ("rating", "'up'"),
        ("page", "NULL"),
        ("referrer", "'x'"),
        ("user_agent", "'x'"),
        ("language", "'x'"),
    ] {
        changes.push(format!("UPDATE conversations SET {column} = {value} WHERE visitor_id = '1'"));
    }
    changes
        .push("UPDATE messages SET author = 'x' WHERE id = x'c9c9c9c9c9c9c9c9c9c9c9c9c9c9c9c9'".to_owned());
    for column in
        ["text", "created_at", "input_tokens", "output_tokens", "first_token_millis", "total_millis", "model"]
    {
        changes.push(format!("UPDATE messages SET {column} = {column} || '0' {of_one}"));
    }
    for change in changes {
        fs::write(path("to.db"), &whole).unwrap();
        let connection = Connection::open(path("to.db")).unwrap();
        assert_eq!(connection.execute(&change, []), Ok(1), "{change}");
        drop(connection);
        let comparison = compare_stores(&from, &sqlite(&path("to.db")), &mut |_| {}).unwrap();
        let difference = comparison.first_difference.unwrap_or_else(|| unreachable!("not noticed: {change}"));
        assert_ne!(comparison.from.checksum, comparison.to.checksum, "{change}");
        assert!(!difference.contains("canary") && !difference.contains("Antwort"), "{difference}");
    }
    fs::write(path("to.db"), &whole).unwrap();
    let comparison = compare_stores(&from, &sqlite(&path("to.db")), &mut |_| {}).unwrap();
    assert_eq!(comparison.first_difference, None);
}

/// Texts as long as they may be, many of them: they are never held all at once.
#[test]
fn a_conversation_of_many_batches_arrives_as_a_whole() {
    let Some(server) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let from = sqlite(&folder.path().join("from.db"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store: Arc<_> = open(&from, &ManualClock::default()).unwrap();
        let f = Fixture::new(store, None, Box::new(())).await;
        for n in 0..300 {
            let turn = OpenTurn { history_limit: 1, ..f.turn(&session("long"), &format!("q{n}")) };
            let opened = f.accept(turn).await;
            let text = "x".repeat(if n % 50 == 0 { 256 * 1024 } else { 100 });
            f.close(opened.answer, MessageStatus::Complete, &text).await;
        }
    });
    let (_, to) = postgres(server);
    let comparison = moved(&from, &to).unwrap();
    assert_eq!((comparison.to.counts.messages, comparison.first_difference), (600, None));
    let back = sqlite(&folder.path().join("back.db"));
    assert_eq!(moved(&to, &back).unwrap().first_difference, None);
}
