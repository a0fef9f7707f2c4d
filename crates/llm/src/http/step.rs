use frontdesk_core::ModelEnd;

/// Where an event leaves the answer.
#[derive(Debug)]
pub(super) enum Step {
    /// It goes on.
    Going,
    /// Its words have ended; what it cost may follow.
    Ending,
    /// It has ended.
    End(ModelEnd),
}
