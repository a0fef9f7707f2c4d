use std::sync::Arc;

use tokio::time::{Duration, timeout};

use super::*;
use crate::testing::suite::{SITE, session};
use crate::testing::{ManualClock, MemoryStore, ModelCalls, RecordingNotifier, ScriptedModel, SeededRandom};
use crate::{
    Chat, ChatPorts, ChatSettings, EmailAddress, FeedEvent, SendMessage, Sent, SiteNews, Store, Tag,
    ThreadPage, Turn, TurnUpdate, Visit,
};

struct Desk {
    chat: Chat,
    inbox: Inbox,
    store: Arc<MemoryStore>,
    calls: ModelCalls,
    notices: Arc<RecordingNotifier>,
}

fn named(name: &str) -> OperatorName {
    OperatorName::parse(name).unwrap()
}

fn text(text: &str) -> MessageText {
    MessageText::parse(text.to_owned()).unwrap()
}

fn message(what: &str) -> SendMessage {
    SendMessage {
        session: session("a"),
        text: text(what),
        idempotency_key: None,
        identity: None,
        visit: Visit::default(),
    }
}

impl Desk {
    fn open() -> Self {
        let (model, calls) = ScriptedModel::new();
        let store = Arc::new(MemoryStore::default());
        let ports = ChatPorts {
            store: Arc::clone(&store) as Arc<dyn Store>,
            model: Arc::new(model),
            clock: Arc::new(ManualClock::default()),
            random: Arc::new(SeededRandom::new(3)),
        };
        let chat = Chat::new(ports, ChatSettings::default());
        let notices = Arc::new(RecordingNotifier::default());
        let inbox = chat.inbox(Some(Arc::clone(&notices) as Arc<dyn Notifier>));
        Self { chat, inbox, store, calls, notices }
    }

    async fn send(&self, what: &str) -> Sent {
        self.chat.send(message(what)).await.unwrap()
    }

    /// A message whose answer is being written.
    async fn ask(&self, what: &str) -> (Turn, crate::testing::ModelCall) {
        (self.send(what).await.turn().unwrap(), self.calls.next().await)
    }

    async fn take_over(&self, turn: &Turn, operator: &str) -> TakeOver {
        self.inbox.take_over(SITE, turn.conversation, named(operator), None).await.unwrap().unwrap()
    }

    async fn reply(&self, turn: &Turn, operator: &str, what: &str) -> Reply {
        let replied = self.inbox.reply(SITE, turn.conversation, named(operator), text(what), None).await;
        replied.unwrap().unwrap()
    }

    /// What was said in the conversation, each with its role.
    async fn said(&self) -> Vec<(Role, String)> {
        let messages = self.thread().await.1;
        messages.into_iter().map(|message| (message.role, message.text)).collect()
    }

    async fn thread(&self) -> (ConversationSummary, Vec<Message>) {
        use crate::ConversationStore as _;
        let page = ThreadPage { before: None, limit: 100 };
        let thread = self.store.session_thread(&session("a"), page).await.unwrap().unwrap();
        (thread.conversation, thread.messages)
    }
}

async fn end(turn: &mut Turn) -> MessageStatus {
    loop {
        if let TurnUpdate::End(end) = turn.reader.next().await {
            return end.status;
        }
    }
}

#[tokio::test]
async fn the_ai_falls_silent_in_the_middle_of_its_sentence_when_an_operator_takes_over() {
    let desk = Desk::open();
    let (mut turn, mut call) = desk.ask("Where is my parcel?").await;
    call.say("It is on ");
    while !matches!(turn.reader.next().await, TurnUpdate::Text { .. }) {}
    assert_eq!(desk.take_over(&turn, "Maya").await, TakeOver::Taken);
    assert_eq!(end(&mut turn).await, MessageStatus::Stopped);
    let (conversation, messages) = desk.thread().await;
    assert_eq!(messages[1].text, "It is on ");
    assert_eq!((messages[2].role, messages[2].text.as_str()), (Role::Event, "joined"));
    assert_eq!(messages[2].author, Some(named("Maya")));
    assert_eq!(conversation.state.answering.map(|it| it.operator), Some(named("Maya")));
    assert_eq!(conversation.state.assignee, Some(named("Maya")));
}

#[tokio::test]
async fn a_message_to_an_operator_is_delivered_and_no_model_is_asked() {
    let desk = Desk::open();
    let (turn, _call) = desk.ask("one").await;
    desk.take_over(&turn, "Maya").await;
    let Sent::Delivered(delivered) = desk.send("two").await else { panic!("an answer was begun") };
    assert_eq!(delivered.operator, Some(named("Maya")));
    assert!(matches!(desk.reply(&turn, "Maya", "Hello").await, Reply::Sent(_)));
    let said = desk.said().await;
    assert_eq!(said[3..], [(Role::Visitor, "two".to_owned()), (Role::Operator, "Hello".to_owned())]);
    assert_eq!(desk.chat.running(), 0);
}

#[tokio::test]
async fn of_two_operators_one_wins_and_the_other_is_told_who() {
    let desk = Desk::open();
    let (turn, _call) = desk.ask("one").await;
    desk.store.take_time();
    let (first, second) = tokio::join!(desk.take_over(&turn, "Maya"), desk.take_over(&turn, "Tom"));
    let (winner, told) = match (first, second) {
        (TakeOver::Taken, TakeOver::TakenBy(told)) => ("Maya", told),
        (TakeOver::TakenBy(told), TakeOver::Taken) => ("Tom", told),
        other => panic!("{other:?}"),
    };
    assert_eq!(told.operator, named(winner));
    let loser = if winner == "Maya" { "Tom" } else { "Maya" };
    assert!(matches!(desk.reply(&turn, loser, "Hello").await, Reply::TakenBy(_)));
    let handed = desk.inbox.hand_back(SITE, turn.conversation, named(loser)).await.unwrap();
    assert!(matches!(handed, Some(HandBack::TakenBy(_))));
    let on_purpose = desk.inbox.take_over(SITE, turn.conversation, named(loser), Some(named(winner)));
    assert_eq!(on_purpose.await.unwrap(), Some(TakeOver::Taken));
}

#[tokio::test]
async fn a_conversation_that_is_handed_back_is_answered_by_the_ai_with_all_that_was_said() {
    let desk = Desk::open();
    let (turn, _call) = desk.ask("one").await;
    desk.reply(&turn, "Maya", "You get it back").await;
    desk.inbox.note(SITE, turn.conversation, named("Maya"), text("a good one"), None).await.unwrap();
    let handed = desk.inbox.hand_back(SITE, turn.conversation, named("Maya")).await.unwrap();
    assert_eq!(handed, Some(HandBack::Done));
    let (_turn, call) = desk.ask("Really?").await;
    let read: Vec<_> = call.prompt.messages.iter().map(|message| message.text.clone()).collect();
    assert_eq!(read, ["one", "[Maya, a person of the team] You get it back", "Really?"]);
}

#[tokio::test]
async fn what_an_operator_says_again_under_the_same_key_is_said_once() {
    let desk = Desk::open();
    let (turn, _call) = desk.ask("one").await;
    let key = Some(IdempotencyKey::parse("k1").unwrap());
    let reply = || desk.inbox.reply(SITE, turn.conversation, named("Maya"), text("Hello"), key.clone());
    let Some(Reply::Sent(sent)) = reply().await.unwrap() else { panic!("not sent") };
    assert_eq!(reply().await.unwrap(), Some(Reply::Repeated(sent.clone())));
    assert_eq!(desk.thread().await.1.last(), Some(&sent));
    // It does not take the conversation from the AI again either.
    desk.inbox.hand_back(SITE, turn.conversation, named("Maya")).await.unwrap();
    assert_eq!(reply().await.unwrap(), Some(Reply::Repeated(sent)));
    assert_eq!(desk.thread().await.0.state.answering, None);
}

#[tokio::test]
async fn everybody_who_follows_sees_what_operators_do() {
    let desk = Desk::open();
    let (turn, _call) = desk.ask("one").await;
    let name = ConversationName::Session(session("a"));
    let mut feed = desk.chat.feeds().open(name.clone(), None).await.unwrap().unwrap();
    assert!(desk.inbox.is_present(turn.conversation));
    let mut site = desk.chat.feeds().open_site(SITE).await.unwrap();
    desk.reply(&turn, "Maya", "Hello").await;
    desk.inbox.typing(&name, Typist::Operator(named("Maya")), true).await.unwrap();
    let (mut said, mut answering, mut typing) = (Vec::new(), None, None);
    while typing.is_none() || answering.is_none() || !said.contains(&"Hello".to_owned()) {
        match timeout(Duration::from_secs(5), feed.next()).await.unwrap().unwrap().unwrap() {
            FeedEvent::Message { message, .. } => said.push(message.text),
            FeedEvent::State { state, .. } => answering = state.answering,
            FeedEvent::Typing(told) => typing = Some(told.typist),
            FeedEvent::Text { .. } | FeedEvent::Seen { .. } | FeedEvent::Reset => {}
        }
    }
    assert_eq!(typing, Some(Typist::Operator(named("Maya"))));
    assert_eq!(site.next().await, Some(SiteNews::Changed(turn.conversation)));
    drop(feed);
    assert!(!desk.inbox.is_present(turn.conversation));
}

#[tokio::test]
async fn an_operator_who_has_said_it_types_no_more() {
    let desk = Desk::open();
    let (turn, _call) = desk.ask("one").await;
    let name = ConversationName::Session(session("a"));
    let mut feed = desk.chat.feeds().open(name.clone(), None).await.unwrap().unwrap();
    desk.inbox.typing(&name, Typist::Operator(named("Maya")), true).await.unwrap();
    desk.reply(&turn, "Maya", "Hello").await;
    let mut told = Vec::new();
    while told.len() < 2 {
        let event = timeout(Duration::from_secs(5), feed.next()).await.unwrap().unwrap().unwrap();
        if let FeedEvent::Typing(typing) = event {
            told.push(typing.is_typing);
        }
    }
    assert_eq!(told, [true, false]);
}

#[tokio::test]
async fn a_visitor_who_asks_for_a_person_raises_a_request_even_without_a_word() {
    let desk = Desk::open();
    let contact = EmailAddress::parse("ana@shop.example").unwrap();
    let ask = |contact| AskForPerson { contact, is_away: true, visit: Visit::default() };
    let asked = desk.inbox.ask_for_person(session("a"), ask(None)).await.unwrap();
    desk.inbox.ask_for_person(session("a"), ask(None)).await.unwrap();
    desk.inbox.ask_for_person(session("a"), ask(Some(contact.clone()))).await.unwrap();
    let (conversation, messages) = desk.thread().await;
    assert_eq!(conversation.state.status, ConversationStatus::NeedsPerson);
    assert_eq!(conversation.state.contact, Some(contact));
    assert_eq!(messages.len(), 1);
    assert_eq!((messages[0].role, messages[0].text.as_str()), (Role::Event, "away"));
    assert_eq!(desk.notices.requests().len(), 2);
    // The AI goes on until somebody comes.
    let (turn, _call) = desk.ask("Anybody?").await;
    assert_eq!(turn.conversation, asked.conversation);
    desk.take_over(&turn, "Maya").await;
    assert_eq!(desk.thread().await.0.state.status, ConversationStatus::Open);
    let other = EmailAddress::parse("ana@home.example").unwrap();
    let again = desk.inbox.ask_for_person(session("a"), ask(Some(other.clone()))).await.unwrap();
    assert_eq!(again.answering, Some(named("Maya")));
    assert_eq!(desk.thread().await.0.state.contact, Some(other));
    assert_eq!(desk.notices.requests().len(), 2);
}

#[tokio::test]
async fn the_team_is_told_what_the_visitor_said_although_the_ai_has_answered_since() {
    let desk = Desk::open();
    let (mut turn, mut call) = desk.ask("Where is my parcel?").await;
    call.say("I do not know.");
    call.end();
    end(&mut turn).await;
    desk.inbox.ask_for_person(session("a"), AskForPerson::default()).await.unwrap();
    let [request] = &desk.notices.requests()[..] else { panic!("the team was not told once") };
    assert_eq!(request.message, "Where is my parcel?");
    assert_eq!(request.visitor.split(' ').count(), 2);
}

#[tokio::test]
async fn a_closed_conversation_is_the_ais_again_and_opens_with_the_next_message() {
    let desk = Desk::open();
    let (turn, _call) = desk.ask("one").await;
    desk.take_over(&turn, "Maya").await;
    let close = || desk.inbox.set_status(SITE, turn.conversation, named("Maya"), ConversationStatus::Closed);
    assert_eq!(close().await.unwrap(), Some(true));
    assert_eq!(close().await.unwrap(), Some(false));
    assert_eq!(desk.said().await.last(), Some(&(Role::Event, "closed".to_owned())));
    assert!(desk.send("two").await.turn().is_some());
    assert_eq!(desk.thread().await.0.state.status, ConversationStatus::Open);
}

#[tokio::test]
async fn tags_and_assignees_change_the_state_and_say_nothing() {
    let desk = Desk::open();
    let (turn, _call) = desk.ask("one").await;
    let tag = |text: &str| Tag::parse(text).unwrap();
    let change = |add, remove| desk.inbox.tag(SITE, turn.conversation, add, remove);
    assert_eq!(change(vec![tag("refund"), tag("norway")], vec![]).await.unwrap(), Some(true));
    assert_eq!(change(vec![tag("refund")], vec![]).await.unwrap(), Some(false));
    assert_eq!(change(vec![], vec![tag("refund")]).await.unwrap(), Some(true));
    let assigned = desk.inbox.assign(SITE, turn.conversation, Some(named("Tom"))).await.unwrap();
    assert_eq!(assigned, Some(true));
    let (conversation, messages) = desk.thread().await;
    assert_eq!(conversation.state.tags, [tag("norway")]);
    assert_eq!(conversation.state.assignee, Some(named("Tom")));
    assert_eq!(messages.len(), 2);
    assert_eq!(conversation.revision, 5);
}

#[tokio::test]
async fn nothing_is_done_to_a_conversation_that_is_not_there() {
    let Desk { inbox, .. } = Desk::open();
    let id = ConversationId::from_bytes([9; 16]);
    assert_eq!(inbox.take_over(SITE, id, named("Maya"), None).await.unwrap(), None);
    assert_eq!(inbox.hand_back(SITE, id, named("Maya")).await.unwrap(), None);
    assert_eq!(inbox.reply(SITE, id, named("Maya"), text("Hello"), None).await.unwrap(), None);
    assert_eq!(inbox.note(SITE, id, named("Maya"), text("Hello"), None).await.unwrap(), None);
    assert_eq!(inbox.assign(SITE, id, None).await.unwrap(), None);
    let name = ConversationName::Id(SITE, id);
    let typing = inbox.typing(&name, Typist::Visitor, true);
    assert_eq!(typing.await.unwrap(), None);
}

#[tokio::test]
async fn all_of_an_edit_is_one_change_or_none() {
    let desk = Desk::open();
    let (turn, _call) = desk.ask("one").await;
    let edit = async |edit| desk.inbox.edit(SITE, turn.conversation, named("Maya"), edit).await.unwrap();
    let tags =
        |names: std::ops::Range<usize>| names.map(|n| Tag::parse(&format!("{n:02}")).unwrap()).collect();
    let all = ConversationEdit {
        status: Some(ConversationStatus::Closed),
        assignee: Some(Some(named("Tom"))),
        tags: Some(tags(0..20)),
        ..ConversationEdit::default()
    };
    assert_eq!(edit(all.clone()).await, Some(Edited::Done));
    assert_eq!(edit(all).await, Some(Edited::Unchanged));
    let too_many = ConversationEdit {
        status: Some(ConversationStatus::Open),
        add_tags: tags(20..21),
        ..ConversationEdit::default()
    };
    assert_eq!(edit(too_many.clone()).await, Some(Edited::TooManyTags));
    let (conversation, messages) = desk.thread().await;
    assert_eq!((conversation.revision, conversation.state.status), (3, ConversationStatus::Closed));
    assert_eq!((conversation.state.tags.len(), messages.len()), (20, 3));
    let swap = ConversationEdit { remove_tags: tags(0..1), ..too_many };
    assert_eq!(edit(swap).await, Some(Edited::Done));
    assert_eq!(desk.said().await.last(), Some(&(Role::Event, "reopened".to_owned())));
}

#[tokio::test]
async fn what_was_sent_is_no_draft_any_more_and_does_not_come_back() {
    let desk = Desk::open();
    let (turn, _call) = desk.ask("Hello").await;
    let id = turn.conversation;
    let place = |kind| DraftPlace { site: SITE, conversation: id, operator: named("Maya"), kind };
    let key = IdempotencyKey::parse("k1").unwrap();
    let inbox = &desk.inbox;
    let drafts = async || inbox.drafts(SITE, id, &named("Maya")).await.unwrap().unwrap();
    for kind in [DraftKind::Reply, DraftKind::Note] {
        inbox.save_draft(place(kind), Some(text("Good mor")), None).await.unwrap().unwrap();
    }
    inbox.reply(SITE, id, named("Maya"), text("Good morning"), Some(key.clone())).await.unwrap().unwrap();
    assert_eq!((drafts().await.reply, drafts().await.note), (None, Some("Good mor".to_owned())));
    inbox.save_draft(place(DraftKind::Reply), Some(text("Good morn")), Some(&key)).await.unwrap().unwrap();
    assert_eq!(drafts().await.reply, None);
    inbox.save_draft(place(DraftKind::Reply), Some(text("And")), None).await.unwrap().unwrap();
    assert_eq!(drafts().await.reply.as_deref(), Some("And"));
    inbox.note(SITE, id, named("Maya"), text("Good morning"), None).await.unwrap().unwrap();
    assert_eq!(drafts().await.note, None);
}
