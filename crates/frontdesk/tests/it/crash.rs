//! P1: an acknowledged message survives a crash of the process.

use std::thread;
use std::time::Duration;

use frontdesk_store::StoreUrl;
use frontdesk_testkit::{Effort, Program};

use crate::load::{Load, compare_in};
use crate::{BINARY, postgres};

const CLIENTS: usize = 8;

#[test]
fn no_acknowledged_message_is_lost() {
    let program = Program::new(BINARY);
    let store = StoreUrl::Sqlite(program.folder().join("data/frontdesk.db"));
    let rounds = Effort::asked().pick_longer(4, 100, 1000);
    println!("{rounds} crashes: {} messages acknowledged, none lost", crash(program, &store, rounds, 140));
}

#[test]
fn no_acknowledged_message_is_lost_over_postgresql() {
    let Some(server) = postgres::server() else { return };
    let url = postgres::migrated(server);
    let store = StoreUrl::parse(&url).unwrap();
    let program = Program::new(BINARY).set("DATABASE_URL", &url);
    let rounds = Effort::asked().pick_longer(2, 100, 1000);
    println!("{rounds} crashes: {} messages acknowledged, none lost", crash(program, &store, rounds, 600));
}

/// Kills the program again and again, each time within so many milliseconds, and says how many messages it has acknowledged and
/// kept.
fn crash(program: Program, store: &StoreUrl, rounds: u64, within: u64) -> usize {
    let model = Load::model();
    let mut program = program.set("OPENAI_BASE_URL", &model.base_url()).set("UPSTREAM_API", "chat");
    let mut load = Load::of(CLIENTS);
    for round in 0..rounds {
        program.start();
        load.begin(program.api());
        // Spread over the time in which a server starts, works and flushes.
        thread::sleep(Duration::from_millis(within / 14 + (round * within * 37 / 140) % within));
        program.child().kill();
        load.end();
    }
    let stored = compare_in(store, &load.acknowledged());
    assert!(stored > usize::try_from(rounds).unwrap(), "the clients hardly came to send anything");
    stored
}
