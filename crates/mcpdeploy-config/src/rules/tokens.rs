//! Values of secrets, wherever they stand: from there they would get into plans and states. (Those
//! under `[secrets]` have a rule of their own.)

use crate::mistake::Mistake;
use crate::node::Node;
use crate::secret_scan::secrets_in;

pub(super) fn check(view: &Node, mistakes: &mut Vec<Mistake>) {
    view.walk(&mut |pointer, key, node| {
        if pointer.starts_with("/secrets/") {
            return;
        }
        // The last part, as it is written, but for its two escapes.
        let name = pointer.rsplit('/').next().unwrap_or_default();
        let name = name.replace("~1", "/").replace("~0", "~");
        if let Some(key) = key.filter(|_| !secrets_in(&name).is_empty()) {
            mistakes.push(
                Mistake::new(
                    "a secret's value is used as a key",
                    key.clone(),
                    "this looks like the value itself",
                )
                .help("revoke it if the file has left this machine, and remove it"),
            );
        }
        if node.str().is_none_or(|text| secrets_in(text).is_empty()) {
            return;
        }
        let variable = pointer.strip_prefix("/environment/");
        let (what, help) = match variable.filter(|rest| !rest.contains('/')) {
            Some(_) => (
                format!("`{name}` has a secret's value in the file"),
                format!(
                    "revoke it if the file has left this machine; under [secrets], write {name} = \"what it is for\" and set the value with mcpdeploy secrets set {name}"
                ),
            ),
            None => (
                "a secret's value is in the file".to_owned(),
                "revoke it if the file has left this machine, and remove it: what is in the file gets into plans and states".to_owned(),
            ),
        };
        mistakes.push(
            Mistake::new(what, node.span.clone(), "this looks like the value itself").help(help),
        );
    });
}
