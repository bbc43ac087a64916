use mcpdeploy_engine::kind::ReplaceOrder;

use super::*;

fn node(id: &str, action: Option<Action>) -> GraphNode {
    let (kind, label) = id.rsplit_once('.').unwrap_or(("", id));
    GraphNode {
        id: id.to_owned(),
        label: label.to_owned(),
        kind: kind.to_owned(),
        action,
    }
}

fn server() -> GraphView {
    let replace = Action::Replace {
        order: ReplaceOrder::CreateFirst,
    };
    GraphView {
        nodes: vec![
            node("aws.logs.log_group.calculator", Some(Action::Create)),
            node("aws.iam.role.calculator", None),
            node("aws.lambda.function.calculator", Some(Action::Update)),
            node("aws.lambda.version.calculator", Some(Action::Publish)),
            node("aws.lambda.alias.live", Some(Action::Update)),
            node("aws.apigatewayv2.api.calculator", None),
            node("aws.apigatewayv2.integration.calculator", Some(replace)),
            node("aws.apigatewayv2.route.mcp", None),
            node("aws.apigatewayv2.route.health", None),
            node("aws.apigatewayv2.stage.default", Some(Action::Adopt)),
            node("aws.lambda.permission.gateway", None),
            node("aws.cloudwatch.alarm.errors", Some(Action::Create)),
            node("aws.cloudwatch.alarm.old-latency", Some(Action::Delete)),
            node("aws.s3.bucket.artifacts", Some(Action::Forget)),
            node("aws.sns.topic.alarms", None),
        ],
        edges: vec![
            (0, 2),
            (1, 2),
            (2, 3),
            (3, 4),
            (4, 6),
            (5, 6),
            (6, 7),
            (6, 8),
            (5, 7),
            (5, 8),
            (5, 9),
            (7, 9),
            (8, 9),
            (4, 10),
            (5, 10),
            (4, 11),
            (14, 11),
        ],
    }
}

/// Layers of nodes, each with a few edges back: the same every time.
fn many(count: usize) -> GraphView {
    let mut seed = 7_u64;
    let mut random = move |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let actions = [None, None, Some(Action::Create), Some(Action::Update)];
    let nodes = (0..count)
        .map(|i| node(&format!("mcpdeploy.data.node-{i}"), actions[i % 4]))
        .collect();
    let mut edges = Vec::new();
    for to in 20..count {
        for _ in 0..=random(2) {
            edges.push((to - 1 - random(20), to));
        }
    }
    GraphView { nodes, edges }
}

fn hostile() -> GraphView {
    let evil = "a\"]--><script>&'\\\n\u{1b}\u{0}#;";
    GraphView {
        nodes: vec![
            GraphNode {
                id: evil.to_owned(),
                label: evil.to_owned(),
                kind: evil.to_owned(),
                action: None,
            },
            node("mcpdeploy.data.x", None),
        ],
        edges: vec![(0, 1), (1, 0), (0, 0), (0, 9)],
    }
}

#[test]
fn graphs_as_text() {
    insta::assert_snapshot!("dot", dot(&server(), "calculator, environment \"prod\""));
    insta::assert_snapshot!("mermaid", mermaid(&server()));
    insta::assert_snapshot!("svg", svg(&server(), "calculator"));
}

#[test]
fn nothing_that_is_in_a_name_gets_out_of_its_label() {
    let svg = svg(&hostile(), "<t>");
    assert!(
        !svg.contains("<script>") && !svg.contains('\u{1b}') && !svg.contains('\0'),
        "{svg}"
    );
    let mermaid = mermaid(&hostile());
    assert_eq!(
        mermaid.lines().filter(|line| line.contains("]:::")).count(),
        2,
        "{mermaid}"
    );
    assert!(!mermaid.contains("--><"), "{mermaid}");
    let dot = dot(&hostile(), "a\"b\\");
    assert!(dot.starts_with("digraph \"a\\\"b\\\\\" {"), "{dot}");
}

#[test]
fn no_two_boxes_lie_over_each_other() {
    for view in [server(), many(200), many(0), many(1), many(40), hostile()] {
        let drawing = place::place(&view);
        assert_eq!(drawing.nodes.len(), view.nodes.len());
        for (index, a) in drawing.nodes.iter().enumerate() {
            assert!(a.x >= place::MARGIN && a.y >= place::MARGIN - 0.01, "{a:?}");
            assert!(
                a.x + a.width <= drawing.width && a.y + place::NODE_HEIGHT <= drawing.height,
                "{a:?}"
            );
            for b in &drawing.nodes[index + 1..] {
                let apart = a.x + a.width <= b.x
                    || b.x + b.width <= a.x
                    || a.y + place::NODE_HEIGHT <= b.y + 0.01
                    || b.y + place::NODE_HEIGHT <= a.y + 0.01;
                assert!(apart, "{a:?} {b:?}");
            }
        }
    }
}

#[test]
fn what_comes_first_stands_left_of_what_needs_it() {
    let view = server();
    let drawing = place::place(&view);
    for (from, to) in &view.edges {
        assert!(drawing.nodes[*from].x < drawing.nodes[*to].x, "{from} {to}");
    }
}

#[test]
fn thousands_of_nodes_are_drawn() {
    let svg = svg(&many(5_000), "many");
    assert!(svg.len() > 1_000_000);
}
