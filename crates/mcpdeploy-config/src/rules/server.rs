//! `[server]` and `[target]`: what must be there, and what cannot go together.

use super::has_server;
use crate::mistake::Mistake;
use crate::node::Node;

/// Targets of other tools that read this file.
const ELSEWHERE: &[&str] = &[
    "azure-container-apps",
    "cloudflare-workers",
    "google-cloud-run",
    "kubernetes",
    "pmcp-run",
];

/// The mistake of a file that is written for a target we do not deploy. Nothing else in it matters then.
pub(crate) fn foreign_target(view: &Node) -> Option<Mistake> {
    let target = view.at("target.type")?;
    let name = ELSEWHERE.iter().find(|name| target.str() == Some(name))?;
    Some(
        Mistake::new(
            format!("the target \"{name}\" is not one that mcpdeploy deploys"),
            target.span.clone(),
            "another tool's target",
        )
        .help("mcpdeploy deploys type = \"aws-lambda\" (and type = \"resources\"); for AWS, change it and give [server] its Lambda settings"),
    )
}

/// The mistake of having no server to deploy.
pub(crate) fn missing(view: &Node) -> Option<Mistake> {
    if !has_server(view) || view.entry("server").is_some() {
        return None;
    }
    let help = "add [server] with name = \"calculator\", or deploy only [[resources]] with [target] type = \"resources\"";
    Some(
        match view.entry("target") {
            Some(target) => Mistake::new(
                "there is no `[server]`",
                target.node.span.clone(),
                "this target deploys a server",
            ),
            None => Mistake::nowhere("there is no `[server]`"),
        }
        .help(help),
    )
}

pub(super) fn check(view: &Node, mistakes: &mut Vec<Mistake>) {
    let (reserved, provisioned) = (
        view.at("server.reserved_concurrency"),
        view.at("server.provisioned_concurrency"),
    );
    if let (Some(reserved), Some(provisioned)) = (reserved, provisioned)
        && let (Some(most), Some(warm)) = (reserved.int(), provisioned.int())
        && warm > most
    {
        mistakes.push(
            Mistake::new(
                format!("{warm} warm instances do not fit into {most} reserved ones"),
                provisioned.span.clone(),
                "kept warm",
            )
            .also(reserved.span.clone(), "at most at once")
            .help("make provisioned_concurrency at most reserved_concurrency, or remove reserved_concurrency"),
        );
    }
    if let Some(name) = view.entry_at("target.name")
        && has_server(view)
    {
        mistakes.push(
            Mistake::new(
                "`target.name` names a deployment without a server",
                name.key.clone(),
                "does nothing here",
            )
            .help("remove it: with a server, the deployment is called as [server] name says"),
        );
    }
}
