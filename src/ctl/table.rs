//! Tables in the layout of the original: cells are padded with tabs, in tables of shards with
//! spaces (wire.md 12.4).

use super::output::one_line;

/// A table: rows below an optional heading. The first row may be column names.
pub(super) struct Table {
    heading: Option<&'static str>,
    rows: Vec<Vec<String>>,
}

/// Columns of a tab on a terminal.
const TAB_WIDTH: usize = 8;

impl Table {
    pub(super) fn new(heading: &'static str) -> Self {
        Self {
            heading: Some(heading),
            rows: Vec::new(),
        }
    }

    pub(super) fn with_columns(heading: &'static str, names: &[&str]) -> Self {
        Self {
            heading: Some(heading),
            ..Self::without_heading(names)
        }
    }

    /// A table without a heading.
    pub(super) fn without_heading(names: &[&str]) -> Self {
        Self {
            heading: None,
            rows: vec![names.iter().map(|name| (*name).to_owned()).collect()],
        }
    }

    /// Adds a row. Control characters of the cells are escaped.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows
            .push(cells.iter().map(|cell| one_line(cell)).collect());
    }

    /// Formats the table with tabs. Every column but the last is as wide as its longest cell plus
    /// 2, rounded up to whole tabs.
    pub(super) fn print(&self) -> String {
        self.padded(|longest, cell| {
            let width = (longest + 2).next_multiple_of(TAB_WIDTH);
            "\t".repeat((width - cell).div_ceil(TAB_WIDTH))
        })
    }

    /// Formats the table with spaces. Every column but the last is as wide as its longest cell plus
    /// 2.
    pub(super) fn print_spaced(&self) -> String {
        self.padded(|longest, cell| " ".repeat(longest + 2 - cell))
    }

    /// `padding` makes the text behind a cell from the length of the longest cell of the column and
    /// the length of this cell.
    fn padded(&self, padding: impl Fn(usize, usize) -> String) -> String {
        let mut text = self
            .heading
            .map(|heading| format!("{heading}\n==========\n"))
            .unwrap_or_default();
        let longest: Vec<usize> = (0..self.columns())
            .map(|column| self.longest(column))
            .collect();
        for row in &self.rows {
            for (column, cell) in row.iter().enumerate() {
                text.push_str(cell);
                if column + 1 < row.len() {
                    text.push_str(&padding(longest[column], length(cell)));
                }
            }
            text.push('\n');
        }
        text
    }

    fn columns(&self) -> usize {
        self.rows.iter().map(Vec::len).max().unwrap_or(0)
    }

    fn longest(&self, column: usize) -> usize {
        self.rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| length(cell))
            .max()
            .unwrap_or(0)
    }
}

fn length(cell: &str) -> usize {
    cell.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same bytes as the original.
    #[test]
    fn cells_are_padded_as_the_original_does() {
        let mut table = Table::with_columns("Data Nodes", &["ID", "TCP Address", "Version"]);
        for cells in [
            ["4", "influxdb-data-01:8088", "1.8.11-c1.2.0"],
            ["15", "d:8088", ""],
        ] {
            table.row(cells.map(str::to_owned).to_vec());
        }
        let want = "Data Nodes\n==========\nID\tTCP Address\t\tVersion\n\
                    4\tinfluxdb-data-01:8088\t1.8.11-c1.2.0\n15\td:8088\t\t\t\n";
        assert_eq!(table.print(), want);
    }

    /// The same bytes as the original, except for the owners.
    #[test]
    fn shards_are_padded_with_spaces() {
        let mut table = Table::without_heading(&["ID", "Database", "Retention Policy", "Owners"]);
        table.row(
            ["1", "db", "autogen", "[{4 a:8088}]"]
                .map(str::to_owned)
                .to_vec(),
        );
        let want = "ID  Database  Retention Policy  Owners\n\
                    1   db        autogen           [{4 a:8088}]\n";
        assert_eq!(table.print_spaced(), want);
    }
}
