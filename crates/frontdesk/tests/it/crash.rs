//! P1: an acknowledged message survives a crash of the process.

use std::thread;
use std::time::Duration;

use frontdesk_testkit::{Effort, Program};

use crate::BINARY;
use crate::load::{Load, compare};

const CLIENTS: usize = 8;

#[test]
fn no_acknowledged_message_is_lost() {
    let rounds = Effort::asked().pick_longer(4, 100, 1000);
    let model = Load::model();
    let mut program =
        Program::new(BINARY).set("OPENAI_BASE_URL", &model.base_url()).set("UPSTREAM_API", "chat");
    let mut load = Load::of(CLIENTS);
    for round in 0..rounds {
        program.start();
        load.begin(program.api());
        // Spread over the time in which a server starts, works and flushes.
        thread::sleep(Duration::from_millis(10 + (round * 37) % 140));
        program.child().kill();
        load.end();
    }
    let stored = compare(&program.folder().join("data/frontdesk.db"), &load.acknowledged());
    println!("{rounds} crashes: {stored} messages acknowledged, none lost");
    assert!(stored > usize::try_from(rounds).unwrap(), "the clients hardly came to send anything");
}
