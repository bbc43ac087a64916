//! Sealed states and plans: they open to what they were, or not at all.

use mcpdeploy_engine::seal::{Document, Head, Identity, SealError, What};
use proptest::prelude::*;
use serde_json::Value;

use crate::seal_support::{
    FakeService, by_identity, by_passphrase, by_service, flips, head, mended, ring,
};

const CONTENT: &[u8] = b"{\"format\":1,\"lineage\":\"6f1c\",\"serial\":7}\n";

#[test]
fn each_key_alone_opens_what_is_sealed_with_all() {
    let (anna, ben) = (Identity::generate(), Identity::generate());
    let service = FakeService::new("key/1");
    let all = by_passphrase("correct horse battery")
        .with_recipient(anna.recipient().clone())
        .with_recipient(ben.recipient().clone())
        .with_service(service.clone());
    let sealed = ring(all).seal(What::State, &head(), CONTENT).unwrap();
    for alone in [
        by_passphrase("correct horse battery"),
        by_identity(&anna),
        by_identity(&ben),
        by_service(&service),
    ] {
        let opened = ring(alone).open(What::State, &sealed).unwrap().into_owned();
        assert_eq!(opened, CONTENT);
    }
}

#[test]
fn the_head_is_read_without_a_key() {
    let keys = by_passphrase("correct horse battery");
    let sealed = ring(keys).seal(What::Plan, &head(), CONTENT).unwrap();
    let Document::Sealed(envelope) = Document::read(What::Plan, &sealed).unwrap() else {
        panic!("it is sealed");
    };
    assert_eq!(*envelope.head(), head());
    assert_eq!(envelope.what(), What::Plan);
    // Any tool sees what it is.
    let json: Value = serde_json::from_slice(&sealed).unwrap();
    assert_eq!(json["sealed"], 1);
    assert_eq!(json["what"], "plan");
    assert_eq!(json["head"]["serial"], 7);
    assert_eq!(json["keys"][0]["by"], "passphrase");
}

#[test]
fn every_flipped_bit_is_noticed() {
    let identity = Identity::generate();
    let keys =
        by_identity(&identity).with_passphrase(crate::seal_support::passphrase("or else this"));
    // Also by who takes plain documents: damage makes no plain document of a sealed one.
    let ring = ring(keys).with_plain_fallback();
    let sealed = ring.seal(What::State, &head(), CONTENT).unwrap();
    for (at, flipped) in flips(&sealed) {
        let error = ring.open(What::State, &flipped).unwrap_err();
        // A format or a word that happens to be another is refused as that.
        let expected = matches!(
            error,
            SealError::Damaged(_) | SealError::Newer { .. } | SealError::Other { .. }
        );
        assert!(expected, "byte {at}: {error:?}");
    }
}

#[test]
fn a_flipped_bit_with_a_checksum_to_match_is_noticed() {
    let identity = Identity::generate();
    let sealed = ring(by_identity(&identity))
        .seal(What::State, &head(), CONTENT)
        .unwrap();
    let fresh = ring(by_identity(&identity)).with_plain_fallback();
    let body = sealed.len() - "\",\"check\":\"01234567\"}\n".len();
    // One bit of each byte: each try decrypts.
    for at in 0..body {
        let mut flipped = sealed.to_vec();
        flipped[at] ^= 1;
        let error = fresh.open(What::State, &mended(&flipped)).unwrap_err();
        let expected = match error {
            SealError::Altered(_) | SealError::Damaged(_) | SealError::Refused { .. } => true,
            SealError::Newer { .. } => sealed[at] == b'1',
            _ => false,
        };
        assert!(expected, "byte {at}: {error:?}");
    }
}

#[test]
fn what_is_cut_off_does_not_open() {
    let ring = ring(by_passphrase("correct horse battery")).with_plain_fallback();
    let sealed = ring.seal(What::State, &head(), CONTENT).unwrap();
    for end in 0..sealed.len() {
        let error = ring.open(What::State, &sealed[..end]).unwrap_err();
        assert!(
            matches!(error, SealError::Damaged(_)),
            "at {end}: {error:?}"
        );
    }
    let longer = [&sealed, &b"\n"[..]].concat();
    ring.open(What::State, &longer).unwrap_err();
}

#[test]
fn a_plan_is_no_state() {
    let ring = ring(by_passphrase("correct horse battery"));
    let sealed = ring.seal(What::Plan, &head(), CONTENT).unwrap();
    let error = ring.open(What::State, &sealed).unwrap_err();
    assert_eq!(error.to_string(), "this is an encrypted plan, not a state");
    // Nor does it become one by being called one.
    let text = String::from_utf8(sealed.into_owned()).unwrap();
    let called = mended(text.replace("\"plan\"", "\"state\"").as_bytes());
    let error = ring.open(What::State, &called).unwrap_err();
    assert!(matches!(error, SealError::Altered(_)), "{error:?}");
}

#[test]
fn parts_of_two_documents_make_no_third() {
    let ring = ring(by_passphrase("correct horse battery"));
    let seal = |serial| {
        let head = Head { serial, ..head() };
        let sealed = ring.seal(What::State, &head, CONTENT).unwrap();
        String::from_utf8(sealed.into_owned()).unwrap()
    };
    let (old, new) = (seal(7), seal(8));
    let at = |text: &str| text.find(",\"ciphertext\"").unwrap();
    let mixed = mended([&new[..at(&new)], &old[at(&old)..]].concat().as_bytes());
    let error = ring.open(What::State, &mixed).unwrap_err();
    assert!(matches!(error, SealError::Altered(_)), "{error:?}");
}

#[test]
fn a_newer_format_is_said_and_not_called_damage() {
    let ring = ring(by_passphrase("correct horse battery"));
    for newer in [
        "{\"sealed\":2,\"something\":\"else\"}\n",
        "{\"sealed\":4000000000}",
        "{\"sealed\": 2,\"ciphertext\":\"\",\"check\":\"01234567\"}\n",
    ] {
        let error = ring.open(What::State, newer.as_bytes()).unwrap_err();
        assert!(
            matches!(error, SealError::Newer { .. }),
            "{newer}: {error:?}"
        );
    }
    let error = ring.open(What::State, b"{\"sealed\":2}\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the encrypted state has format 2; this version of mcpdeploy knows 1 at most"
    );
}

#[test]
fn what_no_program_of_ours_wrote_is_damage_and_no_panic() {
    let ring = ring(by_passphrase("correct horse battery")).with_plain_fallback();
    let deep = format!(
        "{{\"sealed\":{}{}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    for hostile in [
        "{\"sealed\":1}\n",
        "{\"sealed\":0,\"ciphertext\":\"\",\"check\":\"00000000\"}\n",
        "{\"sealed\":-1}\n",
        "{\"sealed\":1,\"sealed\":1,\"ciphertext\":\"\",\"check\":\"00000000\"}\n",
        "{\"sealed\":1,\"what\":\"state\",\"head\":{\"lineage\":\"l\",\"serial\":-1},\"keys\":[],\"nonce\":\"\",\"ciphertext\":\"\",\"check\":\"00000000\"}\n",
        "\",\"check\":\"00000000\"}\n",
        &deep,
    ] {
        for bytes in [hostile.as_bytes().to_vec(), hostile_mended(hostile)] {
            let error = ring.open(What::State, &bytes).unwrap_err();
            assert!(matches!(error, SealError::Damaged(_)), "{error:?}");
        }
    }
}

fn hostile_mended(text: &str) -> Vec<u8> {
    if text.contains("\"check\":") {
        mended(text.as_bytes())
    } else {
        text.as_bytes().to_vec()
    }
}

#[test]
fn a_file_cannot_ask_for_more_work_than_there_is_memory() {
    let ring = ring(by_passphrase("correct horse battery"));
    let sealed = ring.seal(What::State, &head(), CONTENT).unwrap();
    let text = String::from_utf8(sealed.into_owned()).unwrap();
    for work in ["0", "21", "63", "255"] {
        let asking = text.replace("\"work\":1,", &format!("\"work\":{work},"));
        assert_ne!(asking, text);
        let fresh = crate::seal_support::ring(by_passphrase("correct horse battery"));
        let error = fresh
            .open(What::State, &mended(asking.as_bytes()))
            .unwrap_err();
        assert!(matches!(error, SealError::Refused { .. }), "{error:?}");
    }
}

#[test]
fn what_is_written_satisfies_its_schema() {
    let validator = |file: &str| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../state-schemas");
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
    };
    let (document, record) = (
        validator("sealed.v1.json"),
        validator("sealed-line.v1.json"),
    );
    let identity = Identity::generate();
    let run = ring(
        by_passphrase("correct horse battery")
            .with_recipient(identity.recipient().clone())
            .with_service(FakeService::new("key/1")),
    );
    let (first, mut sealer) = run.begin_journal(&head(), b"{}").unwrap();
    let state = run.seal(What::State, &head(), CONTENT).unwrap();
    for line in [&state[..], &first] {
        let json: Value = serde_json::from_slice(line).unwrap();
        assert!(document.is_valid(&json), "{json:#}");
        assert!(!record.is_valid(&json), "{json:#}");
        for field in [
            "sealed",
            "what",
            "head",
            "keys",
            "nonce",
            "ciphertext",
            "check",
        ] {
            let mut less = json.clone();
            less.as_object_mut().unwrap().remove(field);
            assert!(!document.is_valid(&less), "without {field}");
        }
    }
    let json: Value = serde_json::from_slice(&sealer.seal(b"{}")).unwrap();
    assert!(record.is_valid(&json), "{json:#}");
}

/// Sealed by another program from the words of the decision record, with other libraries.
#[test]
fn a_document_that_another_program_sealed_opens() {
    let read = |name: &str| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sealed");
        std::fs::read(folder.join(name)).unwrap()
    };
    let identities = String::from_utf8(read("identity.txt")).unwrap();
    let identity = Identity::read_all(&identities).unwrap().remove(0);
    for keys in [
        by_identity(&identity),
        by_passphrase("an example passphrase"),
    ] {
        let ring = ring(keys);
        let content = ring
            .open(What::State, &read("state.json"))
            .unwrap()
            .into_owned();
        let state = mcpdeploy_engine::store::parse_state(&content).unwrap();
        assert_eq!((state.lineage.as_str(), state.serial), ("an-example", 3));
        let journal = read("journal.jsonl");
        let opened = ring.open_journal(&journal).unwrap();
        assert_eq!(
            opened.text,
            &b"{\"one\":1}\n{\"two\":2}\n{\"three\":3}\n"[..]
        );
        assert!(!opened.torn);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn what_was_sealed_is_what_opens(
        content in proptest::collection::vec(any::<u8>(), 0..3000),
        lineage in ".{0,40}",
        serial in any::<u64>(),
    ) {
        let head = Head { lineage, serial };
        let run = ring(by_passphrase("correct horse battery"));
        let sealed = run.seal(What::State, &head, &content).unwrap();
        let again = run.seal(What::State, &head, &content).unwrap();
        prop_assert_ne!(&sealed, &again, "the same content looks otherwise each time");
        let later = ring(by_passphrase("correct horse battery"));
        prop_assert_eq!(&later.open(What::State, &sealed).unwrap()[..], &content[..]);
        let Document::Sealed(envelope) = Document::read(What::State, &sealed).unwrap() else {
            panic!("it is sealed");
        };
        prop_assert_eq!(envelope.head(), &head);
    }

    #[test]
    fn any_bytes_are_an_error_or_plain_and_no_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        start in 0_usize..4,
    ) {
        let starts = ["", "{\"sealed\":", "{\"sealed\":1,", "{\"sealed\":1,\"what\":\"state\",\"head\":{}"];
        let bytes = [starts[start].as_bytes(), &bytes].concat();
        let run = ring(by_passphrase("correct horse battery"));
        prop_assert!(run.open(What::State, &bytes).is_err());
        let _ = run.with_plain_fallback().open_journal(&bytes);
    }
}
