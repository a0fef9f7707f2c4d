//! P18: a database of every schema that there has been is upgraded, also when that is broken off.

use std::sync::atomic::{AtomicUsize, Ordering};

use frontdesk_core::testing::ManualClock;
use frontdesk_testkit::PostgresServer;

use super::migrations::MIGRATIONS;
use super::{OpenPostgresError, PostgresStore, PostgresUrl};
use crate::upgrading::{CONVERSATIONS, kill_again_and_again, store_of_this_process};

const PROCESS: &str = "postgres::upgrading::the_process_that_upgrades";

fn url(server: &PostgresServer, database: &str) -> PostgresUrl {
    parse(&server.url(database))
}

fn parse(url: &str) -> PostgresUrl {
    PostgresUrl::parse(url.strip_prefix("postgres://").unwrap()).unwrap()
}

/// A database of the first schema with conversations, brought as far as that one.
fn database(server: &PostgresServer, name: &str, schema: usize) {
    server.create(name, "template0");
    let clock = ManualClock::default();
    drop(PostgresStore::open_as(&url(server, name), &clock, &MIGRATIONS[..1]).unwrap());
    let id =
        |kind: u8| format!("(lpad('{kind}', 8, '0') || '-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid");
    let (site, conversation) = ("'00000000-0000-7000-8000-000000000001'::uuid", id(1));
    let (question, answer) = (id(2), id(3));
    let numbers = format!("FROM generate_series(1, {CONVERSATIONS}) AS numbers (n)");
    server.execute(
        name,
        &format!(
            "INSERT INTO sites VALUES ({site}, 'default', 1);
             INSERT INTO site_counts VALUES ({site}, 0, {CONVERSATIONS});
             INSERT INTO settings VALUES ('operator_password', 'hash');
             INSERT INTO conversations SELECT {conversation}, {site}, 'v' || n, false, n, n, 'answer ' || n, 'assistant', 2, 3 {numbers};
             INSERT INTO sessions SELECT {site}, 'v' || n, '', {conversation}, n {numbers};
             INSERT INTO messages (id, site_id, conversation_id, seq, revision, role, status, text, created_at)
                 SELECT {question}, {site}, {conversation}, 1, 1, 'user', 'accepted', 'question ' || n, n {numbers}
                 UNION ALL
                 SELECT {answer}, {site}, {conversation}, 2, 3, 'assistant', 'complete', 'answer ' || n, n {numbers};"
        ),
    );
    drop(PostgresStore::open_as(&url(server, name), &clock, &MIGRATIONS[..schema]).unwrap());
}

/// Everything that the first schema had is there, once, and how far the schema has come.
fn look(server: &PostgresServer, name: &str) -> usize {
    let words = "SELECT count(*) || ' ' || count(DISTINCT conversation_id) || ' ' || sum(seq) || ' ' ||
                        sum(split_part(text, ' ', 2)::bigint) || ' ' || (SELECT count(*) FROM sessions) || ' ' ||
                        (SELECT value FROM settings) FROM messages";
    let (conversations, sum) = (CONVERSATIONS, CONVERSATIONS * (CONVERSATIONS + 1));
    let expected =
        format!("{} {conversations} {} {sum} {conversations} hash", 2 * conversations, 3 * conversations);
    assert_eq!(server.execute(name, words), expected);
    server.execute(name, "SELECT max(version) FROM migrations").parse().unwrap()
}

#[test]
fn every_schema_is_upgraded_and_the_older_program_refuses_what_is_newer() {
    let Some(server) = PostgresServer::start_forgetful() else { return };
    for schema in 1..=MIGRATIONS.len() {
        let name = format!("schema_{schema}");
        database(&server, &name, schema);
        drop(PostgresStore::open(&url(&server, &name), &ManualClock::default()).unwrap());
        assert_eq!(look(&server, &name), MIGRATIONS.len(), "from {schema}");
        if schema < MIGRATIONS.len() {
            let older =
                PostgresStore::open_as(&url(&server, &name), &ManualClock::default(), &MIGRATIONS[..schema]);
            assert!(matches!(older.unwrap_err(), OpenPostgresError::Newer { .. }), "from {schema}");
        }
    }
}

#[test]
#[ignore = "it is the process that the other test kills"]
fn the_process_that_upgrades() {
    drop(PostgresStore::open(&parse(&store_of_this_process()), &ManualClock::default()).unwrap());
}

#[test]
fn an_upgrade_that_is_killed_at_any_moment_loses_nothing_and_can_be_made_again() {
    let Some(server) = PostgresServer::start_forgetful() else { return };
    let count = AtomicUsize::new(0);
    let mut kills = 0;
    for schema in 1..MIGRATIONS.len() {
        let model = format!("model_{schema}");
        database(&server, &model, schema);
        let make = || {
            let name = format!("killed_{}", count.fetch_add(1, Ordering::Relaxed));
            server.create(&name, &model);
            server.url(&name)
        };
        kills += kill_again_and_again(PROCESS, schema as u64, make, |store| {
            let found = look(&server, store.rsplit_once('/').unwrap().1);
            assert!((schema..=MIGRATIONS.len()).contains(&found), "{found}");
        });
    }
    assert!(kills > 0, "no process was killed before it was through");
}
