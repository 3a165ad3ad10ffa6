//! Helm charts are programs that print manifests. They are recognised, named and left alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::walk::{Found, shown};
use crate::finding::Unreadable;

/// The chart whose template a file is: an ancestor with `Chart.yaml` and the file below its `templates/`
/// (helm pkg/chart/loader/load.go, LoadFiles).
pub fn chart_of(file: &Path) -> Option<PathBuf> {
    let folders = file.ancestors().skip(1).filter(|folder| folder.ends_with("templates"));
    folders.filter_map(Path::parent).find(|chart| is_chart(chart)).map(Path::to_owned)
}

/// Files that look like templates, by their chart, or by themselves where they belong to none.
#[derive(Debug, Default)]
pub struct Templates {
    by_chart: BTreeMap<PathBuf, usize>,
}

impl Templates {
    /// Takes the templates of charts out of a list of files.
    pub fn take_from(&mut self, found: &mut Vec<Found>) {
        found.retain(|file| match chart_of(&file.path) {
            Some(chart) => {
                *self.by_chart.entry(chart).or_default() += 1;
                false
            }
            None => true,
        });
    }

    /// Counts a file that could not be parsed and holds `{{`; it belongs to no chart.
    pub fn stray(&mut self, path: &Path) {
        self.by_chart.insert(path.to_owned(), 1);
    }

    /// What was not read because it has to be rendered.
    pub fn unreadable(&self) -> Vec<Unreadable> {
        let of = |(chart, files): (&PathBuf, &usize)| {
            let name = name(chart);
            let message = match (is_chart(chart), files) {
                (true, 1) => format!("1 file looks like a Helm template. Render first: {}", render(&name)),
                (true, n) => format!("{n} files look like Helm templates. Render first: {}", render(&name)),
                (false, _) => format!("looks like a Helm template. Render first: {}", render("CHART")),
            };
            Unreadable { file: name, line: 0, column: 0, message }
        };
        self.by_chart.iter().map(of).collect()
    }

    /// The command that renders them; with a placeholder where there are several charts, or none.
    pub fn render(&self) -> String {
        let mut charts = self.by_chart.keys().filter(|path| is_chart(path));
        match (charts.next(), charts.next()) {
            (Some(chart), None) => render(&name(chart)),
            _ => render("CHART"),
        }
    }

    /// Number of files.
    pub fn files(&self) -> usize {
        self.by_chart.values().sum()
    }
}

fn is_chart(folder: &Path) -> bool {
    folder.join("Chart.yaml").is_file()
}

/// A chart in the folder that the command runs in has an empty path.
fn name(chart: &Path) -> String {
    if chart.as_os_str().is_empty() { ".".to_owned() } else { shown(chart) }
}

fn render(chart: &str) -> String {
    format!("helm template {chart} | virt-guard check -")
}
