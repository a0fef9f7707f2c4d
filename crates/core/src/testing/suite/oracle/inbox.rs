//! The calls of operators.

use proptest::prelude::*;

use super::super::{Fixture, SITE};
use crate::{
    Answering, Assigned, BeginConversation, Clock as _, ConversationFilter, ConversationId, ConversationName,
    ConversationQuery, ConversationState, ConversationStatus, ConversationUpdate, DraftKind, IdempotencyKey,
    MessageId, MessageText, NewMessage, OperatorName, Rating, Role, SaveDraft, SessionKey, Store, Tag,
    Timestamp, Visit,
};

#[derive(Clone, Debug)]
pub(super) enum Call {
    Begin {
        who: u8,
        id: [u8; 16],
        page: Option<u8>,
    },
    Update {
        who: u8,
        stale: bool,
        state: u8,
        role: Option<u8>,
        id: [u8; 16],
        key: Option<u8>,
        is_activity: bool,
    },
    MarkRead {
        who: u8,
        count: u32,
    },
    Draft {
        who: u8,
        operator: u8,
        kind: DraftKind,
        text: Option<u8>,
    },
    Filter {
        filter: u16,
        limit: u32,
    },
}

impl Call {
    /// Whose conversation it is about.
    pub(super) fn who(&self) -> u8 {
        match *self {
            Self::Begin { who, .. }
            | Self::Update { who, .. }
            | Self::MarkRead { who, .. }
            | Self::Draft { who, .. } => who,
            Self::Filter { .. } => 0,
        }
    }
}

pub(super) fn calls() -> impl Strategy<Value = Call> {
    prop_oneof![
        1 => (0..6_u8, any::<[u8; 16]>(), proptest::option::of(0..3_u8))
            .prop_map(|(who, id, page)| Call::Begin { who, id, page }),
        4 => (0..6_u8, proptest::bool::weighted(0.2), any::<u8>(), proptest::option::of(0..3_u8), any::<[u8; 16]>(),
              proptest::option::of(0..5_u8), any::<bool>())
            .prop_map(|(who, stale, state, role, id, key, is_activity)| {
                Call::Update { who, stale, state, role, id, key, is_activity }
            }),
        1 => (0..6_u8, 0..6_u32).prop_map(|(who, count)| Call::MarkRead { who, count }),
        2 => (0..6_u8, 0..12_u8, any::<bool>(), proptest::option::weighted(0.9, any::<u8>()))
            .prop_map(|(who, operator, is_note, text)| {
                let kind = if is_note { DraftKind::Note } else { DraftKind::Reply };
                Call::Draft { who, operator, kind, text }
            }),
        2 => (any::<u16>(), 1..6_u32).prop_map(|(filter, limit)| Call::Filter { filter, limit }),
    ]
}

pub(super) fn visit(page: Option<u8>) -> Visit {
    let page = page.map(|page| format!("/page/{page}"));
    Visit { language: page.as_ref().map(|_| "en".to_owned()), page, ..Visit::default() }
}

/// One of the states that there can be.
fn state(n: u8) -> ConversationState {
    let name = |n: u8| ["Ben", "Maya"].get(usize::from(n)).map(|name| OperatorName::parse(name).unwrap());
    let tags = ["refund", "vip"].iter().enumerate().filter(|(bit, _)| (n >> bit) & 1 == 1);
    ConversationState {
        status: ConversationStatus::ALL[usize::from(n / 4 % 3)],
        answering: name(n / 12 % 4).map(|operator| Answering { operator, since: Timestamp::from_millis(7) }),
        assignee: name(n / 48 % 3),
        tags: tags.map(|(_, tag)| Tag::parse(tag).unwrap()).collect(),
        contact: None,
    }
}

/// One of the filters that there can be: of half of them each condition.
fn filter(n: u16) -> ConversationFilter {
    let like = state(n.to_le_bytes()[1]);
    let is = |bit: u8| (n >> bit) & 1 == 1;
    ConversationFilter {
        statuses: if is(0) { vec![like.status] } else { Vec::new() },
        assignee: is(1).then(|| like.assignee.map_or(Assigned::ToNobody, Assigned::To)),
        tag: like.tags.into_iter().next().filter(|_| is(2)),
        page: is(3).then(|| "/page/1".to_owned()),
        rating: is(4).then_some(Rating::Up),
        ..ConversationFilter::default()
    }
}

/// Applies a call and describes what came of it.
pub(super) async fn apply(f: &Fixture, store: &dyn Store, visitor: &SessionKey, call: &Call) -> String {
    match *call {
        Call::Begin { id, page, .. } => {
            let (id, now) = (ConversationId::from_bytes(id), f.clock.now());
            let begin = BeginConversation { session: visitor.clone(), id, visit: visit(page), now };
            format!("{:?}", store.begin_conversation(begin).await.unwrap())
        }
        Call::Update { stale, state: to, role, id, key, is_activity, .. } => {
            let name = ConversationName::Session(visitor.clone());
            let Some((_, before)) = store.conversation(&name).await.unwrap() else {
                return String::new();
            };
            let key = key.map(|key| IdempotencyKey::parse(&format!("key{key}")).unwrap());
            let known = match &key {
                Some(key) => store.message_of_key(SITE, before.id, key).await.unwrap(),
                None => None,
            };
            let message = role.map(|role| NewMessage {
                id: MessageId::from_bytes(id),
                role: [Role::Operator, Role::Event, Role::Note][usize::from(role)],
                text: format!("said {to}"),
                author: state(to).assignee,
                idempotency_key: key,
            });
            let update = ConversationUpdate {
                site: SITE,
                conversation: before.id,
                expected_revision: before.revision - u32::from(stale && before.revision > 0),
                state: state(to),
                message,
                is_activity,
                now: f.clock.now(),
            };
            let updated = store.update_conversation(update).await.unwrap();
            format!("{before:?} {:?} {known:?} {updated:?}", before.visit.page)
        }
        Call::MarkRead { count, .. } => {
            let name = ConversationName::Session(visitor.clone());
            if let Some((_, found)) = store.conversation(&name).await.unwrap() {
                store.mark_read(SITE, found.id, count).await.unwrap();
            }
            String::new()
        }
        Call::Draft { operator, kind, text, .. } => {
            let name = ConversationName::Session(visitor.clone());
            let Some((_, found)) = store.conversation(&name).await.unwrap() else { return String::new() };
            let operator = OperatorName::parse(&format!("operator {operator}")).unwrap();
            let text = text.map(|text| MessageText::parse(format!("begun {text}")).unwrap());
            let (site, conversation) = (SITE, found.id);
            let save = SaveDraft { site, conversation, operator: operator.clone(), kind, text };
            let saved = store.save_draft(save).await.unwrap();
            format!("{saved:?} {:?}", store.drafts(SITE, conversation, &operator).await.unwrap())
        }
        Call::Filter { filter: n, limit } => {
            let filter = filter(n);
            let count = store.count_conversations(SITE, &filter, limit).await.unwrap();
            let mut found = Vec::new();
            let mut after = None;
            loop {
                let query = ConversationQuery { site: SITE, filter: filter.clone(), after, limit };
                let page = store.conversations(query).await.unwrap();
                found.extend(page.conversations);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            format!("{count} {found:?}")
        }
    }
}
