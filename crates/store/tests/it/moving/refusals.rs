//! What is refused before anything is moved.

use super::*;

fn pair() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from.db"), folder.path().join("to/to.db"));
    drop(open(&sqlite(&from), &ManualClock::default()).unwrap());
    (folder, from, to)
}

#[test]
fn a_store_is_not_moved_to_itself() {
    let (folder, from, _) = pair();
    let detour = folder.path().join("to/../from.db");
    fs::create_dir(folder.path().join("to")).unwrap();
    let error = moved(&sqlite(&from), &sqlite(&detour)).unwrap_err();
    assert!(matches!(error, MoveError::Same), "{error}");
}

#[test]
fn what_does_not_exist_is_not_made() {
    let (folder, _, to) = pair();
    let missing = folder.path().join("missing/from.db");
    let error = moved(&sqlite(&missing), &sqlite(&to)).unwrap_err();
    assert!(error.to_string().contains("there is no database at"), "{error}");
    assert!(!missing.parent().unwrap().exists() && !to.exists());
}

#[test]
fn nobody_may_serve_either_of_them() {
    let (_folder, from, to) = pair();
    let held = lock_for_api(&sqlite(&from)).unwrap();
    let error = moved(&sqlite(&from), &sqlite(&to)).unwrap_err();
    assert!(matches!(error, MoveError::SourceInUse(_)), "{error}");
    drop(held);
    let held = lock_for_api(&sqlite(&to)).unwrap();
    let error = moved(&sqlite(&from), &sqlite(&to)).unwrap_err();
    assert!(matches!(error, MoveError::TargetInUse(_)), "{error}");
    drop(held);
    moved(&sqlite(&from), &sqlite(&to)).unwrap();
}

/// Shows that a node lives, every half a second, as long as `during` takes.
fn while_a_node_lives<T>(url: &StoreUrl, during: impl FnOnce() -> T) -> T {
    let store = open(url, &ManualClock::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let node = NodeId::from_bytes([5; 16]);
    runtime.block_on(store.beat(node, ManualClock::default().now())).unwrap();
    let beating = runtime.spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let _ = store.beat(node, ManualClock::default().now()).await;
        }
    });
    let done = during();
    beating.abort();
    done
}

#[test]
fn a_server_that_works_with_a_shared_store_is_noticed_and_one_that_died_is_not_waited_for() {
    let Some(server) = server() else { return };
    let (folder, from, _) = pair();
    let (_, shared) = postgres(server);
    let copy = sqlite(&folder.path().join("copy.db"));
    let error = while_a_node_lives(&shared, || moved(&shared, &copy).unwrap_err());
    assert!(matches!(error, MoveError::SourceInUse(_)), "{error}");
    assert!(error.to_string().contains("stop the server"), "{error}");
    assert!(!folder.path().join("copy.db").exists(), "it was begun all the same");
    moved(&shared, &copy).unwrap();

    let (_, shared) = postgres(server);
    let error = while_a_node_lives(&shared, || moved(&sqlite(&from), &shared).unwrap_err());
    assert!(matches!(error, MoveError::TargetInUse(_)), "{error}");
    moved(&sqlite(&from), &shared).unwrap();
}

#[test]
fn a_server_that_works_with_convex_is_noticed_too() {
    let Some(deployment) = ConvexDeployment::start() else { return };
    let (_folder, from, _) = pair();
    let shared = convex(&deployment);
    let error = while_a_node_lives(&shared, || moved(&sqlite(&from), &shared).unwrap_err());
    assert!(matches!(error, MoveError::TargetInUse(_)), "{error}");
}

#[test]
fn what_has_data_already_is_left_alone() {
    let (folder, from, _) = pair();
    let full = folder.path().join("full.db");
    varied(&full);
    let before = dump(&full);
    let error = moved(&sqlite(&from), &sqlite(&full)).unwrap_err();
    assert!(matches!(error, MoveError::NotEmpty { what: "conversations", .. }), "{error}");
    assert!(dump(&full) == before);
    // A copy that is whole is full too.
    let copy = folder.path().join("copy.db");
    moved(&sqlite(&full), &sqlite(&copy)).unwrap();
    let error = moved(&sqlite(&full), &sqlite(&copy)).unwrap_err();
    assert!(matches!(error, MoveError::NotEmpty { .. }), "{error}");
}

#[test]
fn half_a_copy_is_not_served_and_not_mixed_with_another() {
    let (folder, from, to) = pair();
    drop(open(&sqlite(&to), &ManualClock::default()).unwrap());
    let mark = format!("- - {}", sqlite(&from.canonicalize().unwrap()));
    Connection::open(&to)
        .unwrap()
        .execute("INSERT INTO settings VALUES ('unfinished_move', ?)", [mark])
        .unwrap();
    let error = open(&sqlite(&to), &ManualClock::default()).unwrap_err();
    assert!(matches!(error, OpenError::Sqlite(frontdesk_store::OpenSqliteError::Unfinished)), "{error}");
    let other = folder.path().join("other.db");
    drop(open(&sqlite(&other), &ManualClock::default()).unwrap());
    let error = moved(&sqlite(&other), &sqlite(&to)).unwrap_err();
    assert!(matches!(error, MoveError::OtherMove { .. }), "{error}");
    moved(&sqlite(&from), &sqlite(&to)).unwrap();
    open(&sqlite(&to), &ManualClock::default()).unwrap();
}

#[test]
fn half_a_copy_on_a_server_is_not_served_either() {
    if let Some(server) = server() {
        let (name, url) = postgres(server);
        server.execute(&name, "INSERT INTO settings VALUES ('unfinished_move', '- - sqlite:/x')");
        let error = open(&url, &ManualClock::default()).unwrap_err();
        let is_refused = matches!(error, OpenError::Postgres(frontdesk_store::OpenPostgresError::Unfinished));
        assert!(is_refused, "{error}");
    }
}

/// What the source has changed since the move was broken off.
#[test]
fn a_source_that_has_changed_meanwhile_is_found_out() {
    let (folder, _, to) = pair();
    let from = folder.path().join("full.db");
    varied(&from);
    moved(&sqlite(&from), &sqlite(&to)).unwrap();
    let connection = Connection::open(&to).unwrap();
    let last = "SELECT lower(hex(site_id)) || ' ' || lower(hex(id)) FROM conversations
                WHERE site_id = (SELECT max(id) FROM sites) ORDER BY id DESC LIMIT 1";
    let last: String = connection.query_row(last, [], |row| row.get(0)).unwrap();
    let hyphenated = |hex: &str| [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
    let (site, id) = last.split_once(' ').unwrap();
    let name = sqlite(&from.canonicalize().unwrap());
    let mark = format!("{} {} {name}", hyphenated(site), hyphenated(id));
    connection.execute("INSERT INTO settings VALUES ('unfinished_move', ?)", [mark]).unwrap();
    drop(connection);
    let change = "UPDATE messages SET text = 'canary' WHERE id = (SELECT min(id) FROM messages)";
    Connection::open(&from).unwrap().execute(change, []).unwrap();
    let error = moved(&sqlite(&from), &sqlite(&to)).unwrap_err();
    assert!(matches!(error, MoveError::Differs { .. }), "{error}");
    assert!(!error.to_string().contains("canary"), "{error}");
    assert!(open(&sqlite(&to), &ManualClock::default()).is_err(), "half a copy is served");
}
