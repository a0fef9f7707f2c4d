//! P18: processes that bring a store's schema up to date, and are killed while they are at it.

use std::env;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use frontdesk_testkit::{Dice, Effort};

/// Tells the process that is killed what to open.
const STORE: &str = "UPGRADED_STORE";

/// How many conversations a database has that is upgraded, each with two messages: enough for a step to take a while.
pub(crate) const CONVERSATIONS: usize = 5000;

/// A process of this binary that runs the ignored test of that name.
fn process(test: &str, store: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", test])
        .env(STORE, store)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// What this process is to open.
#[expect(clippy::disallowed_methods, reason = "it is told what to do by the process that kills it")]
pub(crate) fn store_of_this_process() -> String {
    env::var(STORE).unwrap()
}

/// Lets processes upgrade a store that `make` has made, kills each at a random moment, and looks at what is left. At last
/// one is left alone and has to get through. Says how many were killed before they were.
#[expect(clippy::disallowed_methods, reason = "a process in a test lives in real time")]
pub(crate) fn kill_again_and_again(
    test: &str,
    seed: u64,
    mut make: impl FnMut() -> String,
    look: impl Fn(&str),
) -> usize {
    let mut dice = Dice::new(seed);
    let began = Instant::now();
    let whole = make();
    assert!(process(test, &whole).status().unwrap().success());
    let mut usual = began.elapsed();
    let (mut kills, mut stores) = (0, 0);
    // A machine that was busy when the time was taken may be so much faster now that every kill comes too late.
    while stores < Effort::asked().pick_longer(1, 2, 20) || (kills == 0 && stores < 20) {
        stores += 1;
        let store = make();
        for _ in 0..5 {
            let mut child = process(test, &store).spawn().unwrap();
            sleep(moment(usual, &mut dice));
            child.kill().unwrap();
            let is_through = child.wait().unwrap().success();
            look(&store);
            if is_through {
                usual /= 2;
                break;
            }
            kills += 1;
        }
        assert!(process(test, &store).status().unwrap().success(), "it does not get through any more");
        look(&store);
    }
    kills
}

fn moment(usual: Duration, dice: &mut Dice) -> Duration {
    usual * u32::try_from(dice.below(100)).unwrap() / 100
}
