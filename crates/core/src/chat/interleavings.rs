//! Every order of what can happen to a turn, and what has to be so in each of them.
//!
//! A schedule is a list of actions; between them the tasks of the service run a little, or until nothing is left to do. The
//! model is scripted, the store is in memory but takes its time, and time itself passes only if everybody waits for it, so
//! a schedule always goes the same way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use frontdesk_testkit::{Dice, Effort};
use futures_util::FutureExt as _;
use tokio::task::{AbortHandle, yield_now};
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use super::*;
use crate::testing::suite::{SITE, session};
use crate::testing::{ManualClock, MemoryStore, ModelCall, ModelCalls, ScriptedModel, SeededRandom};
use crate::{ModelError, ModelErrorKind, StoreErrorKind, TurnUpdate, Visit};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Action {
    /// The model says something.
    One,
    /// It says something more.
    Two,
    /// The model ends.
    End,
    /// The model fails.
    Fail,
    /// The visitor stops the answer.
    Stop,
    /// Whoever sent the message leaves.
    Leave,
    /// Somebody follows the answer from where the first reader is.
    Attach,
    /// The same message is sent again.
    Again,
    /// Another message is sent.
    Other,
    /// No new turns are taken.
    Drain,
    /// Running turns have to end.
    Halt,
    /// The store begins to fail.
    Break,
    /// The store works again.
    Mend,
}

use Action::{Again, Attach, Break, Drain, End, Fail, Halt, Leave, Mend, One, Other, Stop, Two};

const ALL: [Action; 13] = [One, Two, End, Fail, Stop, Leave, Attach, Again, Other, Drain, Halt, Break, Mend];

/// After so many times there is nothing left to do, unless time passes.
const QUIET: u32 = 12;

/// What happens between two actions.
#[derive(Clone, Copy, Debug)]
enum Pace {
    /// Every task that can go on does so, so many times.
    Yields(u32),
    /// A little more than the time after which text is stored, and after which a store is asked again.
    Second,
}

/// The first three tell the most.
const PACES: [Pace; 5] =
    [Pace::Yields(0), Pace::Yields(1), Pace::Yields(QUIET), Pace::Yields(2), Pace::Second];

const SEED: u64 = 0x5EED_0111;
const PLACES: usize = 4;
/// What the model answers to every call but the first.
const ANOTHER: &str = "another answer";

/// What came to somebody who sent a message or follows an answer.
#[derive(Debug, Default)]
struct Seen {
    answer: Option<MessageId>,
    refused: Option<SendError>,
    text: String,
    end: Option<TurnEnd>,
    /// What was stored of the answer when its end was told.
    stored: Option<Message>,
}

type Shared = Arc<Mutex<Seen>>;

/// A service to which a schedule happens.
struct Play {
    chat: Chat,
    store: Arc<MemoryStore>,
    calls: ModelCalls,
    /// The call for the first message, while it is open.
    call: Option<ModelCall>,
    calls_taken: usize,
    /// What the model is about to do in that call.
    to_do: Vec<Action>,
    said: String,
    done: Vec<Action>,
    people: TaskTracker,
    first: AbortHandle,
    seen: Vec<(Option<Action>, Shared)>,
    /// Every answer that was found to have ended.
    ended: BTreeMap<MessageId, Message>,
    was_stopped: bool,
    shut_down: Arc<Mutex<Option<bool>>>,
}

fn message(text: &str, key: &str) -> SendMessage {
    SendMessage {
        session: session("a"),
        text: MessageText::parse(text.to_owned()).unwrap(),
        idempotency_key: Some(IdempotencyKey::parse(key).unwrap()),
        identity: None,
        visit: Visit::default(),
    }
}

async fn read(turn: Turn, seen: Shared, store: Arc<MemoryStore>) {
    seen.lock().unwrap().answer = Some(turn.answer);
    let mut reader = turn.reader;
    loop {
        let update = reader.next().await;
        let mut seen = seen.lock().unwrap();
        match update {
            TurnUpdate::Text { text, .. } => seen.text += &text,
            TurnUpdate::End(end) => {
                seen.end = Some(end);
                seen.stored = store.answers().into_iter().find(|answer| answer.id == turn.answer);
                return;
            }
        }
    }
}

impl Play {
    async fn begin() -> Self {
        let (model, calls) = ScriptedModel::new();
        let store = Arc::new(MemoryStore::default());
        store.take_time();
        let ports = ChatPorts {
            store: Arc::clone(&store) as Arc<dyn Store>,
            model: Arc::new(model),
            clock: Arc::new(ManualClock::default()),
            random: Arc::new(SeededRandom::new(3)),
        };
        let chat = Chat::new(ports, ChatSettings { max_running: PLACES, ..ChatSettings::default() });
        let people = TaskTracker::new();
        let first = people.spawn(async {}).abort_handle();
        let mut play = Self {
            chat,
            store,
            calls,
            call: None,
            calls_taken: 0,
            to_do: Vec::new(),
            said: String::new(),
            done: Vec::new(),
            people,
            first,
            seen: Vec::new(),
            ended: BTreeMap::new(),
            was_stopped: false,
            shut_down: Arc::default(),
        };
        play.first = play.send(None, message("hello", "first"));
        // The request arrives. What its sender does after that is part of the schedule.
        yield_now().await;
        play
    }

    fn send(&mut self, why: Option<Action>, message: SendMessage) -> AbortHandle {
        let (chat, store, seen) = (self.chat.clone(), Arc::clone(&self.store), Shared::default());
        self.seen.push((why, Arc::clone(&seen)));
        let sending = async move {
            match chat.send(message).await {
                Ok(sent) => read(sent.turn().unwrap(), seen, store).await,
                Err(error) => seen.lock().unwrap().refused = Some(error),
            }
        };
        self.people.spawn(sending).abort_handle()
    }

    async fn attach(&mut self) {
        let (answer, text) = {
            let first = self.seen[0].1.lock().unwrap();
            let Some(answer) = first.answer else { return };
            (answer, first.text.clone())
        };
        match self.chat.follow(SITE, session("a").secret.unwrap(), answer, text.len()).await {
            Ok(Some(turn)) => {
                let seen = Shared::new(Mutex::new(Seen { text, ..Seen::default() }));
                self.seen.push((Some(Attach), Arc::clone(&seen)));
                self.people.spawn(read(turn, seen, Arc::clone(&self.store)));
            }
            // The same message was sent again, and its answer written anew.
            Ok(None) => assert!(self.done.contains(&Again)),
            Err(FollowError::Store(_)) => assert!(self.done.contains(&Break)),
            Err(error) => unreachable!("{error}"),
        }
    }

    async fn act(&mut self, action: Action) {
        match action {
            One | Two | End | Fail => self.to_do.push(action),
            Stop => {
                let may_have_ended = self.done.iter().any(|done| [End, Fail, Halt].contains(done));
                self.was_stopped |= self.chat.stop(&session("a"), None).await.unwrap() && !may_have_ended;
            }
            Leave => self.first.abort(),
            Attach => self.attach().await,
            Again => drop(self.send(Some(Again), message("hello", "first"))),
            Other => drop(self.send(Some(Other), message("and?", "second"))),
            Drain => self.chat.drain(),
            Halt => {
                let (chat, result) = (self.chat.clone(), Arc::clone(&self.shut_down));
                // Draining begins with the call, and not when its task comes to run.
                self.chat.drain();
                self.people.spawn(async move {
                    let is_stored = chat.shut_down(Duration::ZERO).await;
                    *result.lock().unwrap() = Some(is_stored);
                });
            }
            Break => self.store.fail_with(Some(StoreErrorKind::Unavailable)),
            Mend => self.store.fail_with(None),
        }
        self.done.push(action);
    }

    /// Lets the model do what it is to do, as far as it was called.
    fn speak(&mut self) {
        while let Some(mut call) = self.calls.next().now_or_never() {
            self.calls_taken += 1;
            if self.calls_taken == 1 {
                self.call = Some(call);
            } else {
                call.say(ANOTHER);
                call.end();
            }
        }
        let Some(mut call) = self.call.take() else { return };
        for action in self.to_do.drain(..) {
            match action {
                One | Two => {
                    let word = if action == One { "Zwölf " } else { "Boxkämpfer" };
                    self.said += word;
                    call.say(word);
                }
                End => return call.end(),
                _ => return call.fail(ModelError::new(ModelErrorKind::Unavailable, "the schedule wants it")),
            }
        }
        self.call = Some(call);
    }

    async fn pass(&mut self, pace: Pace) {
        match pace {
            Pace::Yields(times) => {
                for _ in 0..times {
                    self.speak();
                    yield_now().await;
                    self.observe();
                }
            }
            Pace::Second => {
                self.speak();
                sleep(Duration::from_millis(1100)).await;
            }
        }
        self.speak();
        self.observe();
    }

    /// What has to be so at any time.
    fn observe(&mut self) {
        let answers = self.store.answers();
        let is_running = |answer: &&Message| answer.status == MessageStatus::Streaming;
        assert!(answers.iter().filter(is_running).count() <= 1, "two answers are written at once");
        for answer in answers {
            assert!(self.is_said(&answer.text), "{answer:?}");
            if answer.status == MessageStatus::Complete {
                let is_whole =
                    answer.text == ANOTHER || (self.done.contains(&End) && answer.text == self.said);
                assert!(is_whole, "complete without its end: {answer:?}");
            }
            if answer.status != MessageStatus::Streaming {
                let known = self.ended.entry(answer.id).or_insert_with(|| answer.clone());
                assert_eq!(*known, answer, "an end was changed");
            }
        }
        for (_, seen) in &self.seen {
            assert!(self.is_said(&seen.lock().unwrap().text), "{seen:?}");
        }
    }

    fn is_said(&self, text: &str) -> bool {
        self.said.starts_with(text) || ANOTHER.starts_with(text)
    }

    /// Lets everything come to its end.
    async fn finish(&mut self) {
        self.store.fail_with(None);
        if !self.done.iter().any(|done| [End, Fail].contains(done)) {
            self.act(End).await;
        }
        for _ in 0..2 {
            self.pass(Pace::Yields(QUIET)).await;
            sleep(Duration::from_secs(10)).await;
        }
        self.observe();
    }

    /// What has to be so in the end, and what has become of the first message.
    fn judge(&self) -> Option<Message> {
        assert_eq!((self.chat.running(), self.chat.service.tasks.len()), (0, 0), "something still runs");
        let places: Vec<_> = (0..=PLACES).map_while(|_| self.chat.service.feeds.running.reserve()).collect();
        assert_eq!(places.len(), PLACES, "a place is lost, or there is one too many");
        let answers = self.store.answers();
        assert!(answers.iter().all(|answer| answer.status != MessageStatus::Streaming), "{answers:?}");
        assert_eq!(self.store.message_count(), answers.len() * 2);
        let messages = 1 + self.done.iter().filter(|done| [Again, Other].contains(done)).count();
        assert!(self.calls_taken <= messages, "the model is asked more often than a visitor asks");
        for (why, seen) in &self.seen {
            self.judge_reader(*why, &seen.lock().unwrap());
        }
        if self.done.contains(&Halt) {
            let is_stored = self.shut_down.lock().unwrap();
            assert!(*is_stored == Some(true) || self.done.contains(&Break), "{is_stored:?}");
        }
        let first = self.seen[0].1.lock().unwrap().answer.and_then(|answer| self.ended.get(&answer));
        if self.was_stopped {
            assert_eq!(first.map_or(answers[0].status, |first| first.status), MessageStatus::Stopped);
        }
        answers.first().cloned()
    }

    fn judge_reader(&self, why: Option<Action>, seen: &Seen) {
        if let Some(error) = &seen.refused {
            let is_expected = match error {
                SendError::Busy => why.is_some() && self.done.contains(&Other),
                SendError::ShuttingDown => self.done.iter().any(|done| [Drain, Halt].contains(done)),
                SendError::Store(_) => self.done.contains(&Break),
                SendError::Mismatch | SendError::Overloaded | SendError::Broken => false,
            };
            assert!(is_expected, "{why:?}: {error}");
            return;
        }
        let Some(end) = seen.end else {
            assert!(why.is_none() && self.done.contains(&Leave), "{why:?} was left without an end: {seen:?}");
            return;
        };
        let Some(last) = self.ended.get(&seen.answer.unwrap()) else {
            assert!(self.done.contains(&Again), "an answer is gone");
            return;
        };
        assert_eq!(seen.text, last.text, "what was shown is not what is stored");
        if end.failure == Some(TurnFailure::Storage) {
            assert!(self.done.contains(&Break));
            return;
        }
        assert_eq!((end.status, end.failure), (last.status, last.facts.failure));
        // Only an answer that has failed can be gone, because it was written anew.
        let was_stored = seen.stored.as_ref().map_or(last.may_be_replaced(), |stored| stored == last);
        assert!(was_stored, "the end was told before it was stored: {seen:?}");
    }
}

/// A step: an action or none, and what happens until the next one.
type Step = (Option<Action>, Pace);

/// Says which schedule it was if something is not as it has to be.
struct Named<'a>(&'a [Step]);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("The schedule was {:?}", self.0);
        }
    }
}

/// What the steps make of the first message's answer, if they do not fail the test.
async fn play(schedule: &[Step]) -> Option<Message> {
    let _named = Named(schedule);
    let mut play = Play::begin().await;
    for (action, pace) in schedule {
        if let Some(action) = action {
            play.act(*action).await;
        }
        play.pass(*pace).await;
    }
    play.finish().await;
    play.judge()
}

/// Plays a schedule, and without those who leave, which must make no difference.
async fn play_both(schedule: &[Step]) {
    let answer = play(schedule).await;
    if schedule.iter().any(|(action, _)| *action == Some(Leave)) {
        let stay = |(action, pace): &Step| (action.filter(|action| *action != Leave), *pace);
        let stayed: Vec<_> = schedule.iter().map(stay).collect();
        assert_eq!(answer, play(&stayed).await, "it makes a difference that somebody left: {schedule:?}");
    }
}

/// Whether a schedule says what another does not: a model that has ended is silent, and so on.
fn is_sensible(schedule: &[Action]) -> bool {
    let place = |action| schedule.iter().position(|other| *other == action);
    let is_after =
        |later, earlier| place(later).is_none_or(|at| place(earlier).is_some_and(|before| before < at));
    let last_word = place(End).or(place(Fail)).unwrap_or(schedule.len());
    is_after(Two, One)
        && is_after(Mend, Break)
        && !(place(End).is_some() && place(Fail).is_some())
        && [One, Two].into_iter().all(|word| place(word).is_none_or(|at| at < last_word))
}

/// All schedules of up to so many different actions.
fn schedules(length: usize) -> Vec<Vec<Action>> {
    let mut all = vec![Vec::new()];
    let mut begin = 0;
    for _ in 0..length {
        let end = all.len();
        for at in begin..end {
            for action in ALL.into_iter().filter(|action| !all[at].contains(action)).collect::<Vec<_>>() {
                let longer: Vec<_> = all[at].iter().copied().chain([action]).collect();
                all.push(longer);
            }
        }
        begin = end;
    }
    all.retain(|schedule| is_sensible(schedule));
    all
}

#[tokio::test(start_paused = true)]
async fn in_every_order_of_events_a_turn_ends_once_and_is_shown_as_it_is_stored() {
    let (length, paces) = Effort::asked().pick((3, &PACES[..3]), (4, &PACES[..]));
    let schedules = schedules(length);
    for schedule in &schedules {
        for &pace in paces {
            play_both(&schedule.iter().map(|action| (Some(*action), pace)).collect::<Vec<_>>()).await;
        }
    }
    println!("{} schedules", schedules.len() * paces.len());
}

#[tokio::test(start_paused = true)]
async fn in_long_and_uneven_orders_of_events_too() {
    let (mut dice, count) = (Dice::new(SEED), Effort::asked().pick(200, 5_000));
    let mut played = 0;
    while played < count {
        let mut left = ALL.to_vec();
        let schedule: Vec<_> = (0..8).map(|_| left.remove(dice.below(left.len()))).collect();
        if !is_sensible(&schedule) {
            continue;
        }
        play_both(
            &schedule
                .into_iter()
                .map(|action| (Some(action), PACES[dice.below(PACES.len())]))
                .collect::<Vec<_>>(),
        )
        .await;
        played += 1;
    }
}
