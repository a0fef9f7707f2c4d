use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use frontdesk_core::{OperatorName, TakeOver};

use super::super::Dashboard;
use super::super::conversations::{Remark, back, conversation_id, show};
use super::super::form::Form;
use super::super::session::Operator;
use super::taken_by;
use crate::extract::{PathText, Query};
use crate::{ApiError, Code};

/// Puts the operator in the AI's place; in another operator's if the form names them.
pub(in super::super) async fn form(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
    PathText(conversation): PathText,
    query: Query,
    form: Form,
) -> Result<Response, ApiError> {
    let conversation = conversation_id(&conversation)?;
    let (site, ports) = (dashboard.settings.site, &dashboard.ports);
    let from = OperatorName::parse(form.text("from")).ok();
    let taken = ports.inbox.take_over(site, conversation, operator.name.clone(), from).await?;
    match taken.ok_or(Code::ConversationNotFound)? {
        TakeOver::Taken | TakeOver::Yours => back(&query, conversation, None),
        TakeOver::TakenBy(other) => {
            let notice = Some(taken_by(&other, ports.clock.now()));
            show(&dashboard, &operator, conversation, &query, Remark { notice, ..Remark::default() }).await
        }
    }
}
