//! States as text.

use super::samples;
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
        assert!(
            shown.lines().all(|line| text::width(line) <= width),
            "{shown}"
        );
        insta::assert_snapshot!(format!("state_{width}"), shown);
    }
    assert_eq!(
        show(
            &state,
            &"mcpdeploy.data.x".parse().unwrap(),
            &Theme::plain(80)
        ),
        None
    );
}
