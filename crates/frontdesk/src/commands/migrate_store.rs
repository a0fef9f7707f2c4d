//! Moving house.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use frontdesk_core::{Clock as _, SystemClock, Timestamp};
use frontdesk_store::{Comparison, Counts, Step, compare_stores, move_store};

use super::read_environment;
use crate::{config, console};

/// How often somebody who waits is told how far it has come.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// Copies everything from one store to another and compares the two; or compares only.
pub(crate) fn migrate_store(from: &str, to: &str, is_verifying: bool) -> anyhow::Result<ExitCode> {
    let environment = read_environment()?;
    let from = config::named_store(&environment, "--from", from)?;
    let to = config::named_store(&environment, "--to", to)?;
    let clock = SystemClock::start();
    let mut progress = Progress { clock, told: clock.now() };
    if is_verifying {
        let comparison = compare_stores(&from, &to, &mut |counts| progress.tell(Step::Compare, counts))?;
        console::say(&table(&comparison));
        if let Some(difference) = comparison.first_difference {
            bail!("they differ: {difference}");
        }
        console::say("They are the same.");
        return Ok(ExitCode::SUCCESS);
    }
    let moved = move_store(&from, &to, &clock, &mut |step, counts| progress.tell(step, counts));
    if let Err(frontdesk_store::MoveError::Differs { comparison, .. }) = &moved {
        console::say(&table(comparison));
    }
    console::say(&table(&moved?));
    console::say(&format!(
        "Moved {from} to {to}, and both are the same.\nEverybody has to sign in to the dashboard again."
    ));
    Ok(ExitCode::SUCCESS)
}

struct Progress {
    clock: SystemClock,
    told: Timestamp,
}

impl Progress {
    fn tell(&mut self, step: Step, counts: &Counts) {
        let now = self.clock.now();
        if now.since(self.told) < TELL_EVERY {
            return;
        }
        self.told = now;
        let word = match step {
            Step::Copy => "Copied",
            Step::Compare => "Compared",
        };
        let Counts { conversations, messages, .. } = counts;
        console::say(&format!("{word} {conversations} conversations and {messages} messages so far"));
    }
}

/// What both sides have.
fn table(Comparison { from, to, .. }: &Comparison) -> String {
    let counts = [
        ("Settings", from.counts.settings, to.counts.settings),
        ("Sites", from.counts.sites, to.counts.sites),
        ("Documents", from.counts.documents, to.counts.documents),
        ("Keys", from.counts.keys, to.counts.keys),
        ("Conversations", from.counts.conversations, to.counts.conversations),
        ("Messages", from.counts.messages, to.counts.messages),
    ];
    let mut lines = vec![format!("{:14} {:>12} {:>12}", "", "from", "to")];
    lines.extend(counts.map(|(word, from, to)| format!("{word:14} {from:>12} {to:>12}")));
    // The beginnings are enough to see that they are the same; they were compared as a whole.
    lines.push(format!("{:14} {:.12} {:.12}", "Checksum", from.checksum, to.checksum));
    lines.join("\n")
}
