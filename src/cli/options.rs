//! Options that several commands share. Each is read here into what it means, so that a wrong one is named before
//! anything is done.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;

use super::terminal::{self, Colour, ScreenOptions};
use crate::engine::Cluster;
use crate::facts::{ClusterDefaults, Version, Versions};
use crate::finding::{Assessment, Severity, Unreadable};
use crate::inventory::{Inventory, View};
use crate::report::summary::{self, ExitCode, ExitReason};
use crate::report::{Door, Style, json, text};

/// What is known about the cluster and does not stand in its objects.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "About the cluster")]
pub struct ClusterOptions {
    /// The OpenShift version that is upgraded to, such as 4.20; the next minor unless you say so
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub target: Option<Version>,
    /// State what files cannot tell, such as evictionStrategy=LiveMigrate; may be repeated
    #[arg(long = "cluster-default", value_name = "KEY=VALUE", value_parser = cluster_default)]
    #[arg(long_help = cluster_default_help())]
    pub cluster_defaults: Vec<(String, String)>,
    /// The time that ages are counted to, such as 2026-03-04T09:12:00Z
    #[arg(long, value_name = "TIME", value_parser = timestamp)]
    pub now: Option<Timestamp>,
}

impl ClusterOptions {
    /// The cluster that an inventory shows. `now` is the inventory's own time.
    pub fn cluster(&self, inventory: &Inventory, now: Option<Timestamp>) -> Cluster {
        let mut defaults = ClusterDefaults::default();
        for (key, value) in &self.cluster_defaults {
            // Each was set once already, when it was read.
            let _ = defaults.set(key, value);
        }
        let versions = Versions::detect(&View::new(inventory), self.target);
        Cluster { versions, now: self.now.or(now), defaults }
    }
}

fn version(text: &str) -> Result<Version, String> {
    Version::parse(text).ok_or_else(|| "expected a version such as 4.20 or 4.20.3".to_owned())
}

fn timestamp(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map_err(|_| "expected a date and time with its zone (RFC 3339), such as 2026-03-04T09:12:00Z".to_owned())
}

fn cluster_default(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE, such as evictionStrategy=LiveMigrate")?;
    ClusterDefaults::default().set(key, value)?;
    Ok((key.to_owned(), value.to_owned()))
}

fn cluster_default_help() -> String {
    let keys: Vec<String> = ClusterDefaults::KEYS.iter().map(|(key, takes)| format!("  {key}: {takes}")).collect();
    let head = "State what files cannot tell: what the cluster gives objects that do not say. May be repeated.";
    format!("{head}\n\n{}", keys.join("\n"))
}

/// How a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl Format {
    const ALL: [(&'static str, Format); 2] = [("text", Format::Text), ("json", Format::Json)];

    /// From its word.
    pub fn parse(word: &str) -> Result<Self, String> {
        let known = Format::ALL.iter().find(|(name, _)| *name == word);
        known.map(|(_, format)| *format).ok_or_else(|| {
            format!("'{word}' is no format; expected text or json, or one of them with a file, such as json=FILE")
        })
    }
}

/// A format, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// How.
    pub format: Format,
    /// Where to; `None` is stdout.
    pub file: Option<PathBuf>,
}

/// As it was asked for.
impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Format::ALL.iter().find(|(_, format)| *format == self.format).map_or("", |(word, _)| *word);
        match &self.file {
            Some(file) => write!(f, "{word}={}", file.display()),
            None => f.write_str(word),
        }
    }
}

fn output(text: &str) -> Result<Output, String> {
    let (word, file) = match text.split_once('=') {
        Some((_, "")) => return Err("expected a file after '='".to_owned()),
        Some((word, file)) => (word, Some(PathBuf::from(file))),
        None => (text, None),
    };
    Ok(Output { format: Format::parse(word)?, file: file.filter(|file| file != Path::new("-")) })
}

fn severity() -> impl TypedValueParser<Value = Severity> {
    let words = PossibleValuesParser::new(["blocker", "warning", "info"]);
    words.try_map(|word| Severity::parse(&word).ok_or("expected blocker, warning or info"))
}

/// What becomes of an assessment.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputOptions {
    /// text or json; json=FILE writes a file; may be repeated
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_parser = output, default_value = "text")]
    pub output: Vec<Output>,
    /// Exit code 1 from this severity on: blocker, warning or info
    #[arg(long, value_name = "SEVERITY", value_parser = severity(), default_value = "blocker", hide_possible_values = true)]
    pub fail_on: Severity,
    /// Exit code 3 when something could not be judged
    #[arg(long)]
    pub strict: bool,
    /// Show everything: long lists in full, and what was passed over
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub screen: ScreenOptions,
}

impl OutputOptions {
    /// Refuses what cannot be done before anything is read.
    pub fn validate(&self) -> anyhow::Result<()> {
        let to_stdout: Vec<String> = self.output.iter().filter(|o| o.file.is_none()).map(Output::to_string).collect();
        match to_stdout.as_slice() {
            [first, second, ..] => anyhow::bail!(
                "-o {first} and -o {second} would both go to standard output; give one of them a file: -o {second}=FILE"
            ),
            _ => Ok(()),
        }
    }

    /// Writes an assessment everywhere it is wanted, and says how the run ends.
    pub fn write(&self, assessment: &Assessment, door: Door) -> anyhow::Result<ExitCode> {
        let end = summary::exit(assessment, self.fail_on, self.strict, door);
        for output in &self.output {
            match &output.file {
                Some(file) => {
                    // A file is no terminal: no colour unless it was asked for, and no width.
                    let colour = self.screen.color == Colour::Always;
                    let style = Style { colour, width: FILE_WIDTH, ..self.style(door) };
                    let text = rendered(assessment, output.format, &style, &end);
                    fs::write(file, text).map_err(|e| {
                        anyhow::anyhow!("{} cannot be written: {}", file.display(), terminal::words(&e))
                    })?;
                }
                None => terminal::print(&rendered(assessment, output.format, &self.style(door), &end))?,
            }
        }
        let text_on_stdout = self.output.iter().any(|o| o.file.is_none() && o.format == Format::Text);
        if !text_on_stdout {
            for unreadable in &assessment.inputs.unreadable {
                terminal::say(&place_in_input(unreadable));
            }
            if end.code != ExitCode::Clean {
                terminal::say(&format!("exit code {}: {}", end.code.number(), end.why));
            }
        }
        Ok(end.code)
    }

    fn style(&self, door: Door) -> Style {
        self.screen.style(door, self.fail_on, self.strict, self.all)
    }
}

/// Columns of text in a file.
const FILE_WIDTH: usize = 100;

fn rendered(assessment: &Assessment, format: Format, style: &Style, end: &ExitReason) -> String {
    match (format, style.door) {
        (Format::Json, _) => json::v1::render(assessment, end),
        (Format::Text, Door::Check) => text::manifests(assessment, style),
        (Format::Text, Door::Report) => text::cluster(assessment, style),
    }
}

/// `file:line:column: message`, with as much of the place as is known.
pub fn place_in_input(unreadable: &Unreadable) -> String {
    let Unreadable { file, line, column, message } = unreadable;
    match (line, column) {
        (0, _) => format!("{file}: {message}"),
        (line, 0) => format!("{file}:{line}: {message}"),
        (line, column) => format!("{file}:{line}:{column}: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_as_they_are_asked_for() {
        let shown = |text: &str| output(text).map(|o| (o.format, o.file.map(|f| f.display().to_string())));
        for (text, format, file) in [
            ("text", Format::Text, None),
            ("json", Format::Json, None),
            ("json=out.json", Format::Json, Some("out.json")),
            ("text=a=b", Format::Text, Some("a=b")),
            ("json=-", Format::Json, None),
        ] {
            assert_eq!(shown(text), Ok((format, file.map(str::to_owned))), "{text}");
        }
        for (text, part) in [("yaml", "'yaml' is no format"), ("json=", "expected a file"), ("", "'' is no format")] {
            let error = output(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_stated_about_the_cluster_is_checked_at_once() {
        for (text, part) in [
            ("evictionStrategy", "expected KEY=VALUE"),
            ("evictionStrategy=Sometimes", "'Sometimes' is no value"),
            ("colour=red", "'colour' is no cluster default"),
        ] {
            let error = cluster_default(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(cluster_default("evictionStrategy=LiveMigrate").is_ok());
    }
}
