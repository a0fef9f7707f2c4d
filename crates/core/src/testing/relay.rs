use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::{broadcast, mpsc};

use crate::{AnswerNews, MessageId, NodeNews, Relay};

/// A relay within one process, for several services in it. It loses as much as it is told to.
#[derive(Debug)]
pub struct MemoryRelay {
    answers: Mutex<HashMap<MessageId, Told>>,
    news: broadcast::Sender<NodeNews>,
    /// Every how many pieces of news one is lost; 0 for none.
    loses: AtomicUsize,
    told: AtomicUsize,
}

#[derive(Debug, Default)]
struct Told {
    text: String,
    followers: Vec<mpsc::Sender<AnswerNews>>,
}

impl Default for MemoryRelay {
    fn default() -> Self {
        let (answers, news) = (Mutex::default(), broadcast::Sender::new(64));
        Self { answers, news, loses: AtomicUsize::new(0), told: AtomicUsize::new(0) }
    }
}

impl MemoryRelay {
    /// Loses every so many-th piece of news from here on; 1 loses all of it.
    pub fn lose_every(&self, count: usize) {
        self.loses.store(count, Ordering::Relaxed);
    }

    /// Forgets all texts.
    pub fn forget(&self) {
        self.lock().values_mut().for_each(|told| told.text.clear());
    }

    fn is_lost(&self) -> bool {
        let (loses, told) = (self.loses.load(Ordering::Relaxed), self.told.fetch_add(1, Ordering::Relaxed));
        loses > 0 && told.is_multiple_of(loses)
    }

    fn pass_on(&self, answer: MessageId, news: &AnswerNews) {
        if !self.is_lost() {
            let mut answers = self.lock();
            let followers = &mut answers.entry(answer).or_default().followers;
            followers.retain(|follower| !follower.is_closed());
            for follower in followers.iter() {
                // Who falls behind misses some of it.
                let _ = follower.try_send(news.clone());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<MessageId, Told>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Relay for MemoryRelay {
    async fn tell_text(&self, answer: MessageId, from: usize, text: &str) -> bool {
        let mut answers = self.lock();
        let known = &mut answers.entry(answer).or_default().text;
        if from == 0 {
            known.clear();
        }
        if known.len() != from {
            return false;
        }
        known.push_str(text);
        drop(answers);
        self.pass_on(answer, &AnswerNews::Text { from, text: text.to_owned() });
        true
    }

    async fn tell_end(&self, answer: MessageId) {
        self.pass_on(answer, &AnswerNews::End);
    }

    async fn tell(&self, news: NodeNews) {
        if !self.is_lost() {
            // Nobody may be listening.
            let _ = self.news.send(news);
        }
    }

    async fn text(&self, answer: MessageId) -> Option<String> {
        self.lock().get(&answer).map(|told| told.text.clone())
    }

    async fn follow(&self, answer: MessageId) -> mpsc::Receiver<AnswerNews> {
        let (sender, receiver) = mpsc::channel(16);
        self.lock().entry(answer).or_default().followers.push(sender);
        receiver
    }

    fn listen(&self) -> broadcast::Receiver<NodeNews> {
        self.news.subscribe()
    }
}
