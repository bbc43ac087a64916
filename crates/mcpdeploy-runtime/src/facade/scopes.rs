//! Which of the scopes that a client asks for it gets.
//!
//! What it cannot have is left out rather than refused, and the token's answer says what is left (RFC
//! 6749, section 3.3): clients ask for `offline_access` whatever the metadata offer, for all that the
//! metadata offer whatever they may have, and again for all of it when they refresh.

use super::answer::{Code, Fault};
use super::client::Origin;
use super::route::Facade;

/// It asks for a refresh token, which clients get without it.
const OFFLINE: &str = "offline_access";

impl Facade {
    /// What a client that asks for `asked` gets; an error when that is nothing, for a token without
    /// any of it would only bring the client back.
    pub(super) fn granted_scopes(
        &self,
        asked: Option<&str>,
        origin: Origin,
    ) -> Result<Vec<String>, Fault> {
        let (default, allowed) = self.scopes_of(origin);
        let owned = |names: Vec<&str>| names.into_iter().map(ToOwned::to_owned).collect();
        let asked = asked.unwrap_or_default();
        let granted = among(asked, &allowed);
        let named = asked.split(' ').any(|name| !matches!(name, "" | OFFLINE));
        if !granted.iter().all(|name| *name == OFFLINE) {
            return Ok(owned(granted));
        }
        if named && !allowed.is_empty() {
            return Err(Fault::new(
                Code::InvalidScope,
                "none of these scopes is one that this client may ask for",
            ));
        }
        // A refresh token alone is of no use: what is usual, and that.
        let mut scopes: Vec<String> = owned(default);
        for name in granted {
            if !scopes.iter().any(|known| known == name) {
                scopes.push(name.to_owned());
            }
        }
        Ok(scopes)
    }

    /// What clients of this origin get unless they ask, and what they may ask for.
    pub(super) fn scopes_of(&self, origin: Origin) -> (Vec<&str>, Vec<&str>) {
        let dcr = &self.settings.dcr;
        let all = self.scope_names();
        match origin {
            Origin::Known | Origin::Document => (all.clone(), all),
            Origin::Registered => {
                let known = |names: &[String]| -> Vec<&str> {
                    let named = |name: &&str| names.is_empty() || names.iter().any(|n| n == name);
                    all.iter().copied().filter(named).collect()
                };
                let allowed = known(&dcr.allowed_scopes);
                let mut default = known(&dcr.default_scopes);
                default.retain(|name| allowed.contains(name));
                (default, allowed)
            }
        }
    }
}

/// Those of `allowed` that `asked` names, in its order and each once.
pub(super) fn among<'a>(asked: &str, allowed: &[&'a str]) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    for name in asked.split(' ') {
        let known = allowed.iter().find(|known| **known == name);
        found.extend(known.filter(|known| !found.contains(known)));
    }
    found
}

/// What is left of `granted` when a client that refreshes asks for `asked`: never more than it has.
pub(super) fn narrowed(asked: Option<&str>, granted: &[String]) -> Result<Vec<String>, Fault> {
    let Some(asked) = asked else {
        return Ok(granted.to_vec());
    };
    let kept = |name: &&String| asked.split(' ').any(|each| each == name.as_str());
    let scopes: Vec<String> = granted.iter().filter(kept).cloned().collect();
    let named = asked.split(' ').any(|name| !matches!(name, "" | OFFLINE));
    match (scopes.is_empty(), named) {
        (false, _) => Ok(scopes),
        (true, false) => Ok(granted.to_vec()),
        (true, true) => Err(Fault::new(
            Code::InvalidScope,
            "nothing of what is asked for was granted",
        )),
    }
}
