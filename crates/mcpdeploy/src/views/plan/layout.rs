//! The columns in which actions stand: sign, address, verb, reason.

use mcpdeploy_engine::plan::{Plan, PlannedAction};

use crate::views::style::Theme;
use crate::views::text;
use crate::views::words;

/// The least room for the reasons. Addresses that do not leave it stand out of their column.
const REASONS: usize = 28;

/// How wide the columns are.
pub(super) struct Layout {
    signs: usize,
    addresses: usize,
    verbs: usize,
}

impl Layout {
    pub(super) fn of(plan: &Plan, theme: &Theme) -> Self {
        let widest =
            |of: &dyn Fn(&PlannedAction) -> usize| plan.actions.iter().map(of).max().unwrap_or(0);
        let signs = widest(&|a| text::width(words::sign(a.action, theme)));
        let verbs = widest(&|a| words::verb(a.action).len());
        let most = theme
            .width
            .saturating_sub(2 + signs + 1 + 2 + verbs + 2 + REASONS);
        let fitting = |a: &PlannedAction| Some(a.address.as_str().len()).filter(|len| *len <= most);
        Self {
            signs,
            addresses: plan.actions.iter().filter_map(fitting).max().unwrap_or(0),
            verbs,
        }
    }

    /// An action and its reason. The address is never cut: it is what people copy.
    pub(super) fn line(&self, action: &PlannedAction, sentence: &str, theme: &Theme) -> String {
        let colour = words::paint(action.action);
        let sign = theme.paint(colour, words::sign(action.action, theme));
        let verb = theme.paint(colour, words::verb(action.action));
        let address = action.address.as_str();
        let lead = format!("  {} ", text::pad(&sign, self.signs));
        let plain = |line: &str| line.to_owned();
        if address.len() <= self.addresses {
            let head = format!(
                "{lead}{}  {}  ",
                text::pad(address, self.addresses),
                text::pad(&verb, self.verbs)
            );
            return text::hang(&head, sentence, theme.width, &plain);
        }
        let before_reason = 2 + self.signs + 1 + self.addresses + 2 + self.verbs + 2;
        let mut out = if text::width(&lead) + address.len() + 2 + self.verbs <= theme.width {
            format!("{lead}{address}  {verb}\n")
        } else {
            let verbs = before_reason - self.verbs - 2;
            format!(
                "{}{}{verb}\n",
                text::hang(&lead, address, theme.width, &plain),
                " ".repeat(verbs)
            )
        };
        if !sentence.is_empty() {
            out.push_str(&text::hang(
                &" ".repeat(before_reason),
                sentence,
                theme.width,
                &plain,
            ));
        }
        out
    }
}
