use crate::OperatorName;

/// Somebody types a message, or has ceased to. It is told and kept nowhere: who hears nothing more of it for
/// [`TYPING_LASTS`](crate::TYPING_LASTS) takes it for over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typing {
    /// Who.
    pub typist: Typist,
    /// Whether they do.
    pub is_typing: bool,
}

/// Who types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typist {
    /// The visitor.
    Visitor,
    /// An operator.
    Operator(OperatorName),
}
