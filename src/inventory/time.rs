//! The time of a dump.

use jiff::Timestamp;

use super::Inventory;
use crate::object::Node;

/// Reads the file `timestamp` that must-gather and `oc adm inspect` write: a line when they begin and one when they end,
/// as Go prints a time (`2026-03-04 09:12:41.123456 +0000 UTC m=+0.1`). Gives the last one that can be read, so that no
/// object in the dump is younger than "now".
pub fn parse_timestamp_file(text: &str) -> Option<Timestamp> {
    text.lines().filter_map(go_time).next_back()
}

/// A time as Go's `time.Time.String` prints it.
fn go_time(line: &str) -> Option<Timestamp> {
    let mut words = line.split_whitespace();
    let (date, time, offset) = (words.next()?, words.next()?, words.next()?);
    let (hours, minutes) = offset.split_at_checked(3)?;
    format!("{date}T{time}{hours}:{minutes}").parse().ok()
}

/// The newest time that the objects mention: their creation, their fields' managers and their conditions. For dumps
/// without a `timestamp` file.
pub fn newest_timestamp(inventory: &Inventory) -> Option<Timestamp> {
    // API times are UTC with the same width, so text compares like time and only the last one is parsed. Its year comes
    // first: what does not begin with four digits is no time.
    let is_time =
        |text: &&str| text.len() >= 20 && text.ends_with('Z') && text.bytes().take(4).all(|b| b.is_ascii_digit());
    let newest = inventory.objects_unsorted().flat_map(|object| times(object.root)).filter(is_time).max()?;
    newest.parse().ok()
}

fn times<'t>(root: Node<'t>) -> impl Iterator<Item = &'t str> {
    const CONDITION: [&str; 4] = ["lastTransitionTime", "lastHeartbeatTime", "lastProbeTime", "lastUpdateTime"];
    let managers = root.list_at(&["metadata", "managedFields"]).filter_map(|m| m.str_at(&["time"]));
    let conditions = root.list_at(&["status", "conditions"]);
    let conditions = conditions.flat_map(|c| CONDITION.into_iter().filter_map(move |key| c.str_at(&[key])));
    root.str_at(&["metadata", "creationTimestamp"]).into_iter().chain(managers).chain(conditions)
}
