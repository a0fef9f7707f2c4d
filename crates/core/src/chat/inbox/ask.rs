//! A visitor asks for a person.

use super::{AskForPerson, Asked, Change, Decision, Inbox, Words, decided};
use crate::{
    BeginConversation, ConversationId, ConversationName, ConversationState, ConversationStatus,
    ConversationSummary, EventKind, PersonRequest, Role, SessionKey, StoreError, ThreadPage, preview,
    visitor_name,
};

/// Among how many of the newest messages the visitor's last one is looked for.
const LOOKED_AT: u32 = 20;

impl Inbox {
    pub(super) async fn ask(&self, session: SessionKey, ask: AskForPerson) -> Result<Asked, StoreError> {
        let AskForPerson { contact, is_away, visit } = ask;
        let (store, site) = (&self.feeds.store, session.site);
        let id = ConversationId::mint(&*self.clock, &*self.random);
        let begin = BeginConversation { session, id, visit, now: self.clock.now() };
        let conversation = store.begin_conversation(begin).await?;
        let decide = |it: &ConversationSummary| {
            let contact = contact.clone().or_else(|| it.state.contact.clone());
            let state = ConversationState { contact, ..it.state.clone() };
            let is_answered = it.state.answering.is_some();
            let is_waiting = it.state.status == ConversationStatus::NeedsPerson;
            if (is_answered || is_waiting) && state == it.state {
                return Decision::Keep(false);
            }
            if is_answered {
                return Decision::Change(Change { state, words: None, is_activity: false }, false);
            }
            let kind = if is_away { EventKind::Away } else { EventKind::Asked };
            let words = (!is_waiting).then(|| Words::event(kind, None));
            let state = ConversationState { status: ConversationStatus::NeedsPerson, ..state };
            Decision::Change(Change { state, words, is_activity: true }, true)
        };
        let is_asked = decided(self.change(site, conversation, decide).await?).unwrap_or(false);
        let name = ConversationName::Id(site, conversation);
        let Some((_, now)) = store.conversation(&name).await? else {
            return Ok(Asked { conversation, answering: None });
        };
        if is_asked {
            self.tell_team(&name, &now, is_away).await?;
        }
        Ok(Asked { conversation, answering: now.state.answering.map(|answering| answering.operator) })
    }

    async fn tell_team(
        &self,
        name: &ConversationName,
        conversation: &ConversationSummary,
        is_away: bool,
    ) -> Result<(), StoreError> {
        let Some(notifier) = &self.notifier else { return Ok(()) };
        let page = ThreadPage { before: None, limit: LOOKED_AT };
        let thread = self.feeds.store.thread(name.site(), conversation.id, page).await?;
        let messages = thread.map(|thread| thread.messages).unwrap_or_default();
        let said = messages.iter().rev().find(|message| message.role == Role::Visitor);
        let request = PersonRequest {
            site: name.site(),
            conversation: conversation.id,
            visitor: visitor_name(&conversation.session, conversation.identity.as_ref()),
            message: said.map_or_else(String::new, |message| preview(&message.text).to_owned()),
            contact: conversation.state.contact.clone(),
            page: conversation.visit.page.clone(),
            is_away,
            at: self.clock.now(),
        };
        notifier.person_asked(request).await;
        Ok(())
    }
}
