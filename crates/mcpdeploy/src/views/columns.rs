//! Tables without lines: columns, two spaces apart, cells wrapped where there is no room.

use super::style::{Paint, Theme};
use super::text;

/// A column is not made narrower than this.
const NARROWEST: usize = 10;

/// Rows of cells.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    headings: Vec<String>,
    rows: Vec<Vec<(Paint, String)>>,
    indent: usize,
}

impl Columns {
    /// A table with headings; without any, only its rows are shown.
    pub(crate) fn new(headings: &[&str]) -> Self {
        Self {
            headings: headings
                .iter()
                .map(|heading| (*heading).to_owned())
                .collect(),
            ..Self::default()
        }
    }

    /// Moves the table to the right.
    pub(crate) fn indented(mut self, indent: usize) -> Self {
        self.indent = indent;
        self
    }

    /// A row in colours.
    pub(crate) fn painted(&mut self, cells: impl IntoIterator<Item = (Paint, String)>) {
        let cells = cells
            .into_iter()
            .map(|(paint, cell)| (paint, text::clean(&cell).into_owned()));
        self.rows.push(cells.collect());
    }

    /// Whether there are no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as text.
    pub(crate) fn render(&self, theme: &Theme) -> String {
        let widths = self.widths(theme);
        let mut out = String::new();
        if !self.headings.is_empty() && !self.rows.is_empty() {
            let headings: Vec<(Paint, String)> = self
                .headings
                .iter()
                .map(|heading| (Paint::Strong, heading.clone()))
                .collect();
            self.line(&headings, &widths, theme, &mut out);
        }
        for row in &self.rows {
            self.line(row, &widths, theme, &mut out);
        }
        out
    }

    fn widths(&self, theme: &Theme) -> Vec<usize> {
        let count = self
            .rows
            .iter()
            .map(Vec::len)
            .chain([self.headings.len()])
            .max()
            .unwrap_or(0);
        let mut widths = vec![0; count];
        for (column, heading) in self.headings.iter().enumerate() {
            widths[column] = text::width(heading);
        }
        for (column, (_, cell)) in self.rows.iter().flat_map(|row| row.iter().enumerate()) {
            let widest = cell.split('\n').map(text::width).max().unwrap_or(0);
            widths[column] = widths[column].max(widest);
        }
        let gaps = 2 * count.saturating_sub(1) + self.indent;
        let room = theme.width.saturating_sub(gaps);
        // The widest gives way first, so that the narrow ones stay whole; the first column last of
        // all, since it says which row it is.
        while widths.iter().sum::<usize>() > room {
            let (first, others) = widths.split_at_mut(count.min(1));
            let giving = others.iter_mut().max().filter(|width| **width > NARROWEST);
            match giving.or(first.first_mut().filter(|width| **width > NARROWEST)) {
                Some(width) => *width -= 1,
                None => break,
            }
        }
        widths
    }

    fn line(&self, cells: &[(Paint, String)], widths: &[usize], theme: &Theme, out: &mut String) {
        let wrapped: Vec<Vec<String>> = cells
            .iter()
            .zip(widths)
            .map(|((_, cell), width)| text::wrap(&theme.ours(cell), *width))
            .collect();
        let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
        for index in 0..height {
            let mut line = " ".repeat(self.indent);
            for (column, lines) in wrapped.iter().enumerate() {
                let part = lines.get(index).map_or("", String::as_str);
                line.push_str(&theme.paint(cells[column].0, part));
                line.push_str(&" ".repeat(widths[column].saturating_sub(text::width(part)) + 2));
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_column_gives_way() {
        let mut columns = Columns::new(&["what", "id"]);
        columns.painted(["a", "short"].map(|cell| (Paint::Plain, cell.to_owned())));
        columns
            .painted(["bcd", &"0123456789/".repeat(9)].map(|cell| (Paint::Plain, cell.to_owned())));
        let out = columns.render(&Theme::plain(80));
        assert!(out.lines().all(|line| text::width(line) <= 80), "{out}");
        assert!(
            out.starts_with("what  id\na     short\nbcd   0123456789/"),
            "{out}"
        );
        assert_eq!(out.lines().count(), 4, "{out}");
    }

    #[test]
    fn no_rows_no_headings() {
        assert_eq!(Columns::new(&["what"]).render(&Theme::plain(80)), "");
    }
}
