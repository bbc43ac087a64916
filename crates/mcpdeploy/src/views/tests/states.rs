//! States and graphs of plans and states.

use super::samples;
use crate::views::graph::GraphView;
use crate::views::state::{list, show};
use crate::views::style::Theme;
use crate::views::text;

#[test]
fn states_as_text() {
    let state = samples::state();
    for width in [80, 120] {
        let theme = Theme::plain(width);
        let mut shown = list(&state, &theme);
        for address in state.resources.keys() {
            shown.push_str("\n----\n");
            shown.push_str(&show(&state, address, &theme).unwrap());
        }
        assert!(shown.lines().all(|line| text::width(line) <= width), "{shown}");
        insta::assert_snapshot!(format!("state_{width}"), shown);
    }
    assert_eq!(show(&state, &"mcpdeploy.data.x".parse().unwrap(), &Theme::plain(80)), None);
}

#[test]
fn graphs_take_their_edges_from_plan_and_state() {
    let named = |view: &GraphView| -> Vec<String> {
        let edges = view.edges.iter();
        edges.map(|(from, to)| format!("{} → {}", view.nodes[*from].id, view.nodes[*to].id)).collect()
    };
    assert_eq!(
        named(&GraphView::of_plan(&samples::update(), None)),
        [
            "aws.lambda.function.calculator → aws.lambda.version.calculator",
            "aws.lambda.version.calculator → aws.lambda.alias.live",
            "aws.logs.log_group.calculator → aws.lambda.function.calculator",
        ]
    );
    assert_eq!(
        named(&GraphView::of_state(&samples::state())),
        ["aws.iam.role.exec → aws.lambda.function.calculator"]
    );
}
