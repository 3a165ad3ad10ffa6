//! How a line of the log is written: JSON for machines, words on a terminal.
//!
//! Lines come from this crate alone. Libraries log what they cannot read, and that may be anybody's Secret.

use std::fmt;
use std::io;
use std::panic;

use serde::{Serialize, Serializer};
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// Logs to standard error from this level on. Only the first call counts.
pub fn begin(level: LevelFilter, terminal: bool, colour: bool) {
    let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    let registry = tracing_subscriber::registry().with(ours);
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(false);
    let begun = if terminal {
        registry.with(lines.with_ansi(colour).event_format(Words)).try_init()
    } else {
        registry.with(lines.event_format(Json)).try_init()
    };
    // A second log would tell the same twice.
    let _ = begun;
    panic::set_hook(Box::new(|panic| {
        // Its message may quote what was being read.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place = place.as_str(), "a bug: this program panicked");
    }));
}

/// One object a line: `time`, `level`, `msg`, and the fields of the event.
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut to: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = Line { fields: Vec::new() };
        line.fields.push(("time", Value::from(jiff::Timestamp::now().to_string())));
        line.fields.push(("level", Value::from(event.metadata().level().as_str().to_lowercase())));
        event.record(&mut line);
        writeln!(to, "{}", serde_json::to_string(&line).map_err(|_| fmt::Error)?)
    }
}

/// `09:12:41 denied name="db-0" …`: what is said, then its fields. The level stands there when it is more than a note.
struct Words;

impl<S, N> FormatEvent<S, N> for Words
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut to: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = Line { fields: Vec::new() };
        event.record(&mut line);
        let style = |on: &'static str| if to.has_ansi_escapes() { on } else { "" };
        let (bold, red, dim, plain) = (style("\u{1b}[1m"), style("\u{1b}[31m"), style("\u{1b}[2m"), style("\u{1b}[0m"));
        write!(to, "{dim}{}{plain} ", jiff::Timestamp::now().strftime("%H:%M:%S"))?;
        if *event.metadata().level() <= Level::WARN {
            write!(to, "{red}{}{plain} ", event.metadata().level().as_str().to_lowercase())?;
        }
        for (name, value) in &line.fields {
            match value {
                Value::String(text) if *name == "msg" => write!(to, "{bold}{text}{plain}")?,
                // Escaped: what a request holds cannot move the cursor, turn the text or end the line.
                Value::String(text) => write!(to, " {dim}{name}={plain}{text:?}")?,
                value => write!(to, " {dim}{name}={plain}{value}")?,
            }
        }
        writeln!(to)
    }
}

/// The fields in their order; the event's message comes first among its own.
struct Line {
    fields: Vec<(&'static str, Value)>,
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.fields.iter().map(|(name, value)| (name, value)))
    }
}

impl Line {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        let name = if field.name() == "message" { "msg" } else { field.name() };
        self.fields.push((name, value.into()));
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value);
    }
}
