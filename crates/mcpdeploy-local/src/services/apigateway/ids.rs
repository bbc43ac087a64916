//! Ids as API Gateway gives them: lower-case letters and digits.

/// An id of `length` characters, at most 16, that nobody has.
pub(super) fn short(length: usize) -> String {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    // The bytes of a random UUID that hold no version.
    let bytes = uuid::Uuid::new_v4().into_bytes();
    let more = uuid::Uuid::new_v4().into_bytes();
    let all = bytes[..6].iter().chain(&bytes[9..]).chain(&more[..6]);
    all.take(length)
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]))
        .collect()
}
