//! Tables as the original prints them: cells padded with tabs (wire.md 12.4).

/// A heading, its underline, and rows; the first row may be column names.
pub(super) struct Table {
    heading: &'static str,
    rows: Vec<Vec<String>>,
}

/// A terminal's.
const TAB: usize = 8;

impl Table {
    pub(super) fn new(heading: &'static str) -> Self {
        Self { heading, rows: Vec::new() }
    }

    pub(super) fn with_columns(heading: &'static str, names: &[&str]) -> Self {
        let mut table = Self::new(heading);
        table.row(names.iter().map(|name| (*name).to_owned()).collect());
        table
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Every column but the last is as wide as its longest cell and two more, at least 8, in whole tabs.
    pub(super) fn print(&self) -> String {
        let mut text = format!("{}\n==========\n", self.heading);
        let widths: Vec<usize> = (0..self.columns()).map(|column| self.width(column)).collect();
        for row in &self.rows {
            for (column, cell) in row.iter().enumerate() {
                text.push_str(cell);
                if column + 1 < row.len() {
                    let tabs = (widths[column] - length(cell)).div_ceil(TAB);
                    text.extend(std::iter::repeat_n('\t', tabs));
                }
            }
            text.push('\n');
        }
        text
    }

    fn columns(&self) -> usize {
        self.rows.iter().map(Vec::len).max().unwrap_or(0)
    }

    fn width(&self, column: usize) -> usize {
        let longest = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| length(cell)).max();
        (longest.unwrap_or(0) + 2).next_multiple_of(TAB)
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
        for cells in [["4", "influxdb-data-01:8088", "1.8.11-c1.2.0"], ["15", "d:8088", ""]] {
            table.row(cells.map(str::to_owned).to_vec());
        }
        let want = "Data Nodes\n==========\nID\tTCP Address\t\tVersion\n\
                    4\tinfluxdb-data-01:8088\t1.8.11-c1.2.0\n15\td:8088\t\t\t\n";
        assert_eq!(table.print(), want);
    }
}
