use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use frontdesk_core::Store;
use frontdesk_core::testing::ManualClock;
use frontdesk_core::testing::suite::{Fixture, Reopen};
use frontdesk_store::{StoreUrl, open};
use frontdesk_testkit::PostgresServer;

/// One server for all tests of this binary; `None` if PostgreSQL is not installed.
pub(crate) fn server() -> Option<&'static PostgresServer> {
    static SERVER: OnceLock<Option<PostgresServer>> = OnceLock::new();
    let start = || {
        let server = PostgresServer::start_forgetful()?;
        server.create("migrated", "template0");
        drop(open_url(&server.url("migrated")));
        Some(server)
    };
    SERVER.get_or_init(start).as_ref()
}

pub(crate) fn open_url(url: &str) -> Arc<dyn Store> {
    open(&StoreUrl::parse(url).unwrap(), &ManualClock::default()).unwrap()
}

/// The name of a new database.
pub(crate) fn database(server: &PostgresServer, template: &str) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    server.create(&name, template);
    name
}

/// A store in a migrated database.
pub(crate) async fn fixture_over(url: &str) -> Fixture {
    let reopened = url.to_owned();
    let reopen: Reopen = Box::new(move |store| {
        let url = reopened.clone();
        Box::pin(async move {
            drop(store);
            open_url(&url)
        })
    });
    Fixture::new(open_url(url), Some(reopen), Box::new(())).await
}

async fn empty(server: &PostgresServer) -> Fixture {
    fixture_over(&server.url(&database(server, "migrated"))).await
}

frontdesk_core::store_suite!(match server() {
    Some(server) => empty(server),
    None => return,
});

/// Several processes may work on one database.
mod two_processes {
    use frontdesk_core::testing::suite::{PAGE, session};
    use frontdesk_core::{MessageStatus, TurnOpening};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_conversation_that_both_write_to_has_everything_once_and_in_order() {
        let Some(server) = server() else { return };
        let url = server.url(&database(server, "migrated"));
        let f = fixture_over(&url).await;
        let other = open_url(&url);
        let write = async |store: &dyn Store, name: &str| {
            for n in 0..15 {
                let text = format!("{name} {n}");
                let answer = loop {
                    match store.open_turn(f.keyed_turn(&session("a"), &text, &text.replace(' ', "-"))).await {
                        Ok(TurnOpening::Opened(opened)) => break opened.answer,
                        Ok(TurnOpening::Busy { .. }) => tokio::task::yield_now().await,
                        other => unreachable!("{other:?}"),
                    }
                };
                store.close_turn(f.ending(answer, MessageStatus::Complete, "answer")).await.unwrap();
            }
        };
        tokio::join!(write(&*f.store, "here"), write(&*other, "there"));
        let thread = other.session_thread(&session("a"), PAGE).await.unwrap().unwrap();
        assert!(thread.messages.iter().map(|message| message.seq).eq(1..=60));
        for name in ["here", "there"] {
            let texts = thread.messages.iter().map(|message| &message.text);
            let own: Vec<_> = texts.filter(|text| text.starts_with(name)).cloned().collect();
            assert_eq!(own, (0..15).map(|n| format!("{name} {n}")).collect::<Vec<_>>());
        }
        assert_eq!(thread.conversation.revision, 90);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn both_can_make_the_schema_at_once() {
        let Some(server) = server() else { return };
        let url = server.url(&database(server, "template0"));
        let opening = |url: String| tokio::task::spawn_blocking(move || open_url(&url));
        let (one, other) = tokio::join!(opening(url.clone()), opening(url.clone()));
        one.unwrap().ready().await.unwrap();
        other.unwrap().ready().await.unwrap();
    }
}

/// Texts and ends of many answers at once, which touch the same rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_one_who_waits_for_them() {
    use frontdesk_core::testing::suite::{SITE, session};
    use frontdesk_core::{MessageStatus, SavePartial};
    use futures_util::future::join_all;

    let Some(server) = server() else { return };
    let name = database(server, "migrated");
    let f = fixture_over(&server.url(&name)).await;
    let talk = async |n: usize| {
        for turn in 0..6 {
            let opened = f.open(&session(&format!("s{n}")), &format!("q{turn}")).await;
            let partial = SavePartial { site: SITE, answer: opened.answer, text: "par".to_owned() };
            let saving = join_all((0..4).map(|_| f.store.save_partial(partial.clone())));
            let closing = f.close(opened.answer, MessageStatus::Complete, "partial and more");
            let (saved, ()) = tokio::join!(saving, closing);
            assert!(saved.iter().all(Result::is_ok), "{saved:?}");
        }
    };
    join_all((0..24).map(talk)).await;
    for n in 0..24 {
        let thread = f.thread(&session(&format!("s{n}"))).await;
        let answers = thread.messages.iter().filter(|message| message.text == "partial and more");
        assert_eq!(answers.count(), 6);
    }
    let deadlocks = format!("SELECT deadlocks FROM pg_stat_database WHERE datname = '{name}'");
    assert_eq!(server.execute("postgres", &deadlocks), "0");
}

mod opening {
    use frontdesk_store::{OpenError, OpenPostgresError};

    use super::*;

    fn refusal(url: &str) -> OpenPostgresError {
        let url = StoreUrl::parse(url).unwrap();
        match open(&url, &ManualClock::default()).unwrap_err() {
            OpenError::Postgres(error) => error,
            other @ (OpenError::Sqlite(_) | OpenError::Convex(_)) => unreachable!("{other}"),
        }
    }

    #[test]
    fn a_schema_that_is_newer_or_another_one_is_refused() {
        let Some(server) = server() else { return };
        let newer = database(server, "migrated");
        server.execute(&newer, "INSERT INTO migrations VALUES (1000, '1000_later', ''::bytea, 0)");
        let error = refusal(&server.url(&newer));
        assert!(matches!(error, OpenPostgresError::Newer { found: 1000, .. }), "{error}");
        let edited = database(server, "migrated");
        server.execute(&edited, "UPDATE migrations SET sha256 = 'x'");
        let error = refusal(&server.url(&edited));
        assert!(matches!(error, OpenPostgresError::Foreign { version: 1 }), "{error}");
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        let Some(server) = server() else { return };
        let wrong = server.url("migrated").replace(PostgresServer::PASSWORD, "canary-wrong");
        for url in [wrong, server.url("missing")] {
            let error = refusal(&url).to_string();
            assert!(error.contains(&format!("@{}/", server.address())), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn everything_is_exported_once_and_in_order() {
        let Some(server) = server() else { return };
        let url = server.url(&database(server, "migrated"));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            use frontdesk_core::testing::suite::session;

            let f = fixture_over(&url).await;
            for n in 0..103 {
                f.pass(1);
                f.say(&session(&format!("v{n}")), &format!("question {n}"), &format!("answer {n}")).await;
            }
        });
        let mut words = Vec::new();
        frontdesk_store::export(&StoreUrl::parse(&url).unwrap(), &mut |row| {
            words.push(match row {
                frontdesk_store::ExportedRow::Site(site) => site.name,
                frontdesk_store::ExportedRow::Setting(setting) => setting.name,
                frontdesk_store::ExportedRow::Document(document) => document.name,
                frontdesk_store::ExportedRow::Key(key) => key.kind.as_str().to_owned(),
                frontdesk_store::ExportedRow::Conversation(it) => it.summary.session.as_str().to_owned(),
                frontdesk_store::ExportedRow::Message(_, message) => message.text,
            });
            Ok(())
        })
        .unwrap();
        let mut expected = vec!["default".to_owned()];
        for n in 0..103 {
            expected.extend([format!("v{n}"), format!("question {n}"), format!("answer {n}")]);
        }
        expected.push("other".to_owned());
        assert_eq!(words, expected);
    }
}

/// Encrypted connections, to a server of their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_can_be_encrypted_and_then_the_certificate_has_to_be_right() {
    let Some(mut server) = PostgresServer::start_forgetful() else { return };
    let plain = format!("{}?sslmode=verify-full", server.url("postgres"));
    let error = open(&StoreUrl::parse(&plain).unwrap(), &ManualClock::default()).unwrap_err();
    assert!(error.to_string().contains("does not support TLS"), "{error}");

    server.stop();
    let certificate = server.encrypt();
    server.start_again();
    let error = open(&StoreUrl::parse(&plain).unwrap(), &ManualClock::default()).unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");

    let store = open_url(&format!("{plain}&sslrootcert={}", certificate.display()));
    store.ready().await.unwrap();
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                     WHERE ssl AND application_name = 'frontdesk'";
    assert_ne!(server.execute("postgres", encrypted), "0");
}
