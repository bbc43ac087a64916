//! Random text.

use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;
use serde_json::json;

use super::invalid_parameter;
use crate::wire::{Fault, Reply};

/// Source: `GetRandomPassword` in the API reference.
const PUNCTUATION: &str = r##"!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~"##;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are the members of the operation's input"
)]
pub(super) struct RandomPassword {
    password_length: usize,
    exclude_characters: String,
    exclude_numbers: bool,
    exclude_punctuation: bool,
    exclude_uppercase: bool,
    exclude_lowercase: bool,
    include_space: bool,
    require_each_included_type: bool,
}

impl Default for RandomPassword {
    fn default() -> Self {
        Self {
            password_length: 32,
            exclude_characters: String::new(),
            exclude_numbers: false,
            exclude_punctuation: false,
            exclude_uppercase: false,
            exclude_lowercase: false,
            include_space: false,
            require_each_included_type: true,
        }
    }
}

pub(super) fn random(input: &RandomPassword) -> Result<Reply, Fault> {
    if !(1..=4096).contains(&input.password_length) {
        return Err(invalid_parameter(
            "The password length must be between 1 and 4096 characters.",
        ));
    }
    let lowercase: String = ('a'..='z').collect();
    let uppercase: String = ('A'..='Z').collect();
    let digits: String = ('0'..='9').collect();
    let sets: Vec<Vec<char>> = [
        (!input.exclude_lowercase, lowercase.as_str()),
        (!input.exclude_uppercase, uppercase.as_str()),
        (!input.exclude_numbers, digits.as_str()),
        (!input.exclude_punctuation, PUNCTUATION),
        (input.include_space, " "),
    ]
    .into_iter()
    .filter(|(included, _)| *included)
    .map(|(_, set)| {
        let fits = |c: &char| !input.exclude_characters.contains(*c);
        set.chars().filter(fits).collect::<Vec<_>>()
    })
    .filter(|set| !set.is_empty())
    .collect();
    let all = sets.concat();
    if all.is_empty() {
        return Err(invalid_parameter(
            "No characters are left to make a password of.",
        ));
    }
    if input.require_each_included_type && input.password_length < sets.len() {
        return Err(invalid_parameter(
            "The password is too short to have a character of each included type.",
        ));
    }
    let random = SystemRandom::new();
    // Drawn again until every type is there: each password that is allowed is as likely as another.
    loop {
        let password = pick(&random, &all, input.password_length)?;
        let has = |set: &Vec<char>| password.chars().any(|c| set.contains(&c));
        if !input.require_each_included_type || sets.iter().all(has) {
            return Ok(Reply::output(json!({"RandomPassword": password})));
        }
    }
}

/// Letters and digits.
pub(super) fn alphanumeric() -> Vec<char> {
    ('a'..='z').chain('A'..='Z').chain('0'..='9').collect()
}

/// So many characters of `from`, each as likely as any other.
pub(super) fn pick(random: &SystemRandom, from: &[char], length: usize) -> Result<String, Fault> {
    // The largest multiple of their number that a byte holds: what is above is drawn again.
    let fair = 256 / from.len() * from.len();
    let mut out = String::new();
    while out.chars().count() < length {
        let mut byte = [0];
        random
            .fill(&mut byte)
            .map_err(|_| Fault::internal("the system gives no random numbers"))?;
        let number = usize::from(byte[0]);
        if number < fair {
            out.push(from[number % from.len()]);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Content;

    fn password(input: serde_json::Value) -> Result<String, Fault> {
        let reply = random(&serde_json::from_value(input).unwrap())?;
        let Content::Output(output) = reply.content else {
            panic!("no output");
        };
        Ok(output["RandomPassword"].as_str().unwrap().to_owned())
    }

    #[test]
    fn a_password_has_what_is_asked_for() {
        let all = password(json!({})).unwrap();
        assert_eq!(all.chars().count(), 32);
        for class in [char::is_lowercase, char::is_uppercase, char::is_numeric] {
            assert!(all.chars().any(class), "{all}");
        }
        let digits = json!({
            "PasswordLength": 12, "ExcludePunctuation": true, "ExcludeUppercase": true,
            "ExcludeLowercase": true, "ExcludeCharacters": "02468",
        });
        let digits = password(digits).unwrap();
        assert!(digits.chars().all(|c| "13579".contains(c)), "{digits}");
        let four = password(json!({"PasswordLength": 4})).unwrap();
        assert!(four.chars().any(|c| PUNCTUATION.contains(c)), "{four}");
    }

    #[test]
    fn an_impossible_password_is_refused() {
        for input in [
            json!({"PasswordLength": 3}),
            json!({"PasswordLength": 0}),
            json!({"ExcludePunctuation": true, "ExcludeUppercase": true,
                "ExcludeLowercase": true, "ExcludeNumbers": true}),
        ] {
            assert!(password(input).is_err());
        }
    }
}
