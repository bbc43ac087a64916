//! A part of a list. Its token is how many rows came before.

/// Which rows.
#[derive(Debug)]
pub(super) struct Page {
    most: usize,
    from: usize,
}

/// Why there is no such page; each service has its own words for it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoPage {
    /// So many rows are not given at once.
    Size(usize),
    /// The token is none that was given out.
    Token,
}

impl Page {
    /// `limit` rows at most, and as many when nothing else is wanted.
    pub(super) fn new(
        most: Option<usize>,
        limit: usize,
        token: Option<&str>,
    ) -> Result<Self, NoPage> {
        let most = most.unwrap_or(limit);
        if !(1..=limit).contains(&most) {
            return Err(NoPage::Size(most));
        }
        let from = match token {
            None => 0,
            Some(token) => token.parse().map_err(|_| NoPage::Token)?,
        };
        Ok(Self { most, from })
    }

    /// The rows of this page, and the token of the next one.
    pub(super) fn of<T>(&self, rows: Vec<T>) -> (Vec<T>, Option<String>) {
        let end = self.from.saturating_add(self.most);
        let next = (end < rows.len()).then(|| end.to_string());
        let page = rows.into_iter().skip(self.from).take(self.most);
        (page.collect(), next)
    }
}
