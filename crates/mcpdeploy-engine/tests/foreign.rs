//! Files of newer versions, of other tools, of nobody's: an error that says so, and not a byte of
//! them is changed.

use mcpdeploy_engine::journal::JournalError;
use mcpdeploy_engine::plan::{Plan, PlanFileError};
use mcpdeploy_engine::store::{StoreError, parse_state};
use mcpdeploy_testkit::{Failed, Lab};
use serde_json::json;

use crate::scenes::mixed;

const TERRAFORM: &str = r#"{"version": 4, "terraform_version": "1.13.0", "serial": 3, "lineage": "l", "outputs": {}, "resources": [], "check_results": null}"#;
const PULUMI: &str = r#"{"version": 3, "checkpoint": {"stack": "s", "latest": {"resources": []}}}"#;

async fn deployed() -> Lab {
    let mut lab = Lab::new();
    lab.converge(&mixed().desired).await;
    lab
}

fn put(lab: &Lab, name: &str, text: &[u8]) {
    use std::io::Write as _;
    let mut file = std::fs::File::create(lab.folder().join(name)).unwrap();
    file.write_all(text).unwrap();
}

/// Everything that one can do fails, with an error of the store, and the file stays.
async fn refused(lab: &mut Lab, name: &str, text: &[u8]) -> StoreError {
    let kept = std::fs::read(lab.folder().join(name)).ok();
    put(lab, name, text);
    let files = lab.files();
    let stack = mixed();
    let results = [
        lab.plan(&stack.desired).await.map(drop),
        lab.run(&stack.desired).await.map(drop),
        lab.destroy(&stack.desired).await.map(drop),
    ];
    let mut last = None;
    for result in results {
        match result {
            Err(Failed::Store(error)) => last = Some(error),
            other => panic!("{name}: {other:?}"),
        }
    }
    let now = lab
        .files()
        .into_iter()
        .filter(|(name, _)| name != "state.lock");
    let files = files.into_iter().filter(|(name, _)| name != "state.lock");
    assert!(now.eq(files), "{name}: something was written");
    match kept {
        Some(bytes) => put(lab, name, &bytes),
        None => std::fs::remove_file(lab.folder().join(name)).unwrap(),
    }
    last.unwrap()
}

#[tokio::test(start_paused = true)]
async fn states_that_are_none() {
    let mut lab = deployed().await;
    let sound = std::fs::read_to_string(lab.state_path()).unwrap();
    let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
    let with = |from: &str, to: &str| {
        let changed = sound.replacen(from, to, 1);
        assert_ne!(changed, sound, "{from}");
        changed
    };
    let texts = [
        String::new(),
        "null".to_owned(),
        "{}".to_owned(),
        TERRAFORM.to_owned(),
        PULUMI.to_owned(),
        "\u{feff}{}".to_owned(),
        "\0".repeat(4096),
        "x".repeat(8 << 20),
        deep.clone(),
        with("\"inputs\": {", &format!("\"inputs\": {{\"x\": {deep},")),
        with("\"format\": 1", "\"format\": 1, \"format\": 1"),
        with("\"format\": 1", "\"format\": -1"),
        with("\"format\": 1", "\"format\": 1e0"),
        with("\"serial\": 1", "\"serial\": 18446744073709551615"),
        with("\"serial\": 1", "\"serial\": 99999999999999999999"),
        with(
            "\"inputs\": {",
            "\"inputs\": {\"name\": \"a\", \"name\": \"b\",",
        ),
        with("\"fake.child.c\": {", "\"fake.child.e\": {"),
        with("\"fake.child.c\"", "\"not an address\""),
        format!("{sound}{sound}"),
    ];
    for text in texts {
        let error = refused(&mut lab, "state.json", text.as_bytes()).await;
        assert!(matches!(error, StoreError::Unreadable { .. }), "{error:?}");
    }
    for end in (0..sound.trim_end().len()).step_by(211) {
        let error = refused(&mut lab, "state.json", &sound.as_bytes()[..end]).await;
        assert!(matches!(error, StoreError::Unreadable { .. }), "{error:?}");
    }
    let newer = with("\"format\": 1", "\"format\": 7, \"new\": {\"x\": 1}");
    let error = refused(&mut lab, "state.json", newer.as_bytes()).await;
    assert!(
        matches!(error, StoreError::Newer { found: 7, .. }),
        "{error:?}"
    );
    lab.check(&mixed().desired).await;
}

#[tokio::test(start_paused = true)]
async fn journals_that_are_none() {
    let mut lab = deployed().await;
    for text in [
        "notes of somebody",
        "notes of somebody\n",
        TERRAFORM,
        "{}\n",
        "{\"seq\":0}\n",
        "\n",
        "{\"seq\":0,\"record\":{\"begun\":{}},\"crc\":\"00000000\"}\n",
        &"x".repeat(4 << 20),
        &"[".repeat(100_000),
        &"{\"seq\":0,\"record\":{\"begun\":\n".repeat(3),
    ] {
        let error = refused(&mut lab, "journal.jsonl", text.as_bytes()).await;
        let damaged = matches!(
            error,
            StoreError::Journal(JournalError::Damaged { line: 1, .. })
        );
        assert!(damaged, "{error:?}");
    }
    lab.check(&mixed().desired).await;
}

#[tokio::test(start_paused = true)]
async fn plans_that_are_none() {
    let mut lab = Lab::new();
    let plan = lab.plan(&mixed().desired).await.unwrap();
    let sound = serde_json::to_string(&plan).unwrap();
    assert_eq!(Plan::from_slice(sound.as_bytes()).unwrap(), plan);
    let deep = "[".repeat(200_000);
    let twice = sound.replacen(
        "\"inputs\":{",
        "\"inputs\":{\"name\":\"a\",\"name\":\"b\",",
        1,
    );
    let unknown = sound.replacen("\"format\":1", "\"format\":1,\"new\":true", 1);
    for text in [
        "",
        "[]",
        TERRAFORM,
        PULUMI,
        &deep,
        &twice,
        &unknown,
        &sound[..500],
    ] {
        let error = Plan::from_slice(text.as_bytes()).unwrap_err();
        assert!(matches!(error, PlanFileError::Unreadable(_)), "{error:?}");
    }
    let mut newer = json!({"format": 2});
    newer["new"] = json!({});
    let error = Plan::from_slice(newer.to_string().as_bytes()).unwrap_err();
    assert!(matches!(error, PlanFileError::Newer(2)), "{error:?}");
}

/// A plan whose records do not fit the state is refused before anything is written: a journal that
/// no run could read would stop every one after it.
#[tokio::test(start_paused = true)]
async fn a_plan_that_does_not_fit_leaves_nothing_behind() {
    let mut lab = deployed().await;
    let mut changed = mixed();
    changed.at("fake.tagged.t").inputs["size"] = json!(8);
    let theirs = lab.plan(&changed.desired).await.unwrap();
    let mut other = Lab::new();
    let mut plan = other.plan(&mixed().desired).await.unwrap();
    plan.preamble = theirs.preamble;
    plan.preamble
        .push(mcpdeploy_engine::record::Record::Observed {
            address: crate::support::address("fake.named.nobody"),
            slot: mcpdeploy_engine::record::Slot::Current,
            inputs: json!({}),
            outputs: json!({}),
        });
    assert!(matches!(other.apply(&plan).await, Err(Failed::Apply(_))));
    assert!(!other.journal_path().exists());
    other.converge(&mixed().desired).await;
}

/// Somebody put a reference where the state has values: no kind is called with it.
#[tokio::test(start_paused = true)]
async fn a_state_with_references_in_it_is_an_error() {
    let mut lab = deployed().await;
    let mut state = json!(lab.state().unwrap());
    let inputs = &mut state["resources"]["fake.child.c"]["current"]["inputs"];
    inputs["parent"] = json!({"$ref": "fake.named.base#/uid"});
    let text = state.to_string();
    parse_state(text.as_bytes()).unwrap();
    put(&lab, "state.json", text.as_bytes());
    for result in [
        lab.run(&mixed().desired).await,
        lab.destroy(&mixed().desired).await,
    ] {
        let error = result.unwrap_err().to_string();
        assert!(error.contains("references in them"), "{error}");
    }
}
