//! Keeping and ending answers, as SQL. Each function is one unit of work within a transaction.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use frontdesk_core::{
    CloseTurn, FinishReason, MessageStatus, NodeBeats, SavePartial, TurnFailure, Usage, index_words, preview,
};
use uuid::Uuid;

use super::batches::Outcome;
use super::connection::Connection;
use super::error::Failure;
use super::rows;
use super::statements::{
    CLOSE_TURNS, FIND_ANSWERS, FORGET_NODE, HOW_ENDED, INTERRUPT_ANSWERS, LOCK_ANSWERS_OF_NODE,
    LOCK_CONVERSATIONS, LOCK_CONVERSATIONS_OF_NODE, LOCK_NODE, SAVE_PARTIALS,
};
use super::turns::uuid;

/// Keeps the texts of several answers that are still being written. Of two for one answer the later one counts.
pub(super) async fn save_partials(
    connection: Arc<Connection>,
    partials: Arc<[SavePartial]>,
) -> Result<Vec<Outcome>, Failure> {
    let latest: HashMap<_, _> = partials.iter().map(|partial| (partial.answer, partial)).collect();
    let ids: Vec<_> = latest.keys().map(|answer| uuid(answer.as_bytes())).collect();
    let sites: Vec<_> = latest.values().map(|partial| uuid(partial.site.as_bytes())).collect();
    let texts: Vec<_> = latest.values().map(|partial| partial.text.as_str()).collect();
    let saved = rows::ids(&connection.query(SAVE_PARTIALS, &[&ids, &sites, &texts]).await?)?;
    let outcome = |partial: &SavePartial| {
        if saved.contains(&uuid(partial.answer.as_bytes())) { Outcome::Stored } else { Outcome::Overtaken }
    };
    Ok(partials.iter().map(outcome).collect())
}

/// Ends several answers. Of two ends of one answer the earlier one counts.
pub(super) async fn close(
    connection: Arc<Connection>,
    turns: Arc<[CloseTurn]>,
) -> Result<Vec<Outcome>, Failure> {
    let ids: Vec<_> = turns.iter().map(|turn| uuid(turn.answer.as_bytes())).collect();
    let mut found = HashMap::new();
    for row in connection.query(FIND_ANSWERS, &[&ids]).await? {
        let place = (rows::get::<Uuid>(&row, 1)?, rows::get::<Uuid>(&row, 2)?);
        found.insert(rows::get::<Uuid>(&row, 0)?, place);
    }
    let exists = |turn: &CloseTurn| {
        let place = found.get(&uuid(turn.answer.as_bytes()));
        place.is_some_and(|(site, _)| *site == uuid(turn.site.as_bytes()))
    };
    let mut seen = HashSet::new();
    let ending: Vec<_> =
        turns.iter().filter(|turn| exists(turn)).filter(|turn| seen.insert(turn.answer)).collect();
    let conversations: Vec<_> = found.values().map(|(_, conversation)| *conversation).collect();
    connection.query(LOCK_CONVERSATIONS, &[&conversations]).await?;

    let of = |turn: &&CloseTurn| uuid(turn.answer.as_bytes());
    let tokens =
        |number: fn(Usage) -> u32| move |turn: &&CloseTurn| turn.facts.usage.map(number).map(i64::from);
    let closed = connection
        .query(
            CLOSE_TURNS,
            &[
                &column(&ending, of),
                &column(&ending, |turn| turn.status.as_str()),
                &column(&ending, |turn| turn.text.as_str()),
                &column(&ending, |turn| turn.facts.model.as_deref()),
                &column(&ending, |turn| turn.facts.finish.map(FinishReason::as_str)),
                &column(&ending, |turn| turn.facts.failure.map(TurnFailure::code)),
                &column(&ending, tokens(|usage| usage.input_tokens)),
                &column(&ending, tokens(|usage| usage.output_tokens)),
                &column(&ending, |turn| turn.facts.first_token_millis.map(i64::from)),
                &column(&ending, |turn| turn.facts.total_millis.map(i64::from)),
                &column(&ending, |turn| turn.now.millis()),
                &column(&ending, |turn| preview(&turn.text)),
                &column(&ending, |turn| index_words(&turn.text).join(" ")),
            ],
        )
        .await?;
    let closed = rows::ids(&closed)?;
    let others: Vec<_> = turns.iter().filter(|turn| exists(turn)).collect();
    if others.len() == closed.len() {
        return Ok(turns
            .iter()
            .map(|turn| if exists(turn) { Outcome::Stored } else { Outcome::Missing })
            .collect());
    }
    let mut ends = HashMap::new();
    for row in connection.query(HOW_ENDED, &[&column(&others, of)]).await? {
        let failure = rows::optional_text(&row, 2, TurnFailure::parse)?;
        ends.insert(rows::get::<Uuid>(&row, 0)?, (rows::text(&row, 1, MessageStatus::parse)?, failure));
    }
    let outcome = |turn: &CloseTurn| match ends.get(&uuid(turn.answer.as_bytes())) {
        Some((status, failure)) if turn.is_end(*status, *failure) => Outcome::Stored,
        Some(_) => Outcome::Overtaken,
        None => Outcome::Missing,
    };
    Ok(turns.iter().map(outcome).collect())
}

/// Ends the answers of a node that has given just so many signs of life; `None` if it has given others.
pub(super) async fn end_node(connection: Arc<Connection>, ended: NodeBeats) -> Result<Option<u64>, Failure> {
    let node = uuid(ended.node.as_bytes());
    let found = connection.query_opt(LOCK_NODE, &[&node]).await?;
    let found: Option<i64> = found.map(|row| rows::get(&row, 0)).transpose()?;
    if found.is_some_and(|beats| u64::try_from(beats) != Ok(ended.beats)) {
        return Ok(None);
    }
    connection.execute(FORGET_NODE, &[&node]).await?;
    let conversations = rows::ids(&connection.query(LOCK_CONVERSATIONS_OF_NODE, &[&node]).await?)?;
    let conversations: Vec<_> = conversations.into_iter().collect();
    let answers = rows::ids(&connection.query(LOCK_ANSWERS_OF_NODE, &[&node, &conversations]).await?)?;
    let answers: Vec<_> = answers.into_iter().collect();
    let (with_text, without) =
        (MessageStatus::of_broken("text").as_str(), MessageStatus::of_broken("").as_str());
    let failure = TurnFailure::Restarted.code();
    let interrupted =
        connection.execute(INTERRUPT_ANSWERS, &[&with_text, &without, &failure, &blank(), &answers]).await?;
    Ok(Some(interrupted))
}

/// What counts as blank.
pub(super) fn blank() -> String {
    ('\t'..='\u{3000}').filter(|c| c.is_whitespace()).collect()
}

/// One value of each turn.
fn column<'a, T>(turns: &[&'a CloseTurn], value: impl Fn(&&'a CloseTurn) -> T) -> Vec<T> {
    turns.iter().map(value).collect()
}
