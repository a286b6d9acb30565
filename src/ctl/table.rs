//! Tables as the original prints them: cells padded with tabs, or with spaces where they are about
//! shards (wire.md 12.4).

/// A heading and its underline, if there is one, and rows; the first row may be column names.
pub(super) struct Table {
    heading: Option<&'static str>,
    rows: Vec<Vec<String>>,
}

/// A terminal's.
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
            ..Self::of_columns(names)
        }
    }

    /// Without a heading.
    pub(super) fn of_columns(names: &[&str]) -> Self {
        Self {
            heading: None,
            rows: vec![names.iter().map(|name| (*name).to_owned()).collect()],
        }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Every column but the last is as wide as its longest cell and two more, at least 8, in whole
    /// tabs.
    pub(super) fn print(&self) -> String {
        self.padded(|longest, cell| {
            let width = (longest + 2).next_multiple_of(TAB_WIDTH);
            "\t".repeat((width - cell).div_ceil(TAB_WIDTH))
        })
    }

    /// Every column but the last is as wide as its longest cell and two more.
    pub(super) fn print_spaced(&self) -> String {
        self.padded(|longest, cell| " ".repeat(longest + 2 - cell))
    }

    /// `padding` makes what follows a cell, from the length of its column's longest and its own.
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

    /// The bytes that the original printed.
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

    /// The bytes that the original printed, but for the owners.
    #[test]
    fn shards_are_padded_with_spaces() {
        let mut table = Table::of_columns(&["ID", "Database", "Retention Policy", "Owners"]);
        table.row(
            ["1", "db", "autogen", "[{4 a:8088}]"]
                .map(str::to_owned)
                .to_vec(),
        );
        let want = "ID  Database  Retention Policy  Owners\n1   db        autogen           [{4 a:8088}]\n";
        assert_eq!(table.print_spaced(), want);
    }
}
