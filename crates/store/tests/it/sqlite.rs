use std::path::PathBuf;
use std::sync::Arc;

use frontdesk_core::Store;
use frontdesk_core::testing::ManualClock;
use frontdesk_core::testing::suite::{Fixture, Reopen};
use frontdesk_store::{StoreUrl, open};

fn open_file(path: PathBuf) -> Arc<dyn Store> {
    open(&StoreUrl::Sqlite(path), &ManualClock::default()).unwrap()
}

async fn file() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/test.db");
    let store = open_file(path.clone());
    let reopen: Reopen = Box::new(move |store| {
        let path = path.clone();
        Box::pin(async move {
            drop(store);
            open_file(path)
        })
    });
    Fixture::new(store, Some(reopen), Box::new(folder)).await
}

frontdesk_core::store_suite!(file());

/// The dashboard may run as a process of its own beside the API.
mod two_processes {
    use frontdesk_core::testing::suite::{PAGE, session};

    use super::*;

    #[tokio::test]
    async fn both_write_and_see_what_the_other_wrote() {
        let f = file().await;
        let folder = f.keep.downcast_ref::<tempfile::TempDir>().unwrap();
        let other = open_file(folder.path().join("data/test.db"));
        let writing = async {
            for n in 0..50 {
                f.say(&session("a"), &format!("q{n}"), &format!("a{n}")).await;
            }
        };
        let other_writing = async {
            for n in 0..50 {
                let turn = f.turn(&session("b"), &format!("q{n}"));
                let ending = f.ending(turn.ids.answer, frontdesk_core::MessageStatus::Complete, "a");
                other.open_turn(turn).await.unwrap();
                other.close_turn(ending).await.unwrap();
            }
        };
        tokio::join!(writing, other_writing);
        for visitor in [session("a"), session("b")] {
            let here = f.store.session_thread(&visitor, PAGE).await.unwrap().unwrap();
            let there = other.session_thread(&visitor, PAGE).await.unwrap().unwrap();
            assert_eq!(here.messages.len(), 100);
            assert_eq!(here, there);
        }
    }
}

mod opening {
    use frontdesk_store::{OpenError, OpenSqliteError};

    use super::*;

    #[test]
    fn a_file_that_is_no_database_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "not a database, but long enough to be looked at as one").unwrap();
        let error = open(&StoreUrl::Sqlite(path.clone()), &ManualClock::default()).unwrap_err();
        assert!(matches!(error, OpenError::Sqlite(OpenSqliteError::Open { .. })), "{error}");
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("not a database"));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = open(&StoreUrl::Sqlite(file.join("x/test.db")), &ManualClock::default()).unwrap_err();
        assert!(matches!(error, OpenError::Sqlite(OpenSqliteError::Folder { .. })), "{error}");
        assert!(error.to_string().contains("file/x"), "{error}");
    }
}
