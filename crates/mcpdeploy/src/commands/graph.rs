//! `graph`: the resources and what depends on what, as dot, mermaid or svg.

use std::collections::HashMap;

use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::plan::Action;

use crate::cli::{self, Global, GraphFormat, GraphOf, Selectors};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::local::Need;
use crate::project::Project;
use crate::screen::Screen;
use crate::session::Session;
use crate::stores;
use crate::views::graph::{self as view, GraphNode, GraphView};

pub(crate) async fn run(
    global: &Global,
    args: &cli::Graph,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let (graph, title) = match args.of {
        GraphOf::State => (of_state(global).await?, "the state"),
        GraphOf::Plan => (of_plan(global, screen).await?, "the plan"),
    };
    let text = match args.format {
        GraphFormat::Dot => view::dot(&graph, title),
        GraphFormat::Mermaid => view::mermaid(&graph),
        GraphFormat::Svg => view::svg(&graph, title),
    };
    screen.line(text.trim_end());
    Ok(Exit::Done)
}

async fn of_state(global: &Global) -> Result<GraphView, Failure> {
    let state = stores::load(&Project::open(global)?, global).await?;
    Ok(build(state.resources.iter().filter_map(
        |(address, resource)| {
            let instance = resource.current.as_ref()?;
            Some((address.clone(), None, instance.depends_on.clone()))
        },
    )))
}

async fn of_plan(global: &Global, screen: &Screen) -> Result<GraphView, Failure> {
    let session = Session::open(global, Need::Look, screen).await?;
    let select = Selectors {
        refresh: true,
        ..Selectors::default()
    };
    let plan = session.plan(global, &select, &mut screen.reading()).await?;
    let actions: HashMap<&Address, Action> = plan
        .actions
        .iter()
        .map(|a| (&a.address, a.action))
        .collect();
    let wanted = session.graph.in_order().map(|node| {
        let address = &node.resource.address;
        (
            address.clone(),
            actions.get(address).copied(),
            session.graph.dependencies(address),
        )
    });
    let going = plan.actions.iter().filter_map(|action| {
        let gone = session.graph.get(&action.address).is_none();
        let instance = session.state.current(&action.address)?;
        gone.then(|| {
            (
                action.address.clone(),
                Some(action.action),
                instance.depends_on.clone(),
            )
        })
    });
    Ok(build(wanted.chain(going)))
}

fn build(resources: impl Iterator<Item = (Address, Option<Action>, Vec<Address>)>) -> GraphView {
    let resources: Vec<_> = resources.collect();
    let places: HashMap<&Address, usize> = resources
        .iter()
        .enumerate()
        .map(|(place, (address, ..))| (address, place))
        .collect();
    let edges = resources
        .iter()
        .enumerate()
        .flat_map(|(place, (_, _, dependencies))| {
            let places = &places;
            dependencies
                .iter()
                .filter_map(move |dependency| Some((*places.get(dependency)?, place)))
        })
        .collect();
    let nodes = resources
        .iter()
        .map(|(address, action, _)| GraphNode {
            id: address.to_string(),
            label: address.name().to_owned(),
            kind: address.kind().to_string(),
            action: *action,
        })
        .collect();
    GraphView { nodes, edges }
}
