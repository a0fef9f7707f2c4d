use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::{Notifier, PersonRequest};

/// A notifier that keeps what it was told.
#[derive(Debug, Default)]
pub struct RecordingNotifier {
    requests: Mutex<Vec<PersonRequest>>,
}

impl RecordingNotifier {
    /// Who has asked for a person, in order.
    pub fn requests(&self) -> Vec<PersonRequest> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<PersonRequest>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Notifier for RecordingNotifier {
    async fn person_asked(&self, request: PersonRequest) {
        self.lock().push(request);
    }
}
