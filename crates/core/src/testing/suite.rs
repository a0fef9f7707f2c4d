//! The conformance suite: what every store must do, one behaviour a function.
//!
//! [`crate::store_suite!`] makes a test of each for an engine; its list of cases is the table of contents of the
//! contract.
#![expect(clippy::unwrap_used, reason = "a case fails by panicking")]
#![expect(clippy::missing_panics_doc, reason = "a case fails by panicking")]
#![expect(missing_docs, reason = "a case's name says what must be so")]

pub mod changes;
pub mod deleting;
pub mod drafts;
pub mod durability;
pub mod feedback;
pub mod fidelity;
pub mod filters;
pub mod identity;
pub mod inbox;
pub mod keys;
pub mod listing;
pub mod nodes;
pub mod operators;
pub mod oracle;
pub mod races;
pub mod searching;
pub mod sites;
pub mod threads;
pub mod turns;
pub mod usage;

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{ManualClock, SeededRandom};
use crate::{
    AnswerFacts, Clock as _, CloseTurn, ConversationFilter, ConversationId, ConversationQuery, FinishReason,
    IdempotencyKey, MessageId, MessageStatus, MessageText, NodeId, OpenTurn, OpenedTurn, SecretHash,
    SessionId, SessionKey, SiteId, Store, Thread, ThreadPage, Timestamp, TurnIds, TurnOpening, Visit,
};

/// Closes a store and opens it again on the same data.
pub type Reopen = Box<dyn Fn(Arc<dyn Store>) -> BoxFuture<'static, Arc<dyn Store>> + Send + Sync>;

/// An empty store to try, with its site made.
pub struct Fixture {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Closes and opens it; `None` for engines that forget.
    pub reopen: Option<Reopen>,
    /// What has to live as long as the store: temporary folders, servers.
    pub keep: Box<dyn Any + Send + Sync>,
    /// What time it is for the store.
    pub clock: ManualClock,
    random: SeededRandom,
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture").field("store", &self.store).finish_non_exhaustive()
    }
}

/// The site the cases work on.
pub const SITE: SiteId = SiteId::DEFAULT;
/// Another site of the same deployment.
pub const OTHER_SITE: SiteId = SiteId::from_bytes([9; 16]);
/// The node that writes the cases' answers.
pub const NODE: NodeId = NodeId::from_bytes([7; 16]);
/// The newest hundred messages.
pub const PAGE: ThreadPage = ThreadPage { before: None, limit: 100 };

impl Fixture {
    /// A fixture around an empty store.
    pub async fn new(
        store: Arc<dyn Store>,
        reopen: Option<Reopen>,
        keep: Box<dyn Any + Send + Sync>,
    ) -> Self {
        let clock = ManualClock::default();
        store.ensure_site(SITE, "default", clock.now()).await.unwrap();
        store.ensure_site(OTHER_SITE, "other", clock.now()).await.unwrap();
        Self { store, reopen, keep, clock, random: SeededRandom::new(7) }
    }

    /// A visitor's message, not sent yet.
    pub fn turn(&self, session: &SessionKey, text: &str) -> OpenTurn {
        OpenTurn {
            session: session.clone(),
            text: MessageText::parse(text.to_owned()).unwrap(),
            idempotency_key: None,
            ids: TurnIds {
                conversation: ConversationId::mint(&self.clock, &self.random),
                visitor_message: MessageId::mint(&self.clock, &self.random),
                answer: MessageId::mint(&self.clock, &self.random),
            },
            node: NODE,
            now: self.clock.now(),
            history_limit: 30,
            history_since: Timestamp::from_millis(i64::MIN),
            identity: None,
            visit: Visit::default(),
        }
    }

    /// A visitor's message with an idempotency key, not sent yet.
    pub fn keyed_turn(&self, session: &SessionKey, text: &str, key: &str) -> OpenTurn {
        let idempotency_key = Some(IdempotencyKey::parse(key).unwrap());
        OpenTurn { idempotency_key, ..self.turn(session, text) }
    }

    /// Sends a message that has to be accepted as new.
    pub async fn open(&self, session: &SessionKey, text: &str) -> OpenedTurn {
        self.accept(self.turn(session, text)).await
    }

    /// Sends a message that has to be accepted as new.
    pub async fn accept(&self, turn: OpenTurn) -> OpenedTurn {
        match self.store.open_turn(turn).await.unwrap() {
            TurnOpening::Opened(opened) => opened,
            other => unreachable!("the turn should have been opened: {other:?}"),
        }
    }

    /// Ends an answer.
    pub async fn close(&self, answer: MessageId, status: MessageStatus, text: &str) {
        self.store.close_turn(self.ending(answer, status, text)).await.unwrap();
    }

    /// The end of an answer, not stored yet.
    pub fn ending(&self, answer: MessageId, status: MessageStatus, text: &str) -> CloseTurn {
        let finish = (status == MessageStatus::Complete).then_some(FinishReason::Stop);
        let facts = AnswerFacts { finish, model: Some("test".to_owned()), ..AnswerFacts::default() };
        CloseTurn { site: SITE, answer, status, text: text.to_owned(), facts, now: self.clock.now() }
    }

    /// A whole turn: a message and its complete answer, a second apart.
    pub async fn say(&self, session: &SessionKey, text: &str, answer: &str) -> OpenedTurn {
        let opened = self.open(session, text).await;
        self.pass(1);
        self.close(opened.answer, MessageStatus::Complete, answer).await;
        opened
    }

    /// Lets seconds pass.
    pub fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// A visitor's own conversation.
    pub async fn thread(&self, session: &SessionKey) -> Thread {
        self.store.session_thread(session, PAGE).await.unwrap().unwrap()
    }

    /// How many conversations the site has.
    pub async fn total(&self) -> u64 {
        let query =
            ConversationQuery { site: SITE, filter: ConversationFilter::default(), after: None, limit: 1 };
        self.store.conversations(query).await.unwrap().total
    }
}

/// A session with a secret made from its name.
pub fn session(name: &str) -> SessionKey {
    let secret = format!("{name:A<43}");
    SessionKey { secret: Some(SecretHash::of(&secret).unwrap()), ..bare_session(name) }
}

/// A session without a secret.
pub fn bare_session(name: &str) -> SessionKey {
    SessionKey { site: SITE, session: SessionId::parse(name).unwrap(), secret: None }
}

/// Makes a test of every case for one engine.
///
/// The argument is an expression that is awaited to give a [`Fixture`] around a new, empty store.
#[macro_export]
macro_rules! store_suite {
    ($fixture:expr) => {
        $crate::store_suite! { @each $fixture;
            turns: [
                the_first_message_begins_a_conversation,
                the_second_message_continues_it,
                sessions_never_share_a_conversation,
                a_session_with_a_secret_is_another_lane,
                sites_never_share_a_conversation,
                the_answer_is_there_from_the_beginning,
                a_message_is_stored_before_its_answer,
                a_second_message_waits_for_the_running_answer,
                history_is_the_last_messages_in_order,
                history_of_one_is_the_message_itself,
                history_leaves_out_what_is_too_old,
                history_has_the_message_itself_however_old_it_is,
                a_partial_answer_is_kept,
                a_late_partial_does_not_undo_the_end,
                closing_twice_changes_nothing,
                closing_what_does_not_exist_is_a_conflict,
                closing_across_sites_is_a_conflict,
                every_ending_is_stored_as_such,
                a_message_repeated_during_its_answer_is_attached,
                a_message_repeated_after_its_answer_is_replayed,
                a_stopped_answer_is_replayed,
                a_failed_answer_is_written_again_in_its_place,
                an_interrupted_answer_is_written_again_in_its_place,
                an_old_failed_turn_is_answered_with_the_history_of_then,
                an_answer_that_ended_at_a_limit_is_not_written_again,
                another_message_under_the_same_key_is_refused,
                keys_belong_to_their_conversation,
                unfinished_answers_become_interrupted_or_failed,
            ]
            listing: [
                a_new_store_lists_nothing,
                latest_activity_comes_first,
                equal_times_are_ordered_by_id,
                paging_visits_every_conversation_once,
                the_total_counts_the_site_only,
                the_preview_is_what_was_last_said,
                the_preview_is_cut_between_characters,
                a_failed_answer_leaves_the_preview,
                a_retried_old_answer_leaves_the_preview,
            ]
            threads: [
                an_unknown_conversation_is_none,
                a_conversation_of_another_site_is_none,
                messages_are_in_order_at_equal_times,
                a_clock_set_back_does_not_reorder,
                pages_begin_at_the_newest_and_lose_nothing,
                a_session_reads_only_its_own,
                an_answer_is_found_by_its_own_secret_only,
                a_visitors_message_is_not_an_answer,
                facts_of_an_answer_are_kept,
            ]
            changes: [
                every_change_has_the_next_number,
                what_changed_several_times_comes_once_as_it_is_now,
                pages_of_changes_lose_nothing,
                the_answer_that_is_being_written_is_told_with_its_text,
                changes_are_told_of_ones_own_conversation_only,
            ]
            feedback: [
                a_rating_is_kept_and_can_be_changed_and_taken_back,
                a_rating_is_the_next_change_and_no_activity,
                the_same_rating_again_changes_nothing,
                only_ended_answers_of_ones_own_are_rated,
                an_answer_written_anew_has_no_rating,
            ]
            deleting: [
                a_deleted_conversation_is_gone_with_everything_in_it,
                deleting_is_counted_and_may_be_repeated,
                the_session_begins_another_conversation_afterwards,
                only_ones_own_conversation_is_deleted,
                a_long_conversation_is_deleted_whole,
                an_answer_that_was_being_written_ends_in_a_conflict,
            ]
            identity: [
                who_a_visitor_is_is_kept_with_the_conversation,
                what_the_site_says_last_counts,
            ]
            inbox: [
                a_begun_conversation_has_no_messages_and_the_first_one_continues_it,
                a_session_begins_one_conversation,
                what_is_said_later_of_a_visit_counts_more,
                a_conversation_is_read_by_either_name,
                a_change_is_stored_if_nothing_has_changed_since,
                all_of_a_state_is_kept,
                what_is_said_is_shown_in_the_list_and_notes_and_events_are_not,
                only_activity_moves_a_conversation_up,
                a_message_is_delivered_while_an_operator_answers,
                it_is_delivered_also_while_an_answer_is_still_being_written,
                a_delivered_message_that_is_repeated_is_known,
                answers_are_repeated_but_not_begun_anew_while_an_operator_answers,
                a_closed_conversation_is_opened_by_its_visitor,
                history_has_what_operators_said_and_neither_notes_nor_events,
                what_was_seen_is_counted_and_never_lowered,
                a_conversations_rating_is_what_was_said_last,
                notes_are_found_and_events_are_not,
            ]
            keys: [
                a_message_repeated_by_its_key_is_known,
                what_was_said_under_a_key_is_found_by_it,
                keys_of_visitors_and_of_operators_are_apart,
            ]
            drafts: [
                each_operator_has_a_draft_of_a_reply_and_one_of_a_note,
                a_draft_goes_with_its_conversation,
                a_conversation_has_so_many_drafts_and_no_more,
            ]
            usage: [
                what_answers_cost_is_added_up_by_their_models,
            ]
            filters: [
                every_filter_finds_what_it_says_and_nothing_else,
                filters_are_combined_and_pages_neither_repeat_nor_lose,
                a_tagged_conversation_keeps_its_place_in_the_list,
                a_session_is_found_with_every_secret,
                conversations_are_counted_up_to_what_was_asked_for,
                what_is_found_can_be_filtered,
            ]
            nodes: [
                signs_of_life_are_counted_for_each_node,
                an_answer_names_a_node_that_gives_no_sign,
                a_dead_nodes_answers_end_and_those_of_others_go_on,
                a_node_that_still_lives_is_not_ended,
                a_node_that_is_ended_twice_has_nothing_left_to_end,
                what_a_dead_node_still_writes_changes_nothing,
                an_answer_that_is_begun_anew_belongs_to_who_begins_it,
            ]
            fidelity: [
                texts_come_back_as_they_went_in,
                the_longest_texts_are_kept,
                the_longest_names_are_kept,
                extreme_times_are_kept,
            ]
            searching: [
                what_was_said_is_found_with_its_newest_message,
                every_word_has_to_be_in_one_message,
                the_last_word_may_be_only_begun,
                phrases_are_found_as_they_stand,
                hostile_queries_find_nothing_and_break_nothing,
                what_is_found_keeps_to_its_site_and_to_ended_answers,
                pages_of_what_is_found_lose_nothing_and_keep_the_order,
                what_is_deleted_or_written_anew_is_not_found,
                an_answer_that_broke_off_is_found_when_it_is_indexed,
            ]
            races: [
                many_first_messages_make_one_conversation,
                one_key_sent_at_once_is_stored_once,
                many_sessions_at_once_lose_nothing,
                closing_while_listing_is_never_half_done,
                of_several_changes_at_once_one_is_stored,
                operators_and_visitors_at_once_lose_nothing,
            ]
            durability: [
                everything_is_there_after_reopening,
            ]
            operators: [
                a_password_is_replaced_and_ends_sessions,
                a_session_lives_until_it_is_ended,
                all_sessions_end_at_once,
                operators_are_known_by_the_names_they_give,
                expired_sessions_are_forgotten,
                tries_run_out_and_come_back,
                one_empty_bucket_refuses_without_taking_from_the_other,
                success_forgets_the_tries,
                tries_at_once_do_not_slip_through,
                a_device_is_known_for_a_while,
            ]
            sites: [
                making_a_site_twice_keeps_the_first,
                keys_are_listed_oldest_first,
                a_key_exists_once,
                a_document_is_kept_as_it_was_set_last,
            ]
            oracle: [
                it_behaves_like_the_memory_store,
            ]
        }
    };
    (@each $fixture:expr; $($module:ident: [$($case:ident,)*])*) => {
        $(
            mod $module {
                use super::*;
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $case() {
                        let mut fixture = $fixture.await;
                        $crate::testing::suite::$module::$case(&mut fixture).await;
                    }
                )*
            }
        )*
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::MemoryStore;

    store_suite!(Fixture::new(Arc::new(MemoryStore::default()), None, Box::new(())));
}
