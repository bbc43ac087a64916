//! Which keys seal and which open: rotation, fallbacks, wrong keys, and what is said of them.

use std::error::Error as _;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use mcpdeploy_engine::seal::{
    Document, IDENTITY_VARIABLE, Identity, Keyring, KeyringError, Keys, PASSPHRASE_VARIABLE,
    Passphrase, Recipient, SealError, What,
};
use serde_json::Value;

use crate::seal_support::{
    FakeService, by_identity, by_passphrase, by_service, head, passphrase, ring,
};

const OLD: &str = "correct horse battery";
const NEW: &str = "a staple of tomorrow";

fn seal(ring: &Keyring) -> Vec<u8> {
    ring.seal(What::State, &head(), b"content")
        .unwrap()
        .into_owned()
}

#[track_caller]
fn opens(ring: &Keyring, sealed: &[u8]) {
    assert_eq!(ring.open(What::State, sealed).unwrap(), &b"content"[..]);
}

#[track_caller]
fn rotates(ring: &Keyring, sealed: &[u8]) -> bool {
    ring.needs_rotation(&Document::read(What::State, sealed).unwrap())
}

#[test]
fn a_new_passphrase_rotates_through_a_fallback() {
    let old = seal(&ring(by_passphrase(OLD)));
    let both = ring(by_passphrase(NEW)).with_fallback(by_passphrase(OLD));
    opens(&both, &old);
    assert!(rotates(&both, &old));
    let new = seal(&both);
    assert!(!rotates(&both, &new));
    // From then on the old one is of no use, and the new one is enough.
    opens(&ring(by_passphrase(NEW)), &new);
    assert!(ring(by_passphrase(OLD)).open(What::State, &new).is_err());
}

#[test]
fn encryption_is_introduced_and_given_up() {
    let introducing = ring(by_passphrase(OLD)).with_plain_fallback();
    opens(&introducing, b"content");
    assert!(rotates(&introducing, b"content"));
    let sealed = seal(&introducing);
    assert!(!rotates(&introducing, &sealed));

    let giving_up = Keyring::plain().with_fallback(by_passphrase(OLD));
    opens(&giving_up, &sealed);
    assert!(rotates(&giving_up, &sealed));
    assert_eq!(seal(&giving_up), b"content");
    assert!(!rotates(&giving_up, b"content"));
    assert!(introducing.seals() && !giving_up.seals());
}

#[test]
fn each_difference_of_keys_rotates() {
    let (anna, ben) = (Identity::generate(), Identity::generate());
    let (one, two) = (FakeService::new("key/1"), FakeService::new("key/2"));
    let with_ben = || by_identity(&anna).with_recipient(ben.recipient().clone());
    let sets: Vec<(&str, Keys)> = vec![
        ("anna", by_identity(&anna)),
        ("anna and ben", with_ben()),
        ("ben", by_identity(&ben)),
        ("a passphrase", by_passphrase(OLD)),
        ("another passphrase", by_passphrase(NEW)),
        (
            "both passphrases",
            by_passphrase(OLD).with_passphrase(passphrase(NEW)),
        ),
        (
            "more work",
            Keys::new().with_passphrase(passphrase(OLD).with_work(2)),
        ),
        ("a service", by_service(&one)),
        ("another key of it", by_service(&two)),
        (
            "anna and a passphrase",
            by_identity(&anna).with_passphrase(passphrase(OLD)),
        ),
    ];
    for (by, sealing) in &sets {
        let sealed = seal(&ring(sealing.clone()));
        for (now, keys) in &sets {
            assert_eq!(
                rotates(&ring(keys.clone()), &sealed),
                by != now,
                "{by}, {now}"
            );
        }
    }
    // The order in which they are named makes no difference, nor does naming one twice.
    let turned = by_identity(&ben).with_recipient(anna.recipient().clone());
    assert!(!rotates(&ring(turned), &seal(&ring(with_ben()))));
    let twice = by_identity(&anna).with_recipient(anna.recipient().clone());
    assert!(!rotates(&ring(twice), &seal(&ring(by_identity(&anna)))));
}

#[test]
fn a_key_has_several_names_in_a_service() {
    let sealed = seal(&ring(by_service(&FakeService::new("alias/state"))));
    let renamed = ring(by_service(&FakeService::new("key/1")));
    opens(&renamed, &sealed);
    assert!(rotates(&renamed, &sealed));
}

#[test]
fn a_service_is_asked_once_to_seal_and_once_to_open() {
    let service = FakeService::new("key/1");
    let run = ring(by_service(&service));
    let sealed: Vec<Vec<u8>> = (0..5).map(|_| seal(&run)).collect();
    run.begin_journal(&head(), b"{}").unwrap();
    assert_eq!(service.wraps.load(Ordering::Relaxed), 1);
    // What a run sealed, it opens without asking.
    sealed.iter().for_each(|sealed| opens(&run, sealed));
    assert_eq!(service.unwraps.load(Ordering::Relaxed), 0);
    let later = ring(by_service(&service));
    sealed.iter().for_each(|sealed| opens(&later, sealed));
    assert_eq!(service.unwraps.load(Ordering::Relaxed), 1);
}

fn entry(sealed: &[u8]) -> Value {
    let json: Value = serde_json::from_slice(sealed).unwrap();
    json["keys"][0].clone()
}

#[test]
fn a_run_derives_a_passphrase_once_and_still_has_its_own_data_key() {
    let old = seal(&ring(by_passphrase(OLD)));
    let run = ring(by_passphrase(OLD));
    opens(&run, &old);
    let new = seal(&run);
    // One salt is one derivation; the data key that is wrapped under it is another one.
    assert_eq!(entry(&old)["salt"], entry(&new)["salt"]);
    assert_ne!(entry(&old)["wrapped"], entry(&new)["wrapped"]);
    assert_ne!(entry(&old)["nonce"], entry(&new)["nonce"]);
    // Who has nothing to take a salt from draws one.
    assert_ne!(
        entry(&old)["salt"],
        entry(&seal(&ring(by_passphrase(OLD))))["salt"]
    );
}

/// Everybody knows a recipient, so everybody can seal for it.
#[test]
fn who_slips_in_a_document_learns_nothing_of_those_after_it() {
    let (victim, stranger) = (Identity::generate(), Identity::generate());
    let slipping = ring(by_identity(&stranger).with_recipient(victim.recipient().clone()));
    let slipped = seal(&slipping);
    let run = ring(by_identity(&victim));
    opens(&run, &slipped);
    let error = slipping.open(What::State, &seal(&run)).unwrap_err();
    assert!(matches!(error, SealError::Refused { .. }), "{error:?}");
}

#[test]
fn a_wrong_key_is_said_for_what_it_is() {
    let (anna, ben) = (Identity::generate(), Identity::generate());
    let service = FakeService::new("key/1");
    let denying = FakeService::denying("key/1");
    let said = |sealed: Keys, given: Keys| {
        let error = ring(given)
            .open(What::State, &seal(&ring(sealed)))
            .unwrap_err();
        let mut text = error.to_string();
        for hint in error.hints() {
            write!(text, "\n- {hint}").unwrap();
        }
        if let Some(source) = error.source() {
            write!(text, "\n: {source}").unwrap();
        }
        text
    };
    let fallback = "- when the keys were changed, name the old ones under `fallback` in `[state.encryption]` of deploy.toml";
    let to = "no key that is given opens the encrypted state";
    assert_eq!(
        said(by_passphrase(OLD), by_passphrase(NEW)),
        format!("{to}: a passphrase is not the one that is given\n{fallback}")
    );
    let name = anna.recipient();
    assert_eq!(
        said(by_identity(&anna), by_identity(&ben)),
        format!(
            "{to}: the age identity of {name} is not given\n- set {IDENTITY_VARIABLE} to the identity of {name} or to the path of its file, and the recipient in `recipients` in `[state.encryption]` of deploy.toml\n{fallback}"
        )
    );
    assert_eq!(
        said(
            by_passphrase(OLD).with_service(service.clone()),
            by_service(&denying)
        ),
        format!(
            "{to}: a passphrase is not given; the fake-kms key key/1 could not be used\n- set `passphrase = true` in `[state.encryption]` of deploy.toml and the passphrase in {PASSPHRASE_VARIABLE}\n{fallback}\n: access denied by the fake"
        )
    );
    assert_eq!(
        said(by_service(&service), by_passphrase(OLD)),
        format!(
            "{to}: the fake-kms key key/1 is not given\n- set the fake-kms key key/1 in `[state.encryption]` of deploy.toml\n{fallback}"
        )
    );
}

#[test]
fn no_key_at_all_says_what_is_missing() {
    let anna = Identity::generate();
    let sealed = seal(&ring(by_identity(&anna).with_passphrase(passphrase(OLD))));
    let error = Keyring::plain().open(What::State, &sealed).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the state is encrypted and no key is given; it opens with the age identity of {}; a passphrase",
            anna.recipient()
        )
    );
    let hints = error.hints().join("\n");
    assert!(hints.contains(IDENTITY_VARIABLE) && hints.contains(PASSPHRASE_VARIABLE));
    assert!(hints.contains("[state.encryption]"));
}

#[test]
fn what_is_not_sealed_is_not_taken() {
    let error = ring(by_passphrase(OLD))
        .open(What::Plan, b"{\"format\":1}")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the plan is not encrypted, but encryption is asked for"
    );
    assert!(error.hints()[0].contains("fallback.plain = true"));
}

#[test]
fn a_service_that_refuses_seals_nothing() {
    let denying = FakeService::denying("key/1");
    let run = ring(by_service(&denying));
    let error = run.seal(What::State, &head(), b"content").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the fake-kms key key/1 did not encrypt the data key"
    );
    assert_eq!(
        error.source().unwrap().to_string(),
        "access denied by the fake"
    );
    assert!(run.begin_journal(&head(), b"{}").is_err());
}

#[test]
fn keys_that_seal_what_they_cannot_open_make_no_keyring() {
    let (anna, ben) = (Identity::generate(), Identity::generate());
    let refused = |keys| Keyring::new(keys).map(drop).unwrap_err();
    assert_eq!(refused(Keys::new()), KeyringError::NothingSeals);
    assert_eq!(
        refused(Keys::new().with_identity(anna.clone())),
        KeyringError::NothingSeals
    );
    let only_seals = Keys::new().with_recipient(anna.recipient().clone());
    assert!(matches!(
        refused(only_seals.clone()),
        KeyringError::NothingOpens(_)
    ));
    let error = refused(only_seals.clone().with_identity(ben));
    assert!(
        error.to_string().contains(&anna.recipient().to_string()),
        "{error}"
    );
    ring(only_seals.with_identity(anna));
}

#[test]
fn keys_are_read_as_people_write_them() {
    let identity = Identity::generate();
    let recipient: Recipient = format!(" {}\n", identity.recipient()).parse().unwrap();
    assert_eq!(recipient, *identity.recipient());
    for wrong in [
        "",
        "age1",
        "ssh-ed25519 AAAA",
        "age1qqqqqqqqqqqqqqqqqqqqqqqqqq",
    ] {
        assert_eq!(wrong.parse::<Recipient>(), Err(KeyringError::Recipient));
    }
    assert_eq!(
        Identity::read_all("# nothing\n\n").unwrap_err(),
        KeyringError::NoIdentity
    );
    let error = Identity::read_all("# one\nAGE-SECRET-KEY-1NONSENSE\n").unwrap_err();
    assert_eq!(error, KeyringError::Identity { line: 2 });

    let short = Passphrase::new("eleven char\n".to_owned()).unwrap_err();
    assert_eq!(
        short,
        KeyringError::ShortPassphrase {
            length: 11,
            least: 12
        }
    );
    // From a file and from a variable it is the same one.
    let from_file = Passphrase::new(format!("{OLD}\r\n")).unwrap().with_work(1);
    let sealed = seal(&ring(Keys::new().with_passphrase(from_file)));
    opens(&ring(by_passphrase(OLD)), &sealed);
}

/// As long as people's secrets are derived with: it is slow, so only here.
#[test]
fn the_work_is_what_people_s_secrets_need() {
    let sealed = seal(&ring(
        Keys::new().with_passphrase(Passphrase::new(OLD.to_owned()).unwrap()),
    ));
    assert_eq!(entry(&sealed)["work"], 17);
    opens(&ring(by_passphrase(OLD)), &sealed);
}

const CANARY: &str = "canary-7f3a-of-the-tests";

#[test]
fn secrets_and_contents_are_in_no_message() {
    let secret_key = "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33";
    let identity = Identity::read_all(secret_key).unwrap().remove(0);
    let service = FakeService::new("key/1");
    let keys = by_identity(&identity)
        .with_passphrase(passphrase(CANARY))
        .with_service(service);
    let run = ring(keys.clone()).with_fallback(by_passphrase(&format!("{CANARY}-of-old")));
    let content = format!("{{\"content\":\"{CANARY}\"}}");
    let sealed = run.seal(What::State, &head(), content.as_bytes()).unwrap();
    let (first, mut sealer) = run.begin_journal(&head(), content.as_bytes()).unwrap();
    let second = sealer.seal(content.as_bytes());
    let mut said = String::new();
    write!(
        said,
        "{run:?}{run:#?}{keys:?}{sealer:?}{identity:?}{:?}",
        passphrase(CANARY)
    )
    .unwrap();
    write!(said, "{:?}", Document::read(What::State, &sealed).unwrap()).unwrap();
    for written in [&sealed[..], &first, &second] {
        said.push_str(std::str::from_utf8(written).unwrap());
    }
    let mut broken = sealed.to_vec();
    broken[100] ^= 1;
    let stranger = ring(by_passphrase("somebody else entirely"));
    for error in [
        run.open(What::State, &broken).unwrap_err(),
        run.open(What::Plan, &sealed).unwrap_err(),
        run.open(What::State, content.as_bytes()).unwrap_err(),
        stranger.open(What::State, &sealed).unwrap_err(),
        run.open_journal(&[&first[..], &second, &second].concat())
            .unwrap_err(),
        run.open_journal(format!("{content}\n").as_bytes())
            .unwrap_err(),
    ] {
        write!(said, "{error}{error:?}{:?}", error.hints()).unwrap();
    }
    let misplaced = secret_key.parse::<Recipient>().unwrap_err();
    assert_eq!(misplaced, KeyringError::SecretForRecipient);
    let twice = Identity::read_all(&format!("{secret_key}{secret_key}")).unwrap_err();
    write!(said, "{misplaced}{misplaced:?}{twice}{twice:?}").unwrap();

    let said = said.to_lowercase();
    // Without what begins every secret key: an error may well say how they begin.
    let canaries = [CANARY.to_owned(), secret_key[16..].to_lowercase()];
    for canary in canaries {
        assert!(!said.contains(&canary), "{canary} is in {said}");
    }
}
