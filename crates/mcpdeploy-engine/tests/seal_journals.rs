//! Sealed journals: any prefix opens to the sound lines in it, and nothing else opens.

use mcpdeploy_engine::seal::{At, Keyring, OpenedJournal, SealError, What};
use proptest::prelude::*;

use crate::seal_support::{by_passphrase, flips, head, mended, ring};

fn keyring() -> Keyring {
    ring(by_passphrase("correct horse battery"))
}

/// The sealed lines of a journal.
fn lines(ring: &Keyring, records: &[&str]) -> Vec<Vec<u8>> {
    let (first, mut sealer) = ring.begin_journal(&head(), records[0].as_bytes()).unwrap();
    let rest = records[1..].iter().map(|r| sealer.seal(r.as_bytes()));
    std::iter::once(first).chain(rest).collect()
}

const RECORDS: [&str; 4] = [
    "{\"begun\":1}",
    "{\"intent\":1}",
    "{\"created\":1}",
    "{\"done\":1}",
];

fn text(records: &[&str]) -> Vec<u8> {
    records
        .iter()
        .flat_map(|r| [r, "\n"].concat().into_bytes())
        .collect()
}

#[track_caller]
fn altered(ring: &Keyring, bytes: &[u8], line: usize) {
    match ring.open_journal(bytes) {
        Err(SealError::Altered(at)) => assert_eq!(
            at,
            At {
                what: What::Journal,
                line: Some(line)
            }
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_prefix_opens_to_the_sound_lines_in_it() {
    let bytes = lines(&keyring(), &RECORDS).concat();
    let later = keyring();
    for end in 0..=bytes.len() {
        let sound = bytes[..end].iter().filter(|&&b| b == b'\n').count();
        let whole = end == 0 || bytes[end - 1] == b'\n';
        let opened = later.open_journal(&bytes[..end]).unwrap();
        assert_eq!(opened.text, text(&RECORDS[..sound]), "at {end}");
        assert_eq!(opened.torn, !whole, "at {end}");
        assert_eq!(opened.head, (sound > 0).then(head), "at {end}");
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let bytes = lines(&keyring(), &RECORDS).concat();
    let later = keyring().with_plain_fallback();
    for (at, flipped) in flips(&bytes) {
        // Without its end, or with a zero, the last line counts as torn.
        if at == bytes.len() - 1 || flipped[at] == 0 {
            continue;
        }
        let opened = later.open_journal(&flipped);
        assert!(opened.is_err(), "byte {at}: {opened:?}");
    }
}

#[test]
fn a_flipped_bit_with_a_checksum_to_match_is_noticed() {
    let lines = lines(&keyring(), &RECORDS);
    for number in 0..lines.len() {
        let body = lines[number].len() - "\",\"check\":\"01234567\"}\n".len();
        for at in 0..body {
            let mut changed = lines.clone();
            changed[number][at] ^= 1;
            changed[number] = mended(&changed[number]);
            let opened = keyring().with_plain_fallback();
            let opened = opened.open_journal(&changed.concat()).map(drop);
            assert!(opened.is_err(), "line {number}, byte {at}");
        }
    }
}

#[test]
fn lines_keep_their_places() {
    let ring = keyring();
    let lines = lines(&ring, &RECORDS);
    let of = |order: &[usize]| -> Vec<u8> {
        order
            .iter()
            .flat_map(|&number| lines[number].clone())
            .collect()
    };
    assert_eq!(
        ring.open_journal(&of(&[0, 1, 2, 3])).unwrap().text,
        text(&RECORDS)
    );
    altered(&ring, &of(&[0, 2, 3]), 2); // one is left out
    altered(&ring, &of(&[0, 1, 3]), 3);
    altered(&ring, &of(&[0, 2, 1, 3]), 2); // two have changed places
    altered(&ring, &of(&[0, 1, 1, 2, 3]), 3); // one is there twice
    altered(&ring, &of(&[0, 1, 2, 3, 3]), 5);
    // The last ones left out cannot be told from a crash.
    assert_eq!(
        ring.open_journal(&of(&[0, 1])).unwrap().text,
        text(&RECORDS[..2])
    );
    // The first one left out.
    let error = ring.open_journal(&of(&[1, 2, 3])).unwrap_err();
    assert!(
        matches!(error, SealError::Damaged(At { line: Some(1), .. })),
        "{error:?}"
    );
}

#[test]
fn lines_stay_in_their_journal() {
    // Two journals of one run: one data key, and one head.
    let ring = keyring();
    let (ours, other) = (lines(&ring, &RECORDS), lines(&ring, &RECORDS));
    altered(&ring, &[&ours[0][..], &other[1]].concat(), 2);
    altered(
        &ring,
        &[&ours[0][..], &ours[1], &ours[2], &other[3]].concat(),
        4,
    );
    // A number that is written otherwise does not move a line.
    let renumbered = String::from_utf8(ours[2].clone()).unwrap();
    let renumbered = mended(renumbered.replace("\"line\":2", "\"line\":1").as_bytes());
    altered(&ring, &[&ours[0][..], &renumbered].concat(), 2);
}

#[test]
fn a_document_does_not_begin_a_journal() {
    let ring = keyring();
    let sealed = ring.seal(What::State, &head(), b"{}").unwrap();
    let error = ring.open_journal(&sealed).unwrap_err();
    assert!(matches!(error, SealError::Other { .. }), "{error:?}");
    // A journal's nonce ends in the line's number; one that was drawn whole is none of a journal's.
    let lines = lines(&ring, &RECORDS);
    let error = ring.open(What::State, &lines[0]).unwrap_err();
    assert!(matches!(error, SealError::Other { .. }), "{error:?}");
}

#[test]
fn damage_says_its_line() {
    let ring = keyring();
    let mut lines = lines(&ring, &RECORDS);
    lines[2][30] ^= 1;
    let error = ring.open_journal(&lines.concat()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the encrypted journal, line 3, is damaged"
    );
}

#[test]
fn zeros_at_the_end_are_a_torn_write() {
    let ring = keyring();
    let mut bytes = lines(&ring, &RECORDS).concat();
    bytes.extend_from_slice(&[0; 100]);
    let opened = ring.open_journal(&bytes).unwrap();
    assert_eq!(opened.text, text(&RECORDS));
    assert!(opened.torn);
    // With sound lines after them they are not the end.
    bytes.push(b'\n');
    bytes.extend_from_slice(&lines(&ring, &RECORDS)[1]);
    assert!(ring.open_journal(&bytes).is_err());
}

#[test]
fn plain_journals_are_as_they_are_where_they_are_taken() {
    let plain = text(&RECORDS);
    let off = Keyring::plain();
    assert_eq!(lines(&off, &RECORDS).concat(), plain);
    for ring in [off, keyring().with_plain_fallback()] {
        let OpenedJournal { head, text, torn } = ring.open_journal(&plain).unwrap();
        assert_eq!((head, torn), (None, false));
        assert_eq!(text, plain);
        let cut = &plain[..plain.len() - 3];
        let opened = ring.open_journal(cut).unwrap();
        assert_eq!((opened.text.as_ref(), opened.torn), (cut, true));
    }
    let error = keyring().open_journal(&plain).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the journal is not encrypted, but encryption is asked for"
    );
}

#[test]
fn without_keys_a_sealed_journal_says_what_it_opens_with() {
    let bytes = lines(&keyring(), &RECORDS).concat();
    let error = Keyring::plain().open_journal(&bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the journal is encrypted and no key is given; it opens with a passphrase"
    );
    // Nothing durable is nothing to open.
    assert!(Keyring::plain().open_journal(&bytes[..40]).unwrap().torn);
}

#[test]
#[should_panic(expected = "has a line end in it")]
fn a_line_end_within_a_line_is_our_own_bug() {
    let (_, mut sealer) = keyring().begin_journal(&head(), b"{}").unwrap();
    sealer.seal(b"{}\n{}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_lines_come_back_and_any_other_order_does_not(
        records in proptest::collection::vec("[^\n\0]{0,80}", 1..12),
        cut in any::<prop::sample::Index>(),
        order in proptest::collection::vec(any::<prop::sample::Index>(), 1..12),
    ) {
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        let lines = lines(&keyring(), &records);
        let bytes = lines.concat();
        let later = keyring();
        prop_assert_eq!(later.open_journal(&bytes).unwrap().text, text(&records));

        let cut = &bytes[..cut.index(bytes.len())];
        let sound = cut.iter().filter(|&&b| b == b'\n').count();
        prop_assert_eq!(later.open_journal(cut).unwrap().text, text(&records[..sound]));

        let order: Vec<usize> = order.iter().map(|index| index.index(lines.len())).collect();
        let shuffled: Vec<u8> = order.iter().flat_map(|&number| lines[number].clone()).collect();
        let in_order = order.iter().enumerate().all(|(place, &number)| place == number);
        prop_assert_eq!(later.open_journal(&shuffled).is_ok(), in_order);
    }
}
