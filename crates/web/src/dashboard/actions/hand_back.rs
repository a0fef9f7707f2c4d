use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use frontdesk_core::HandBack;

use super::super::Dashboard;
use super::super::conversations::{Remark, back, conversation_id, show};
use super::super::session::Operator;
use super::taken_by;
use crate::extract::{PathText, Query};
use crate::{ApiError, Code};

/// Lets the AI answer again.
pub(in super::super) async fn form(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
    PathText(conversation): PathText,
    query: Query,
) -> Result<Response, ApiError> {
    let conversation = conversation_id(&conversation)?;
    let ports = &dashboard.ports;
    let done = ports.inbox.hand_back(dashboard.settings.site, conversation, operator.name.clone()).await?;
    match done.ok_or(Code::ConversationNotFound)? {
        HandBack::Done | HandBack::NotTaken => back(&query, conversation, None),
        HandBack::TakenBy(other) => {
            let notice = Some(taken_by(&other, ports.clock.now()));
            show(&dashboard, &operator, conversation, &query, Remark { notice, ..Remark::default() }).await
        }
    }
}
