//! Tables. For scripts in the layout of the original: cells are padded with tabs, in tables of
//! shards with spaces (wire.md 12.4). On a terminal all are padded with spaces, and rows have
//! colours.

use super::output::one_line;
use super::style::{Colour, Style};

/// A table: rows below an optional heading. The first row may be column names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    heading: Option<&'static str>,
    padding: Padding,
    rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    cells: Vec<String>,
    colour: Colour,
}

/// Meaning of a row, shown as a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Plain,
    Leader,
    /// Needs the attention of an operator.
    Bad,
}

/// Padding of the documented layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Padding {
    /// Every column but the last is as wide as its longest cell plus 2, rounded up to whole tabs.
    Tabs,
    /// Every column but the last is as wide as its longest cell plus 2.
    Spaces,
}

/// Columns of a tab on a terminal.
const TAB_WIDTH: usize = 8;

impl Table {
    pub(super) fn new(heading: &'static str) -> Self {
        Self {
            heading: Some(heading),
            padding: Padding::Tabs,
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
            padding: Padding::Tabs,
            rows: vec![Row {
                cells: names.iter().map(|name| (*name).to_owned()).collect(),
                colour: Colour::Bold,
            }],
        }
    }

    /// The same table, padded with spaces also in the documented layout.
    pub(super) fn padded_with_spaces(self) -> Self {
        Self {
            padding: Padding::Spaces,
            ..self
        }
    }

    /// Adds a row. Control characters of the cells are escaped.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.marked_row(Mark::Plain, cells);
    }

    /// Adds a row with a meaning. Control characters of the cells are escaped.
    pub(super) fn marked_row(&mut self, mark: Mark, cells: Vec<String>) {
        self.rows.push(Row {
            cells: cells.iter().map(|cell| one_line(cell)).collect(),
            colour: match mark {
                Mark::Plain => Colour::None,
                Mark::Leader => Colour::Green,
                Mark::Bad => Colour::Red,
            },
        });
    }

    pub(super) fn print(&self, style: Style) -> String {
        let mut text = self
            .heading
            .map(|heading| format!("{}\n==========\n", style.paint(heading, Colour::Bold)))
            .unwrap_or_default();
        let longest: Vec<usize> = (0..self.columns())
            .map(|column| self.longest(column))
            .collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.cells.iter().enumerate() {
                line.push_str(cell);
                if column + 1 < row.cells.len() {
                    line.push_str(&self.padding(style, longest[column], length(cell)));
                }
            }
            text.push_str(&style.paint(&line, row.colour));
            text.push('\n');
        }
        text
    }

    /// Text behind a cell of this length, in a column whose longest cell has the length `longest`.
    fn padding(&self, style: Style, longest: usize, cell: usize) -> String {
        match (style, self.padding) {
            (Style::Documented, Padding::Tabs) => {
                let width = (longest + 2).next_multiple_of(TAB_WIDTH);
                "\t".repeat((width - cell).div_ceil(TAB_WIDTH))
            }
            (Style::Documented, Padding::Spaces) | (Style::Terminal { .. }, _) => {
                " ".repeat(longest + 2 - cell)
            }
        }
    }

    fn columns(&self) -> usize {
        self.rows
            .iter()
            .map(|row| row.cells.len())
            .max()
            .unwrap_or(0)
    }

    fn longest(&self, column: usize) -> usize {
        self.rows
            .iter()
            .filter_map(|row| row.cells.get(column))
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

    fn nodes() -> Table {
        let mut table = Table::with_columns("Data Nodes", &["ID", "TCP Address", "Version"]);
        let cells = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        table.marked_row(
            Mark::Leader,
            cells(["4", "influxdb-data-01:8088", "1.8.11-c1.2.0"]),
        );
        table.marked_row(Mark::Bad, cells(["15", "d:8088", ""]));
        table
    }

    /// The same bytes as the original.
    #[test]
    fn cells_are_padded_as_the_original_does() {
        let want = "Data Nodes\n==========\nID\tTCP Address\t\tVersion\n\
                    4\tinfluxdb-data-01:8088\t1.8.11-c1.2.0\n15\td:8088\t\t\t\n";
        assert_eq!(nodes().print(Style::Documented), want);
    }

    /// The same bytes as the original, except for the owners.
    #[test]
    fn shards_are_padded_with_spaces() {
        let mut table = Table::without_heading(&["ID", "Database", "Retention Policy", "Owners"])
            .padded_with_spaces();
        table.row(
            ["1", "db", "autogen", "[{4 a:8088}]"]
                .map(str::to_owned)
                .to_vec(),
        );
        let want = "ID  Database  Retention Policy  Owners\n\
                    1   db        autogen           [{4 a:8088}]\n";
        assert_eq!(table.print(Style::Documented), want);
    }

    #[test]
    fn a_terminal_shows_aligned_columns_and_marks_rows() {
        let plain = "Data Nodes\n==========\n\
                     ID  TCP Address            Version\n\
                     4   influxdb-data-01:8088  1.8.11-c1.2.0\n\
                     15  d:8088                 \n";
        assert_eq!(nodes().print(Style::Terminal { colour: false }), plain);
        let coloured = nodes().print(Style::Terminal { colour: true });
        let lines: Vec<&str> = coloured.lines().collect();
        assert_eq!(lines[2], "\x1b[1mID  TCP Address            Version\x1b[0m");
        assert!(
            lines[3].starts_with("\x1b[32m4 ") && lines[3].ends_with("\x1b[0m"),
            "{lines:?}"
        );
        assert!(lines[4].starts_with("\x1b[31m15 "), "{lines:?}");
    }
}
