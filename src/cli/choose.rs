//! Which of the objects in a file a person means, and where in it something stands.

use std::path::Path;

use crate::object::{Location, Object};
use crate::policy;

/// The objects of a name, `namespace/name` or `Kind/name`; an error that helps when there are none. `which` says what the
/// objects have in common, such as "that there are facts about".
pub fn chosen<'m>(objects: &[Object<'m>], name: &str, file: &Path, which: &str) -> anyhow::Result<Vec<Object<'m>>> {
    let chosen: Vec<Object<'_>> = objects.iter().copied().filter(|object| is_called(*object, name)).collect();
    if chosen.is_empty() {
        let names: Vec<String> = objects.iter().map(|object| object.reference().qualified_name()).collect();
        let short = objects.iter().map(|object| object.name());
        let help = match policy::nearest(name, short.chain(names.iter().map(String::as_str))) {
            Some(near) => format!("did you mean '{near}'?"),
            None => format!("there are {}", listed(&names)),
        };
        let which = if which.is_empty() { String::new() } else { format!(" {which}") };
        anyhow::bail!("{}: no object called '{name}'{which} ({help})", file.display());
    }
    Ok(chosen)
}

fn is_called(object: Object<'_>, name: &str) -> bool {
    let reference = object.reference();
    let kind = format!("{}/{}", reference.kind, reference.name);
    name == reference.name || name == reference.qualified_name() || name.eq_ignore_ascii_case(&kind)
}

/// The first of many names.
pub fn listed(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = names.len().saturating_sub(SHOWN);
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// `db.yaml:18:23`: the file's own name, for a screen is narrow and says which file it is about.
pub fn place(location: &Location) -> String {
    let name = &location.origin.name;
    let file = Path::new(name).file_name().map_or(name.into(), |name| name.to_string_lossy());
    format!("{file}:{}:{}", location.line, location.column)
}
